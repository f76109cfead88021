"""what happens to goods between the supplier and the parcel."""

import sqlalchemy as sa
from alembic import op

revision = '20261124_0022'
down_revision = '20261124_0021'
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('purchase',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('supplier_id', ID, nullable=True),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('ordered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('expected_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_purchase_shop_id')),
    sa.ForeignKeyConstraint(['supplier_id'], ['supplier.id'], name=op.f('fk_purchase_supplier_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purchase')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_purchase_shop_id_external_id'))
    )
    with op.batch_alter_table('purchase', schema=None) as batch_op:
        batch_op.create_index('ix_purchase_supplier', ['supplier_id'], unique=False)

    op.create_table('kit_part',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=260), nullable=False),
    sa.Column('kit_id', ID, nullable=True),
    sa.Column('part_id', ID, nullable=True),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['kit_id'], ['sku.id'], name=op.f('fk_kit_part_kit_id')),
    sa.ForeignKeyConstraint(['part_id'], ['sku.id'], name=op.f('fk_kit_part_part_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_kit_part_shop_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_kit_part')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_kit_part_shop_id_external_id'))
    )
    with op.batch_alter_table('kit_part', schema=None) as batch_op:
        batch_op.create_index('ix_kit_part_kit', ['kit_id'], unique=False)
        batch_op.create_index('ix_kit_part_part', ['part_id'], unique=False)

    op.create_table('listing',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=260), nullable=False),
    sa.Column('offer', sa.String(length=120), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('title', sa.String(length=500), nullable=False),
    sa.Column('pictures', sa.Text(), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('price_minor', ID, nullable=True),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_listing_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_listing_sku_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_listing')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_listing_shop_id_external_id'))
    )
    with op.batch_alter_table('listing', schema=None) as batch_op:
        batch_op.create_index('ix_listing_offer', ['offer', 'seen_at'], unique=False)
        batch_op.create_index('ix_listing_sku', ['sku_id', 'seen_at'], unique=False)

    op.create_table('purchase_line',
    sa.Column('id', ID, nullable=False),
    sa.Column('purchase_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('price_minor', ID, nullable=False),
    sa.ForeignKeyConstraint(['purchase_id'], ['purchase.id'], name=op.f('fk_purchase_line_purchase_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_purchase_line_sku_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_purchase_line')),
    sa.UniqueConstraint('purchase_id', 'external_id', name=op.f('uq_purchase_line_purchase_id_external_id'))
    )
    with op.batch_alter_table('purchase_line', schema=None) as batch_op:
        batch_op.create_index('ix_purchase_line_sku', ['sku_id'], unique=False)

    op.create_table('lot_part',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=260), nullable=False),
    sa.Column('lot_id', ID, nullable=True),
    sa.Column('part_id', ID, nullable=True),
    sa.Column('quantity', ID, nullable=False),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_lot_part_lot_id')),
    sa.ForeignKeyConstraint(['part_id'], ['lot.id'], name=op.f('fk_lot_part_part_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_lot_part_shop_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lot_part')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_lot_part_shop_id_external_id'))
    )
    with op.batch_alter_table('lot_part', schema=None) as batch_op:
        batch_op.create_index('ix_lot_part_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_lot_part_part', ['part_id'], unique=False)

    op.create_table('parcel_item',
    sa.Column('id', ID, nullable=False),
    sa.Column('parcel_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=260), nullable=False),
    sa.Column('shop_key', sa.String(length=60), nullable=False),
    sa.Column('order_number', sa.String(length=120), nullable=False),
    sa.Column('line_number', sa.String(length=120), nullable=False),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('order_id', ID, nullable=True),
    sa.Column('line_id', ID, nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['order_line.id'], name=op.f('fk_parcel_item_line_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['order_id'], ['order.id'], name=op.f('fk_parcel_item_order_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['parcel_id'], ['parcel.id'], name=op.f('fk_parcel_item_parcel_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parcel_item')),
    sa.UniqueConstraint('parcel_id', 'external_id', name=op.f('uq_parcel_item_parcel_id_external_id'))
    )
    with op.batch_alter_table('parcel_item', schema=None) as batch_op:
        batch_op.create_index('ix_parcel_item_order', ['order_id'], unique=False)
        batch_op.create_index('ix_parcel_item_order_number', ['order_number'], unique=False)

    op.create_table('parcel_scan',
    sa.Column('id', ID, nullable=False),
    sa.Column('parcel_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('place', sa.String(length=120), nullable=False),
    sa.Column('text', sa.String(length=300), nullable=False),
    sa.Column('scanned_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['parcel_id'], ['parcel.id'], name=op.f('fk_parcel_scan_parcel_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parcel_scan')),
    sa.UniqueConstraint('parcel_id', 'external_id', name=op.f('uq_parcel_scan_parcel_id_external_id'))
    )
    op.create_table('return_receipt',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('waybill', sa.String(length=120), nullable=False),
    sa.Column('shop_key', sa.String(length=60), nullable=False),
    sa.Column('order_number', sa.String(length=120), nullable=False),
    sa.Column('line_number', sa.String(length=120), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('lot_id', ID, nullable=True),
    sa.Column('warehouse_id', ID, nullable=True),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('condition', sa.String(length=12), nullable=False),
    sa.Column('outcome', sa.String(length=12), nullable=False),
    sa.Column('note', sa.String(length=300), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('order_id', ID, nullable=True),
    sa.Column('line_id', ID, nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['order_line.id'], name=op.f('fk_return_receipt_line_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_return_receipt_lot_id')),
    sa.ForeignKeyConstraint(['order_id'], ['order.id'], name=op.f('fk_return_receipt_order_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_return_receipt_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_return_receipt_sku_id')),
    sa.ForeignKeyConstraint(['warehouse_id'], ['warehouse.id'], name=op.f('fk_return_receipt_warehouse_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_return_receipt')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_return_receipt_shop_id_external_id'))
    )
    with op.batch_alter_table('return_receipt', schema=None) as batch_op:
        batch_op.create_index('ix_return_receipt_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_return_receipt_order', ['order_id'], unique=False)
        batch_op.create_index('ix_return_receipt_order_number', ['order_number'], unique=False)
        batch_op.create_index('ix_return_receipt_received', ['received_at'], unique=False)
        batch_op.create_index('ix_return_receipt_waybill', ['waybill'], unique=False)

    op.create_table('serial',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('lot_id', ID, nullable=True),
    sa.Column('shop_key', sa.String(length=60), nullable=False),
    sa.Column('order_number', sa.String(length=120), nullable=False),
    sa.Column('line_number', sa.String(length=120), nullable=False),
    sa.Column('order_id', ID, nullable=True),
    sa.Column('line_id', ID, nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['order_line.id'], name=op.f('fk_serial_line_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_serial_lot_id')),
    sa.ForeignKeyConstraint(['order_id'], ['order.id'], name=op.f('fk_serial_order_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_serial_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_serial_sku_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_serial')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_serial_shop_id_external_id'))
    )
    with op.batch_alter_table('serial', schema=None) as batch_op:
        batch_op.create_index('ix_serial_external_id', ['external_id'], unique=False)
        batch_op.create_index('ix_serial_line', ['line_id'], unique=False)
        batch_op.create_index('ix_serial_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_serial_order_number', ['order_number'], unique=False)

    op.create_table('stock_balance',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=400), nullable=False),
    sa.Column('warehouse_id', ID, nullable=True),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('lot_id', ID, nullable=True),
    sa.Column('condition', sa.String(length=12), nullable=False),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('allocated', ID, nullable=False),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_stock_balance_lot_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_stock_balance_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_stock_balance_sku_id')),
    sa.ForeignKeyConstraint(['warehouse_id'], ['warehouse.id'], name=op.f('fk_stock_balance_warehouse_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_balance')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_stock_balance_shop_id_external_id'))
    )
    with op.batch_alter_table('stock_balance', schema=None) as batch_op:
        batch_op.create_index('ix_stock_balance_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_stock_balance_sku', ['sku_id'], unique=False)

    op.create_table('stock_move',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('lot_id', ID, nullable=True),
    sa.Column('into_lot_id', ID, nullable=True),
    sa.Column('warehouse_id', ID, nullable=True),
    sa.Column('to_warehouse_id', ID, nullable=True),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('moved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('document', sa.String(length=120), nullable=False),
    sa.Column('reason', sa.String(length=300), nullable=False),
    sa.ForeignKeyConstraint(['into_lot_id'], ['lot.id'], name=op.f('fk_stock_move_into_lot_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_stock_move_lot_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_stock_move_shop_id')),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_stock_move_sku_id')),
    sa.ForeignKeyConstraint(['to_warehouse_id'], ['warehouse.id'], name=op.f('fk_stock_move_to_warehouse_id')),
    sa.ForeignKeyConstraint(['warehouse_id'], ['warehouse.id'], name=op.f('fk_stock_move_warehouse_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_move')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_stock_move_shop_id_external_id'))
    )
    with op.batch_alter_table('stock_move', schema=None) as batch_op:
        batch_op.create_index('ix_stock_move_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_stock_move_sku', ['sku_id', 'moved_at'], unique=False)

    op.create_table('stock_out',
    sa.Column('id', ID, nullable=False),
    sa.Column('shop_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('trade', sa.String(length=120), nullable=False),
    sa.Column('orders_text', sa.String(length=1000), nullable=False),
    sa.Column('print_batch', sa.String(length=120), nullable=False),
    sa.Column('parcel_id', ID, nullable=True),
    sa.Column('courier', sa.String(length=80), nullable=False),
    sa.Column('warehouse_id', ID, nullable=True),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('shipped_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['parcel_id'], ['parcel.id'], name=op.f('fk_stock_out_parcel_id')),
    sa.ForeignKeyConstraint(['shop_id'], ['shop.id'], name=op.f('fk_stock_out_shop_id')),
    sa.ForeignKeyConstraint(['warehouse_id'], ['warehouse.id'], name=op.f('fk_stock_out_warehouse_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_out')),
    sa.UniqueConstraint('shop_id', 'external_id', name=op.f('uq_stock_out_shop_id_external_id'))
    )
    with op.batch_alter_table('stock_out', schema=None) as batch_op:
        batch_op.create_index('ix_stock_out_external_id', ['external_id'], unique=False)
        batch_op.create_index('ix_stock_out_parcel', ['parcel_id'], unique=False)
        batch_op.create_index('ix_stock_out_trade', ['trade'], unique=False)

    op.create_table('stock_out_line',
    sa.Column('id', ID, nullable=False),
    sa.Column('stock_out_id', ID, nullable=False),
    sa.Column('external_id', sa.String(length=120), nullable=False),
    sa.Column('shop_key', sa.String(length=60), nullable=False),
    sa.Column('order_number', sa.String(length=120), nullable=False),
    sa.Column('line_number', sa.String(length=120), nullable=False),
    sa.Column('sku_id', ID, nullable=True),
    sa.Column('lot_id', ID, nullable=True),
    sa.Column('lot_method', sa.String(length=12), nullable=False),
    sa.Column('quantity', ID, nullable=False),
    sa.Column('order_id', ID, nullable=True),
    sa.Column('line_id', ID, nullable=True),
    sa.ForeignKeyConstraint(['line_id'], ['order_line.id'], name=op.f('fk_stock_out_line_line_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_stock_out_line_lot_id')),
    sa.ForeignKeyConstraint(['order_id'], ['order.id'], name=op.f('fk_stock_out_line_order_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['sku_id'], ['sku.id'], name=op.f('fk_stock_out_line_sku_id')),
    sa.ForeignKeyConstraint(['stock_out_id'], ['stock_out.id'], name=op.f('fk_stock_out_line_stock_out_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_out_line')),
    sa.UniqueConstraint('stock_out_id', 'external_id', name=op.f('uq_stock_out_line_stock_out_id_external_id'))
    )
    with op.batch_alter_table('stock_out_line', schema=None) as batch_op:
        batch_op.create_index('ix_stock_out_line_line', ['line_id'], unique=False)
        batch_op.create_index('ix_stock_out_line_lot', ['lot_id'], unique=False)
        batch_op.create_index('ix_stock_out_line_order', ['order_id'], unique=False)
        batch_op.create_index('ix_stock_out_line_order_number', ['order_number'], unique=False)

    with op.batch_alter_table('after_sale', schema=None) as batch_op:
        batch_op.add_column(sa.Column('return_waybill', sa.String(length=120), server_default='', nullable=False))
        batch_op.create_index('ix_after_sale_return_waybill', ['return_waybill'], unique=False)

    with op.batch_alter_table('lot', schema=None) as batch_op:
        batch_op.add_column(sa.Column('supplier_lot', sa.String(length=120), server_default='', nullable=False))
        batch_op.add_column(sa.Column('quality_status', sa.String(length=12), server_default='', nullable=False))
        batch_op.add_column(sa.Column('level', sa.String(length=12), server_default='', nullable=False))

    with op.batch_alter_table('receipt', schema=None) as batch_op:
        batch_op.add_column(sa.Column('purchase_id', ID, nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_receipt_purchase_id'), 'purchase', ['purchase_id'], ['id'])

    with op.batch_alter_table('sku', schema=None) as batch_op:
        batch_op.add_column(sa.Column('brand', sa.String(length=120), server_default='', nullable=False))
        batch_op.add_column(sa.Column('replaced_by_id', ID, nullable=True))
        batch_op.create_index('ix_sku_replaced_by', ['replaced_by_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_sku_replaced_by_id'), 'sku', ['replaced_by_id'], ['id'])

    with op.batch_alter_table('supplier', schema=None) as batch_op:
        batch_op.add_column(sa.Column('merged_into_id', ID, nullable=True))
        batch_op.create_index('ix_supplier_merged_into', ['merged_into_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_supplier_merged_into_id'), 'supplier', ['merged_into_id'], ['id'])

    with op.batch_alter_table('line_lot', schema=None) as batch_op:
        batch_op.add_column(sa.Column('source', sa.String(length=12), server_default='', nullable=False))
        batch_op.drop_index('ix_line_lot_lot')
        batch_op.create_index('ix_line_lot_served', ['lot_id', 'line_id'], unique=False)

    op.create_index('ix_after_sale_line', 'after_sale', ['line_id'], unique=False)
    waiting = sa.text('shipped_at IS NULL AND delivered_at IS NULL')
    op.create_index('ix_order_waiting', 'order', ['id'], unique=False, sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    raise RuntimeError("restore the backup that was made before the upgrade")
