"""What does not add up around an end: counted over everything it reaches, named with the first example."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, distinct, func, or_, select
from sqlalchemy.orm import aliased

from qtrace.catalog.models import Sku, Supplier
from qtrace.core.db import db
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Receipt
from qtrace.orders.stock_models import Serial, StockOut, StockOutLine
from qtrace.trace.lot_queries import IS_SURE

OFFSET = timedelta(hours=14)  # no two time zones lie further apart on one day's clock


@dataclass(frozen=True)
class Finding:
    """Something that can't be as it is written: how often, and where it is seen first."""

    key: str
    count: int
    example: str = ""


def lot_findings(lots: Collection[int], cycles: Collection[str]) -> list[Finding]:
    """Return what can't be true of these lots; `cycles` are the numbers of lots that went into themselves."""
    found = [
        _shipped_before_received(lots), _shipped_more(lots), _shipped_expired(lots), _other_article(lots),
        _scanned_twice(_lines_of(lots)), _serial_twice(Serial.lot_id.in_(lots)), _nobody_knows(lots),
        Finding("cycle", len(cycles), min(cycles, default="")),
    ]  # fmt: skip
    return [finding for finding in found if finding.count]


def order_findings(orders: Collection[int]) -> list[Finding]:
    """Return what can't be true of these orders."""
    lines = select(OrderLine.id).where(OrderLine.order_id.in_(orders))
    found = [
        _times(Order.id.in_(orders)), _scanned_twice(lines), _serial_twice(Serial.order_id.in_(orders)),
        _header_cut(orders),
    ]  # fmt: skip
    return [finding for finding in found if finding.count]


def renamed(skus: Collection[int], suppliers: Collection[int]) -> list[Finding]:
    """Return which articles have a new code and which suppliers are part of another now."""
    new, into = aliased(Sku), aliased(Supplier)
    articles = _first(select(Sku.external_id, new.external_id).join(new, new.id == Sku.replaced_by_id).where(
        or_(Sku.id.in_(skus), new.id.in_(skus))).order_by(Sku.id))  # fmt: skip
    companies = _first(select(Supplier.name, into.name).join(into, into.id == Supplier.merged_into_id).where(
        or_(Supplier.id.in_(suppliers), into.id.in_(suppliers))).order_by(Supplier.id))  # fmt: skip
    found = [Finding("sku_renamed", *articles), Finding("supplier_merged", *companies)]
    return [finding for finding in found if finding.count]


def _first(statement: Any) -> tuple[int, str]:
    rows = db.session.execute(statement.limit(100)).all()
    return len(rows), " → ".join(rows[0]) if rows else ""


def _lines_of(lots: Collection[int]) -> Select[Any]:
    return select(LineLot.line_id).where(LineLot.lot_id.in_(lots))


def _served(lots: Collection[int]) -> Any:
    """Select the orders that surely got a piece of the lots, with the lot."""
    return (
        select(func.count(distinct(Order.id)), func.min(Order.external_id))
        .select_from(LineLot)
        .join(Lot, Lot.id == LineLot.lot_id)
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(LineLot.lot_id.in_(lots), IS_SURE)
    )


def _shipped_before_received(lots: Collection[int]) -> Finding:
    came = (
        select(Receipt.lot_id, func.min(Receipt.received_at).label("first"))
        .where(Receipt.lot_id.in_(lots))
        .group_by(Receipt.lot_id)
        .subquery()
    )
    statement = _served(lots).join(came, came.c.lot_id == Lot.id).where(Order.shipped_at < came.c.first)
    return Finding("shipped_before_received", *db.session.execute(statement).one())


def _shipped_expired(lots: Collection[int]) -> Finding:
    statement = _served(lots).where(
        Lot.expires_on.is_not(None), func.date(Order.shipped_at) > func.date(Lot.expires_on)
    )
    return Finding("shipped_expired", *db.session.execute(statement).one())


def _other_article(lots: Collection[int]) -> Finding:
    """Count the orders whose line names another article than the lot, its old and new codes aside."""
    own = aliased(Sku)
    statement = (
        _served(lots)
        .join(Sku, Sku.id == OrderLine.sku_id)
        .join(own, own.id == Lot.sku_id)
        .where(
            Sku.external_id != own.external_id,
            func.coalesce(Sku.replaced_by_id, 0) != own.id,
            func.coalesce(own.replaced_by_id, 0) != Sku.id,
        )
    )
    return Finding("other_article", *db.session.execute(statement).one())


def _shipped_more(lots: Collection[int]) -> Finding:
    out = select(func.sum(LineLot.quantity)).where(LineLot.lot_id == Lot.id, IS_SURE).scalar_subquery()
    came = select(func.sum(Receipt.quantity)).where(Receipt.lot_id == Lot.id).scalar_subquery()
    rows = db.session.execute(select(Lot.external_id, out - came).where(Lot.id.in_(lots), came > 0, out > came)).all()
    return Finding("shipped_more", sum(int(row[1]) for row in rows), min((row[0] for row in rows), default=""))


def _scanned_twice(lines: Select[Any]) -> Finding:
    """Count the lines with more scanned pieces than were bought: one scanned twice, or two sources that disagree."""
    scanned = (
        select(LineLot.line_id, func.sum(LineLot.quantity).label("pieces"))
        .where(LineLot.line_id.in_(lines), IS_SURE)
        .group_by(LineLot.line_id)
        .subquery()
    )
    statement = (
        select(func.count(), func.min(Order.external_id))
        .select_from(scanned)
        .join(OrderLine, OrderLine.id == scanned.c.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(OrderLine.quantity > 0, scanned.c.pieces > OrderLine.quantity)
    )
    return Finding("scanned_twice", *db.session.execute(statement).one())


def _serial_twice(scope: ColumnElement[bool]) -> Finding:
    other = aliased(Serial)
    again = select(other.id).where(
        other.external_id == Serial.external_id, other.id != Serial.id, other.order_number != Serial.order_number
    )
    statement = select(func.count(distinct(Serial.external_id)), func.min(Serial.external_id)).where(
        scope, again.exists()
    )
    return Finding("serial_twice", *db.session.execute(statement).one())


def _nobody_knows(lots: Collection[int]) -> Finding:
    """Count the stock-out lines whose order no shop has reported, or several have."""
    statement = select(func.count(), func.min(StockOutLine.order_number)).where(
        StockOutLine.lot_id.in_(lots), StockOutLine.order_id.is_(None)
    )
    return Finding("unknown_order", *db.session.execute(statement).one())


def _times(scope: ColumnElement[bool]) -> Finding:
    """Count the orders whose times run backwards, most often because two sources wrote them in two time zones."""
    backwards = or_(
        Order.shipped_at < Order.placed_at, Order.delivered_at < Order.shipped_at, Order.delivered_at < Order.placed_at
    )
    statement = select(func.count(), func.min(Order.external_id)).where(scope, backwards)
    return Finding("times", *db.session.execute(statement).one())


def _header_cut(orders: Collection[int]) -> Finding:
    """Count the stock-outs whose header is too long to be whole, though their lines are."""
    full = func.length(StockOut.orders_text).in_((255, 256, 500, 512, 1000))
    statement = (
        select(func.count(distinct(StockOut.id)), func.min(StockOut.external_id))
        .join(StockOutLine, StockOutLine.stock_out_id == StockOut.id)
        .where(StockOutLine.order_id.in_(orders), full)
    )
    return Finding("header_cut", *db.session.execute(statement).one())
