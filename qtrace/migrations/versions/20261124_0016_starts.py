"""who is responsible for what, and which flow begins for what comes in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0016'
down_revision = '20261124_0015'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table('duty',
    sa.Column('id', ID, nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('ref_id', ID, nullable=False),
    sa.Column('user_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], name=op.f('fk_duty_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_duty')),
    sa.UniqueConstraint('kind', 'ref_id', 'user_id', name=op.f('uq_duty_kind_ref_id_user_id'))
    )
    op.create_table('flow_start',
    sa.Column('id', ID, nullable=False),
    sa.Column('flow', sa.String(length=60), nullable=False),
    sa.Column('subject_kind', sa.String(length=40), nullable=False),
    sa.Column('condition', JSON, nullable=True),
    sa.Column('position', ID, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_start')),
    sa.UniqueConstraint('flow', 'subject_kind', name=op.f('uq_flow_start_flow_subject_kind'))
    )


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
