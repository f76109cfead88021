"""keep the clocks of cases: their intervals, their alarms and the steps at which they ring."""

import sqlalchemy as sa
from alembic import op

revision = '20261123_0008'
down_revision = '20261122_0006'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'clock_step',
        sa.Column('id', ID, nullable=False),
        sa.Column('key', sa.String(length=40), nullable=False),
        sa.Column('offset', ID, nullable=False),
        sa.Column('level', ID, nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_step')),
        sa.UniqueConstraint('key', name=op.f('uq_clock_step_key')),
    )
    op.create_table(
        'clock',
        sa.Column('id', ID, nullable=False),
        sa.Column('subject_kind', sa.String(length=40), nullable=False),
        sa.Column('subject_id', ID, nullable=False),
        sa.Column('kind', sa.String(length=20), nullable=False),
        sa.Column('round_the_clock', sa.Boolean(), nullable=False),
        sa.Column('department_id', ID, nullable=True),
        sa.Column('owner_id', ID, nullable=True),
        sa.Column('minutes', ID, nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(['department_id'], ['department.id'], name=op.f('fk_clock_department_id')),
        sa.ForeignKeyConstraint(['owner_id'], ['user.id'], name=op.f('fk_clock_owner_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock')),
        sa.UniqueConstraint(
            'subject_kind', 'subject_id', 'kind', name=op.f('uq_clock_subject_kind_subject_id_kind')
        ),
    )
    op.create_index('ix_clock_next_at', 'clock', ['next_at', 'id'])
    op.create_index('ix_clock_department', 'clock', ['department_id', 'state'])
    op.create_table(
        'clock_interval',
        sa.Column('id', ID, nullable=False),
        sa.Column('clock_id', ID, nullable=False),
        sa.Column('position', ID, nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('since', sa.DateTime(timezone=True), nullable=False),
        sa.Column('until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reason', sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ['clock_id'], ['clock.id'], name=op.f('fk_clock_interval_clock_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_interval')),
        sa.UniqueConstraint('clock_id', 'position', name=op.f('uq_clock_interval_clock_id_position')),
    )
    op.create_table(
        'clock_alarm',
        sa.Column('id', ID, nullable=False),
        sa.Column('clock_id', ID, nullable=False),
        sa.Column('step', sa.String(length=40), nullable=False),
        sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('rung_at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(['clock_id'], ['clock.id'], name=op.f('fk_clock_alarm_clock_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_clock_alarm')),
        sa.UniqueConstraint('clock_id', 'step', name=op.f('uq_clock_alarm_clock_id_step')),
    )


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
