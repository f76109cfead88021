"""goods held back and called back."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '20261124_0027'
down_revision = '20261124_0025'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
JSON = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')
MANAGES, APPROVES = ('admin', 'quality_lead', 'inspector'), ('admin', 'quality_lead', 'owner')


def upgrade() -> None:
    op.create_table('recall',
    sa.Column('id', ID, nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('issue_id', ID, nullable=True),
    sa.Column('target_minutes', ID, nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_by', ID, nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', ID, nullable=True),
    sa.Column('conclusion', sa.Text(), nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.ForeignKeyConstraint(['closed_by'], ['user.id'], name=op.f('fk_recall_closed_by')),
    sa.ForeignKeyConstraint(['issue_id'], ['issue.id'], name=op.f('fk_recall_issue_id')),
    sa.ForeignKeyConstraint(['opened_by'], ['user.id'], name=op.f('fk_recall_opened_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recall')),
    sa.UniqueConstraint('number', name=op.f('uq_recall_number'))
    )
    with op.batch_alter_table('recall', schema=None) as batch_op:
        batch_op.create_index('ix_recall_list', ['closed_at', 'id'], unique=False)

    op.create_table('hold',
    sa.Column('id', ID, nullable=False),
    sa.Column('lot_id', ID, nullable=False),
    sa.Column('warehouse_id', ID, nullable=True),
    sa.Column('recall_id', ID, nullable=True),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('placed_by', ID, nullable=True),
    sa.Column('released_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('released_by', ID, nullable=True),
    sa.Column('released_why', sa.String(length=300), nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_hold_lot_id')),
    sa.ForeignKeyConstraint(['placed_by'], ['user.id'], name=op.f('fk_hold_placed_by')),
    sa.ForeignKeyConstraint(['recall_id'], ['recall.id'], name=op.f('fk_hold_recall_id')),
    sa.ForeignKeyConstraint(['released_by'], ['user.id'], name=op.f('fk_hold_released_by')),
    sa.ForeignKeyConstraint(['warehouse_id'], ['warehouse.id'], name=op.f('fk_hold_warehouse_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hold'))
    )
    with op.batch_alter_table('hold', schema=None) as batch_op:
        batch_op.create_index('ix_hold_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_hold_open', ['released_at', 'id'], unique=False)

    op.create_table('recall_lot',
    sa.Column('recall_id', ID, nullable=False),
    sa.Column('lot_id', ID, nullable=False),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_recall_lot_lot_id')),
    sa.ForeignKeyConstraint(['recall_id'], ['recall.id'], name=op.f('fk_recall_lot_recall_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('recall_id', 'lot_id', name=op.f('pk_recall_lot'))
    )
    with op.batch_alter_table('recall_lot', schema=None) as batch_op:
        batch_op.create_index('ix_recall_lot_lot', ['lot_id'], unique=False)

    op.create_table('recall_order',
    sa.Column('id', ID, nullable=False),
    sa.Column('recall_id', ID, nullable=False),
    sa.Column('order_id', ID, nullable=False),
    sa.Column('pieces', ID, nullable=False),
    sa.Column('sure', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('changed_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['changed_by'], ['user.id'], name=op.f('fk_recall_order_changed_by')),
    sa.ForeignKeyConstraint(['order_id'], ['order.id'], name=op.f('fk_recall_order_order_id')),
    sa.ForeignKeyConstraint(['recall_id'], ['recall.id'], name=op.f('fk_recall_order_recall_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recall_order')),
    sa.UniqueConstraint('recall_id', 'order_id', name=op.f('uq_recall_order_recall_id_order_id'))
    )
    with op.batch_alter_table('recall_order', schema=None) as batch_op:
        batch_op.create_index('ix_recall_order_state', ['recall_id', 'state', 'id'], unique=False)

    op.create_table('recall_step',
    sa.Column('id', ID, nullable=False),
    sa.Column('recall_id', ID, nullable=False),
    sa.Column('key', sa.String(length=20), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('figures', JSON, nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['done_by'], ['user.id'], name=op.f('fk_recall_step_done_by')),
    sa.ForeignKeyConstraint(['recall_id'], ['recall.id'], name=op.f('fk_recall_step_recall_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recall_step')),
    sa.UniqueConstraint('recall_id', 'key', name=op.f('uq_recall_step_recall_id_key'))
    )
    op.create_table('hold_count',
    sa.Column('id', ID, nullable=False),
    sa.Column('hold_id', ID, nullable=False),
    sa.Column('warehouse_id', ID, nullable=True),
    sa.Column('pieces', ID, nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('counted_by', ID, nullable=True),
    sa.ForeignKeyConstraint(['counted_by'], ['user.id'], name=op.f('fk_hold_count_counted_by')),
    sa.ForeignKeyConstraint(['hold_id'], ['hold.id'], name=op.f('fk_hold_count_hold_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['warehouse_id'], ['warehouse.id'], name=op.f('fk_hold_count_warehouse_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hold_count'))
    )
    with op.batch_alter_table('hold_count', schema=None) as batch_op:
        batch_op.create_index('ix_hold_count_hold', ['hold_id'], unique=False)
    op.create_table('recall_letter',
    sa.Column('id', ID, nullable=False),
    sa.Column('recall_id', ID, nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('written_by', ID, nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', ID, nullable=True),
    sa.Column('decided_why', sa.String(length=300), nullable=False),
    sa.Column('version', ID, nullable=False),
    sa.ForeignKeyConstraint(['decided_by'], ['user.id'], name=op.f('fk_recall_letter_decided_by')),
    sa.ForeignKeyConstraint(['recall_id'], ['recall.id'], name=op.f('fk_recall_letter_recall_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['written_by'], ['user.id'], name=op.f('fk_recall_letter_written_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recall_letter'))
    )
    with op.batch_alter_table('recall_letter', schema=None) as batch_op:
        batch_op.create_index('ix_recall_letter_recall', ['recall_id', 'id'], unique=False)
    _give_permission()


def _give_permission() -> None:
    role = sa.table('role', sa.column('id', ID), sa.column('key', sa.String), sa.column('permissions', JSON))
    bind = op.get_bind()
    for row in bind.execute(sa.select(role).where(role.c.key.in_({*MANAGES, *APPROVES}))).all():
        held = json.loads(row.permissions) if isinstance(row.permissions, str) else row.permissions
        given = {'recall.manage': MANAGES, 'recall.approve': APPROVES}
        added = [name for name, keys in given.items() if row.key in keys and name not in held]
        if added:
            bind.execute(role.update().where(role.c.id == row.id).values(permissions=[*held, *added]))


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
