"""note by which number of which shop an issue was known before it was imported."""

import sqlalchemy as sa
from alembic import op

revision = '20261122_0003'
down_revision = '20261122_0002'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'imported_issue',
        sa.Column('id', ID, nullable=False),
        sa.Column('shop_id', ID, nullable=False),
        sa.Column('external_id', sa.String(length=120), nullable=False),
        sa.Column('issue_id', ID, nullable=False),
        sa.ForeignKeyConstraint(['issue_id'], ['issue.id'], name=op.f('fk_imported_issue_issue_id'), ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_imported_issue_shop_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_imported_issue')),
        sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_imported_issue_shop_id_external_id')),
    )
    with op.batch_alter_table('imported_issue', schema=None) as batch_op:
        batch_op.create_index('ix_imported_issue_issue', ['issue_id'], unique=False)


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
