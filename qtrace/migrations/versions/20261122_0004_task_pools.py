"""find the to-dos of a role's pool and of a helper without reading every to-do."""

from alembic import op

revision = '20261122_0004'
down_revision = '20261122_0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_task_pool', 'task', ['state', 'role_key', 'owner_id'])
    op.create_index('ix_task_helper_user', 'task_helper', ['user_id'])


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
