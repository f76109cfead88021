"""give responsibility shares and answers of the 5-Why tree a version, so that nobody overwrites somebody unseen."""

import sqlalchemy as sa
from alembic import op

revision = '20261122_0002'
down_revision = '20261122_0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('responsibility', 'why'):
        op.add_column(
            table,
            sa.Column(
                'version', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), server_default='1', nullable=False
            ),
        )


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
