"""Tables of the facts a shop reports; each row is known by (shop, external id)."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.catalog.models import Customer, Shop, Sku, Supplier, Warehouse
from qtrace.core.db import Base

WAITING = "shipped_at IS NULL AND delivered_at IS NULL"


class Order(Base):
    """A sale; `known` is False when only another record named it (a review, a parcel, the ERP)."""

    __tablename__ = "order"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_order_external_id", "external_id"),
        Index("ix_order_placed_at", "placed_at"),
        Index("ix_order_customer", "customer_id"),
        Index("ix_order_waiting", "id", sqlite_where=text(WAITING), postgresql_where=text(WAITING)),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    status: Mapped[str] = mapped_column(String(40), default="")
    currency: Mapped[str] = mapped_column(String(3))
    paid_minor: Mapped[int] = mapped_column(default=0)
    placed_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    promised_at: Mapped[datetime | None]
    known: Mapped[bool] = mapped_column(default=True)

    shop: Mapped[Shop] = relationship()
    customer: Mapped[Customer | None] = relationship()
    lines: Mapped[list["OrderLine"]] = relationship(back_populates="order", order_by="OrderLine.id")
    parcels: Mapped[list["Parcel"]] = relationship(back_populates="order", order_by="Parcel.id")


class OrderLine(Base):
    """One article of an order; a kit or gift line points to the line it came with."""

    __tablename__ = "order_line"
    __table_args__ = (
        UniqueConstraint("order_id", "external_id"),
        Index("ix_order_line_sku", "sku_id"),
        Index("ix_order_line_supplier", "supplier_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(12), default="item")  # item, kit, component, gift
    parent_external_id: Mapped[str] = mapped_column(String(120), default="")
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    price_minor: Mapped[int] = mapped_column(default=0)
    freight_minor: Mapped[int] = mapped_column(default=0)
    ship_by: Mapped[datetime | None]

    order: Mapped[Order] = relationship(back_populates="lines")
    sku: Mapped[Sku | None] = relationship()
    supplier: Mapped[Supplier | None] = relationship()


class Payment(Base):
    """One payment of an order."""

    __tablename__ = "payment"
    __table_args__ = (UniqueConstraint("order_id", "external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(String(60))
    method: Mapped[str] = mapped_column(String(40), default="")
    installments: Mapped[int] = mapped_column(default=1)
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))


class Parcel(Base):
    """A shipment; `line` names the courier's route, e.g. 中通·杭州→四川."""

    __tablename__ = "parcel"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_parcel_external_id", "external_id"),
        Index("ix_parcel_order", "order_id"),
        Index("ix_parcel_line", "line"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))  # the tracking number
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"))
    courier: Mapped[str] = mapped_column(String(80), default="")
    line: Mapped[str] = mapped_column(String(120), default="")
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    promised_at: Mapped[datetime | None]

    order: Mapped[Order | None] = relationship(back_populates="parcels")
    warehouse: Mapped[Warehouse | None] = relationship()


class Lot(Base):
    """A production lot of one SKU from one supplier."""

    __tablename__ = "lot"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_lot_sku", "sku_id"),
        Index("ix_lot_supplier", "supplier_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))  # the lot number
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    made_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    supplier_lot: Mapped[str] = mapped_column(String(120), default="", server_default="")  # as the supplier numbers it
    quality_status: Mapped[str] = mapped_column(String(12), default="", server_default="")  # one of rows.LOT_STATES
    level: Mapped[str] = mapped_column(String(12), default="", server_default="")  # finished, component

    sku: Mapped[Sku | None] = relationship()
    supplier: Mapped[Supplier | None] = relationship()


class Receipt(Base):
    """Goods received into a warehouse (采购入库)."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"), Index("ix_receipt_lot", "lot_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    quantity: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime | None]
    purchase_id: Mapped[int | None] = mapped_column(ForeignKey("purchase.id"))

    warehouse: Mapped[Warehouse | None] = relationship()


class LineLot(Base):
    """Which lot an order line was served from, how that is known, and how surely (0–100)."""

    __tablename__ = "line_lot"
    __table_args__ = (UniqueConstraint("line_id", "lot_id"), Index("ix_line_lot_served", "lot_id", "line_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id", ondelete="CASCADE"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    quantity: Mapped[int] = mapped_column(default=1)
    method: Mapped[str] = mapped_column(String(12))  # scanned, serial, fifo, manual, unknown
    confidence: Mapped[int]
    source: Mapped[str] = mapped_column(String(12), default="", server_default="")  # "": the order; stock_out, serial

    lot: Mapped[Lot] = relationship()


class Review(Base):
    """A buyer's review as the platform stored it."""

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_review_order", "order_id"),
        Index("ix_review_reviewed_at", "reviewed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(200))  # review id|order id where ids repeat
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    stars: Mapped[int]
    title: Mapped[str] = mapped_column(String(300), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    reviewed_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    order: Mapped[Order | None] = relationship()


class AfterSale(Base):
    """A refund, return or exchange with the buyer's own reason kept word for word."""

    __tablename__ = "after_sale"
    __table_args__ = (
        UniqueConstraint("shop_id", "external_id"),
        Index("ix_after_sale_order", "order_id"),
        Index("ix_after_sale_line", "line_id"),
        Index("ix_after_sale_opened_at", "opened_at"),
        Index("ix_after_sale_return_waybill", "return_waybill"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"))
    kind: Mapped[str] = mapped_column(String(20), default="refund")  # refund, return, exchange, reship
    reason_code: Mapped[str] = mapped_column(String(60), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    refund_minor: Mapped[int] = mapped_column(default=0)
    freight_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    platform_due_at: Mapped[datetime | None]  # until when the platform wants an answer
    return_waybill: Mapped[str] = mapped_column(String(120), default="", server_default="")

    order: Mapped[Order | None] = relationship()
    line: Mapped[OrderLine | None] = relationship()
