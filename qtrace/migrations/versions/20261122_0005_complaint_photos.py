"""keep the photos a colleague adds when recording a complaint."""

import sqlalchemy as sa
from alembic import op

revision = '20261122_0005'
down_revision = '20261122_0004'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table(
        'complaint_photo',
        sa.Column('id', ID, nullable=False),
        sa.Column('complaint_id', ID, nullable=False),
        sa.Column('file_id', sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ['complaint_id'], ['complaint.id'], name=op.f('fk_complaint_photo_complaint_id'), ondelete='CASCADE'
        ),
        sa.ForeignKeyConstraint(['file_id'], ['stored_file.id'], name=op.f('fk_complaint_photo_file_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_complaint_photo')),
    )
    with op.batch_alter_table('complaint_photo', schema=None) as batch_op:
        batch_op.create_index('ix_complaint_photo_complaint', ['complaint_id', 'id'], unique=False)


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
