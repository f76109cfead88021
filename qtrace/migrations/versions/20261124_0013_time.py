"""the targets of clocks by severity, what cases may wait for, and the platform's deadline of a complaint."""

import sqlalchemy as sa
from alembic import op

revision = '20261124_0013'
down_revision = '20261124_0012'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'clock_target',
        sa.Column('id', ID, nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('severity', sa.String(length=60), nullable=False),
        sa.Column('minutes', ID, nullable=False),
        sa.Column('round_the_clock', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_target')),
        sa.UniqueConstraint('kind', 'severity', name=op.f('uq_clock_target_kind_severity')),
    )
    op.create_table(
        'clock_pause_reason',
        sa.Column('id', ID, nullable=False),
        sa.Column('name', sa.String(length=60), nullable=False),
        sa.Column('stops', sa.Boolean(), nullable=False),
        sa.Column('position', ID, nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_pause_reason')),
        sa.UniqueConstraint('name', name=op.f('uq_clock_pause_reason_name')),
    )
    op.add_column('complaint', sa.Column('platform_due_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('after_sale', sa.Column('platform_due_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('ix_complaint_platform_due_at', 'complaint', ['status', 'platform_due_at'])


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
