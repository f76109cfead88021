"""Reads over the facts: the one box that takes a pasted number, and the findings that show what does not add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload

from qtrace.catalog.models import Sku
from qtrace.catalog.queries import skus_by_code
from qtrace.core.db import db
from qtrace.orders.models import Lot, Order, OrderLine, Parcel, Review

MOST = 20
CAP = 1000
MARKS = " \t\r\n\u3000\xa0\ufeff#:：,，;；'\"“”[]【】"
PREFIXES = ("订单号", "订单编号", "运单号", "快递单号", "单号", "批号", "批次", "SKU", "sku")


@dataclass(frozen=True)
class Hits:
    """What a pasted text names."""

    text: str
    orders: Sequence[Order]
    parcels: Sequence[Parcel]
    skus: Sequence[Sku]
    lots: Sequence[Lot]

    def __bool__(self) -> bool:
        return bool(self.orders or self.parcels or self.skus or self.lots)


@dataclass(frozen=True)
class Finding:
    """Something that does not add up: how often (`count` stops at CAP, then `more` is true) and the first rows."""

    key: str
    label: LazyString
    count: int
    more: bool


def find_anything(text: str) -> Hits:
    """Return the orders, parcels, articles and lots that carry the pasted number."""
    number = clean_number(text)
    if not number:
        return Hits(number, (), (), (), ())
    orders = select(Order).where(Order.external_id == number).options(selectinload(Order.lines)).limit(MOST)
    parcels = select(Parcel).where(Parcel.external_id == number).options(selectinload(Parcel.order)).limit(MOST)
    lots = select(Lot).where(Lot.external_id == number).options(selectinload(Lot.sku)).limit(MOST)
    return Hits(
        text=number,
        orders=db.session.scalars(orders).all(),
        parcels=db.session.scalars(parcels).all(),
        skus=skus_by_code(number, limit=MOST),
        lots=db.session.scalars(lots).all(),
    )


def clean_number(text: str) -> str:
    """Return the number in a pasted text, without the words and marks that platforms copy along."""
    number = text.strip(MARKS)
    for prefix in PREFIXES:
        if number.startswith(prefix) and len(number) > len(prefix):
            return number[len(prefix) :].strip(MARKS)[:200]
    return number[:200]


def orders_without_items() -> Select[Order]:
    """Select known orders that have no line."""
    lines = select(OrderLine.id).where(OrderLine.order_id == Order.id).exists()
    return select(Order).where(Order.known, ~lines)


def stub_orders() -> Select[Order]:
    """Select orders that only another record names."""
    return select(Order).where(~Order.known)


def reviews_of_unknown_orders() -> Select[Review]:
    """Select reviews whose order was never reported."""
    return select(Review).outerjoin(Order, Order.id == Review.order_id).where(Review.order_id.is_(None) | ~Order.known)


def lines_with_unknown_sku() -> Select[OrderLine]:
    """Select lines whose article is missing or not in the product list."""
    return select(OrderLine).outerjoin(Sku, Sku.id == OrderLine.sku_id).where(OrderLine.sku_id.is_(None) | ~Sku.known)


def lines_only_named() -> Select[OrderLine]:
    """Select lines that only an after-sale names."""
    return select(OrderLine).where(OrderLine.quantity == 0)


FINDINGS: dict[str, tuple[LazyString, Any]] = {
    "orders_without_items": (_("没有商品明细的订单"), orders_without_items),
    "stub_orders": (_("只被评价、包裹等提到、订单本身没有导入"), stub_orders),
    "reviews_of_unknown_orders": (_("对不上订单的评价"), reviews_of_unknown_orders),
    "lines_with_unknown_sku": (_("商品表里没有的 SKU"), lines_with_unknown_sku),
    "lines_only_named": (_("只被售后提到的订单行"), lines_only_named),
}


def findings() -> list[Finding]:
    """Return every finding that occurs, with a capped count."""
    found = []
    for key, (label, query) in FINDINGS.items():
        capped = query().with_only_columns(1, maintain_column_froms=True).limit(CAP + 1).subquery()
        count = db.session.scalar(select(func.count()).select_from(capped)) or 0
        if count:
            found.append(Finding(key, label, min(count, CAP), count > CAP))
    return found


def finding_rows(key: str, *, limit: int = 100) -> Sequence[Any]:
    """Return the first rows behind a finding, newest first."""
    statement = FINDINGS[key][1]()
    model = statement.column_descriptions[0]["entity"]
    return db.session.scalars(statement.order_by(model.id.desc()).limit(limit)).all()
