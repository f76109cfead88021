"""a case that was put aside says so, and keeps the steps that came up meanwhile."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0018'
down_revision = '20261124_0017'
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.add_column('flow_instance', sa.Column('halted_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('flow_instance', sa.Column('parked', JSON, nullable=True))
    op.execute(
        """
        UPDATE flow_instance SET halted_at = CURRENT_TIMESTAMP
        WHERE status = 'running' AND subject_kind = 'record'
        AND subject_id IN (SELECT id FROM record WHERE state = 'void')
        """
    )


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
