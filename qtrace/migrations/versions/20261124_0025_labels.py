"""boxes with labels of their own."""

import sqlalchemy as sa
from alembic import op

revision = '20261124_0025'
down_revision = '20261124_0024'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('carton',
    sa.Column('id', ID, nullable=False),
    sa.Column('number', sa.String(length=40), nullable=False),
    sa.Column('lot_id', ID, nullable=False),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', ID, nullable=False),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_carton_lot_id')),
    sa.ForeignKeyConstraint(['created_by'], ['user.id'], name=op.f('fk_carton_created_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_carton')),
    sa.UniqueConstraint('number', name=op.f('uq_carton_number'))
    )
    with op.batch_alter_table('carton', schema=None) as batch_op:
        batch_op.create_index('ix_carton_lot', ['lot_id'], unique=False)


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
