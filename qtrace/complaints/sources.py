"""The kinds of source records complaints are made from, as the intake rules see them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from qtrace.conditions.compile import FieldColumn
from qtrace.conditions.tree import FieldKind
from qtrace.orders.models import AfterSale, Order, Review


@dataclass(frozen=True)
class Source:
    """One kind of source record: its fields for conditions, and the query that gives what a complaint takes over."""

    kind: str
    record_kind: str  # as `records_imported` names it
    model: Any
    fields: dict[str, FieldKind]
    columns: dict[str, FieldColumn]
    rows: Select[*tuple[Any, ...]]


def _columns(model: Any, *names: str) -> dict[str, FieldColumn]:
    return {name: FieldColumn(getattr(model, name)) for name in names}


REVIEW = Source(
    kind="review",
    record_kind="reviews",
    model=Review,
    fields={
        "stars": FieldKind.NUMBER,
        "title": FieldKind.TEXT,
        "text": FieldKind.TEXT,
        "reviewed_at": FieldKind.DATETIME,
        "shop_id": FieldKind.REF,
    },
    columns=_columns(Review, "stars", "title", "text", "reviewed_at", "shop_id"),
    rows=select(
        Review.id,
        Review.shop_id,
        Review.order_id,
        Review.sku_id,
        Review.stars,
        Review.title,
        Review.text,
        Review.reviewed_at.label("occurred_at"),
    ),
)
ORDER = Source(
    kind="order",
    record_kind="orders",
    model=Order,
    fields={
        "status": FieldKind.TEXT,
        "placed_at": FieldKind.DATETIME,
        "shipped_at": FieldKind.DATETIME,
        "delivered_at": FieldKind.DATETIME,
        "promised_at": FieldKind.DATETIME,
        "shop_id": FieldKind.REF,
    },
    columns=_columns(Order, "status", "placed_at", "shipped_at", "delivered_at", "promised_at", "shop_id"),
    rows=select(
        Order.id,
        Order.shop_id,
        Order.id.label("order_id"),
        Order.promised_at,
        Order.delivered_at.label("occurred_at"),
    ),
)
AFTER_SALE = Source(
    kind="after_sale",
    record_kind="aftersales",
    model=AfterSale,
    fields={
        "kind": FieldKind.TEXT,
        "reason": FieldKind.TEXT,
        "reason_code": FieldKind.TEXT,
        "text": FieldKind.TEXT,
        "refund_minor": FieldKind.NUMBER,
        "opened_at": FieldKind.DATETIME,
        "shop_id": FieldKind.REF,
    },
    columns=_columns(AfterSale, "kind", "reason", "reason_code", "text", "refund_minor", "opened_at", "shop_id"),
    rows=select(
        AfterSale.id,
        AfterSale.shop_id,
        AfterSale.order_id,
        AfterSale.line_id,
        AfterSale.reason,
        AfterSale.text,
        AfterSale.refund_minor,
        AfterSale.freight_minor,
        AfterSale.currency,
        AfterSale.opened_at.label("occurred_at"),
        AfterSale.platform_due_at,
    ),
)
SOURCES = {source.kind: source for source in (REVIEW, ORDER, AFTER_SALE)}
BY_RECORD_KIND = {source.record_kind: source for source in SOURCES.values()}
