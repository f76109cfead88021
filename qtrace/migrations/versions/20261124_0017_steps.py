"""the addresses flows may call, and the papers they file with a case."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0017'
down_revision = '20261124_0016'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table('flow_address',
    sa.Column('id', ID, nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('headers', JSON, nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_address')),
    sa.UniqueConstraint('name', name=op.f('uq_flow_address_name'))
    )
    op.create_table('flow_paper',
    sa.Column('id', ID, nullable=False),
    sa.Column('subject_kind', sa.String(length=40), nullable=False),
    sa.Column('subject_id', ID, nullable=False),
    sa.Column('node', sa.String(length=60), nullable=False),
    sa.Column('file_id', sa.String(length=32), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_flow_paper_file_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_paper'))
    )
    op.create_index('ix_flow_paper_subject', 'flow_paper', ['subject_kind', 'subject_id'], unique=False)


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
