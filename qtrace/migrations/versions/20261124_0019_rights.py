"""where a question was asked, so that what is hidden there stays hidden."""

import sqlalchemy as sa
from alembic import op

revision = '20261124_0019'
down_revision = '20261124_0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('flow_question', sa.Column('node', sa.String(length=60), nullable=True))


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
