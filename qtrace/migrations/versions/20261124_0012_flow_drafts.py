"""keep drafts of flows with the changes that can be taken back, and who published a version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0012'
down_revision = '20261124_0011'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table(
        'flow_draft',
        sa.Column('id', ID, nullable=False),
        sa.Column('key', sa.String(length=60), nullable=False),
        sa.Column('definition', JSON, nullable=True),
        sa.Column('base_version', ID, nullable=False),
        sa.Column('version', ID, nullable=False),
        sa.Column('updated_by', ID, nullable=True),
        sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_draft')),
        sa.UniqueConstraint('key', name=op.f('uq_flow_draft_key')),
    )
    op.create_table(
        'flow_draft_step',
        sa.Column('id', ID, nullable=False),
        sa.Column('draft_id', ID, nullable=False),
        sa.Column('position', ID, nullable=False),
        sa.Column('undone', sa.Boolean(), nullable=False),
        sa.Column('verb', sa.String(length=20), nullable=False),
        sa.Column('name', sa.String(length=120), nullable=False),
        sa.Column('definition', JSON, nullable=False),
        sa.Column('by', ID, nullable=True),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ['draft_id'], ['flow_draft.id'], name=op.f('fk_flow_draft_step_draft_id'), ondelete='CASCADE'
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_flow_draft_step')),
        sa.UniqueConstraint('draft_id', 'position', name=op.f('uq_flow_draft_step_draft_id_position')),
    )
    op.add_column('flow_definition', sa.Column('note', sa.Text(), nullable=True))
    op.add_column('flow_definition', sa.Column('published_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('flow_definition', sa.Column('published_by', ID, nullable=True))


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
