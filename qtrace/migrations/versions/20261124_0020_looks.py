"""who has looked at a to-do, and when."""

import sqlalchemy as sa
from alembic import op

revision = '20261124_0020'
down_revision = '20261124_0019'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('task_look',
    sa.Column('task_id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('before_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['task_id'], ['task.id'], name=op.f('fk_task_look_task_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_task_look_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('task_id', 'user_id', name=op.f('pk_task_look'))
    )
    op.create_index('ix_task_look_user', 'task_look', ['user_id'], unique=False)


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
