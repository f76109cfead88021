"""Tables of what happens to goods between the supplier and the parcel, as an ERP or a warehouse reports it."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.catalog.models import Sku, Supplier, Warehouse
from qtrace.core.db import Base
from qtrace.orders.models import Lot, Order, OrderLine, Parcel


class Purchase(Base):
    """An order to a supplier (采购单)."""

    __tablename__ = "purchase"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"), Index("ix_purchase_supplier", "supplier_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    status: Mapped[str] = mapped_column(String(40), default="")
    ordered_at: Mapped[datetime | None]
    expected_on: Mapped[date | None]

    supplier: Mapped[Supplier | None] = relationship()


class PurchaseLine(Base):
    """One article of an order to a supplier; the price is in the currency of the shop that reports it."""

    __tablename__ = "purchase_line"
    __table_args__ = (UniqueConstraint("purchase_id", "external_id"), Index("ix_purchase_line_sku", "sku_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    purchase_id: Mapped[int] = mapped_column(ForeignKey("purchase.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(120))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    quantity: Mapped[int] = mapped_column(default=0)
    price_minor: Mapped[int] = mapped_column(default=0)

    purchase: Mapped[Purchase] = relationship()
    sku: Mapped[Sku | None] = relationship()


class LotPart(Base):
    """A finished lot was made with so many pieces of a component's lot (cap, pump, carton)."""

    __tablename__ = "lot_part"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_lot_part_lot", "lot_id"),
        Index("ix_lot_part_part", "part_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(260))  # finished lot|component lot
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    part_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    quantity: Mapped[int] = mapped_column(default=0)

    lot: Mapped[Lot | None] = relationship(foreign_keys=[lot_id])
    part: Mapped[Lot | None] = relationship(foreign_keys=[part_id])


class StockMove(Base):
    """Goods moved or changed inside the company; `kind` says in which direction the quantity counts."""

    __tablename__ = "stock_move"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_stock_move_lot", "lot_id"),
        Index("ix_stock_move_sku", "sku_id", "moved_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20), default="")  # one of orders.rows.MOVE_KINDS
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    into_lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))  # what a rework made of it
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    to_warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    quantity: Mapped[int] = mapped_column(default=0)
    moved_at: Mapped[datetime | None]
    document: Mapped[str] = mapped_column(String(120), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")

    lot: Mapped[Lot | None] = relationship(foreign_keys=[lot_id])
    into_lot: Mapped[Lot | None] = relationship(foreign_keys=[into_lot_id])


class StockBalance(Base):
    """How much of a lot lay in a warehouse when it was counted last; what is allocated lies there too."""

    __tablename__ = "stock_balance"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_stock_balance_lot", "lot_id"),
        Index("ix_stock_balance_sku", "sku_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(400))  # warehouse|SKU|lot|condition
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    condition: Mapped[str] = mapped_column(String(12), default="good")  # good, defective
    quantity: Mapped[int] = mapped_column(default=0)
    allocated: Mapped[int] = mapped_column(default=0)  # of the quantity, promised to orders
    counted_at: Mapped[datetime | None]

    warehouse: Mapped[Warehouse | None] = relationship()
    lot: Mapped[Lot | None] = relationship()


class StockOut(Base):
    """Goods left a warehouse under one waybill (销售出库单); it may serve several platform orders.

    `orders_text` is the list of order numbers in the header, which some systems cut off; the lines name them whole.
    `print_batch` numbers a run of the printer (a wave), never goods.
    """

    __tablename__ = "stock_out"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_stock_out_trade", "trade"),
        Index("ix_stock_out_parcel", "parcel_id"),
        Index("ix_stock_out_external_id", "external_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    trade: Mapped[str] = mapped_column(String(120), default="")
    orders_text: Mapped[str] = mapped_column(String(1000), default="")
    print_batch: Mapped[str] = mapped_column(String(120), default="")
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    courier: Mapped[str] = mapped_column(String(80), default="")
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    status: Mapped[str] = mapped_column(String(40), default="")
    shipped_at: Mapped[datetime | None]

    parcel: Mapped[Parcel | None] = relationship()
    warehouse: Mapped[Warehouse | None] = relationship()


class StockOutLine(Base):
    """One article that left, for one platform order; `order_id` and `line_id` are found from the numbers it names."""

    __tablename__ = "stock_out_line"
    __table_args__ = (
        UniqueConstraint("stock_out_id", "external_id"),
        Index("ix_stock_out_line_order_number", "order_number"),
        Index("ix_stock_out_line_order", "order_id"),
        Index("ix_stock_out_line_line", "line_id"),
        Index("ix_stock_out_line_lot", "lot_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stock_out_id: Mapped[int] = mapped_column(ForeignKey("stock_out.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(120))
    shop_key: Mapped[str] = mapped_column(String(60), default="")
    order_number: Mapped[str] = mapped_column(String(120), default="")
    line_number: Mapped[str] = mapped_column(String(120), default="")
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    lot_method: Mapped[str] = mapped_column(String(12), default="scanned")
    quantity: Mapped[int] = mapped_column(default=0)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id", ondelete="SET NULL"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id", ondelete="SET NULL"))

    stock_out: Mapped[StockOut] = relationship()
    sku: Mapped[Sku | None] = relationship()
    lot: Mapped[Lot | None] = relationship()
    order: Mapped[Order | None] = relationship()
    line: Mapped[OrderLine | None] = relationship()


class ParcelItem(Base):
    """What one parcel holds of one order, where a platform says it; several orders may share a parcel."""

    __tablename__ = "parcel_item"
    __table_args__ = (
        UniqueConstraint("parcel_id", "external_id"),
        Index("ix_parcel_item_order_number", "order_number"),
        Index("ix_parcel_item_order", "order_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(260))  # order|line
    shop_key: Mapped[str] = mapped_column(String(60), default="")
    order_number: Mapped[str] = mapped_column(String(120), default="")
    line_number: Mapped[str] = mapped_column(String(120), default="")
    quantity: Mapped[int] = mapped_column(default=0)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id", ondelete="SET NULL"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id", ondelete="SET NULL"))

    parcel: Mapped[Parcel] = relationship()
    order: Mapped[Order | None] = relationship()


class ParcelScan(Base):
    """A courier's scan of a parcel; the same scan reported twice is one row."""

    __tablename__ = "parcel_scan"
    __table_args__ = (UniqueConstraint("parcel_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(120))  # time|status
    status: Mapped[str] = mapped_column(String(20), default="")  # one of orders.rows.SCAN_STATES
    place: Mapped[str] = mapped_column(String(120), default="")
    text: Mapped[str] = mapped_column(String(300), default="")
    scanned_at: Mapped[datetime]

    parcel: Mapped[Parcel] = relationship()


class Serial(Base):
    """One piece by its serial number, the lot it came from, and the order line it left with."""

    __tablename__ = "serial"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_serial_external_id", "external_id"),
        Index("ix_serial_order_number", "order_number"),
        Index("ix_serial_lot", "lot_id"),
        Index("ix_serial_line", "line_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))  # the serial number
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    shop_key: Mapped[str] = mapped_column(String(60), default="")
    order_number: Mapped[str] = mapped_column(String(120), default="")
    line_number: Mapped[str] = mapped_column(String(120), default="")
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id", ondelete="SET NULL"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id", ondelete="SET NULL"))

    sku: Mapped[Sku | None] = relationship()
    lot: Mapped[Lot | None] = relationship()
    order: Mapped[Order | None] = relationship()
    line: Mapped[OrderLine | None] = relationship()


class ReturnReceipt(Base):
    """Goods a buyer sent back, as they came in: which waybill, what it was, how it looked, and where it went."""

    __tablename__ = "return_receipt"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_return_receipt_waybill", "waybill"),
        Index("ix_return_receipt_order_number", "order_number"),
        Index("ix_return_receipt_order", "order_id"),
        Index("ix_return_receipt_lot", "lot_id"),
        Index("ix_return_receipt_received", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    waybill: Mapped[str] = mapped_column(String(120), default="")
    shop_key: Mapped[str] = mapped_column(String(60), default="")
    order_number: Mapped[str] = mapped_column(String(120), default="")
    line_number: Mapped[str] = mapped_column(String(120), default="")
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    condition: Mapped[str] = mapped_column(String(12), default="")  # one of orders.rows.RETURN_CONDITIONS
    outcome: Mapped[str] = mapped_column(String(12), default="")  # one of orders.rows.RETURN_OUTCOMES
    note: Mapped[str] = mapped_column(String(300), default="")
    received_at: Mapped[datetime | None]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id", ondelete="SET NULL"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id", ondelete="SET NULL"))

    sku: Mapped[Sku | None] = relationship()
    lot: Mapped[Lot | None] = relationship()
    warehouse: Mapped[Warehouse | None] = relationship()
    order: Mapped[Order | None] = relationship()
    line: Mapped[OrderLine | None] = relationship()
