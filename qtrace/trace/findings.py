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
from qtrace.trace.lot_pass import IS_SURE, Doubt, LotPass
from qtrace.trace.walk import SURE

OFFSET = timedelta(hours=14)  # no two time zones lie further apart on one day's clock


@dataclass(frozen=True)
class Finding:
    """Something that can't be as it is written: how often, and where it is seen first."""

    key: str
    count: int
    example: str = ""


def lot_findings(lots: Collection[int], passed: LotPass, cycles: Collection[str]) -> list[Finding]:
    """Return what can't be true of these lots; `cycles` are the numbers of lots that went into themselves."""
    found = [
        _told("shipped_before_received", passed.before_received), _shipped_more(lots, passed),
        _told("shipped_expired", passed.expired), _told("other_article", passed.other_article),
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


def _told(key: str, doubt: Doubt) -> Finding:
    return Finding(key, doubt.count, doubt.example)


def _shipped_more(lots: Collection[int], passed: LotPass) -> Finding:
    came = db.session.scalar(select(func.sum(Receipt.quantity)).where(Receipt.lot_id.in_(lots)))
    name = db.session.scalar(select(func.min(Lot.external_id)).where(Lot.id.in_(lots))) or ""
    return Finding("shipped_more", max(0, passed.shipped - int(came)) if came else 0, name)


def _scanned_twice(lines: Select[Any]) -> Finding:
    """Count the lines with more scanned pieces than were bought: one scanned twice, or two sources that disagree."""
    other = aliased(LineLot)
    also = select(func.coalesce(func.sum(other.quantity), 0)).where(
        other.line_id == LineLot.line_id, other.id != LineLot.id, other.method.in_(sorted(SURE))
    )
    statement = (
        select(func.count(distinct(OrderLine.id)), func.min(Order.external_id))
        .select_from(LineLot)
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(LineLot.line_id.in_(lines), IS_SURE, OrderLine.quantity > 0)
        .where(LineLot.quantity + also.scalar_subquery() > OrderLine.quantity)
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
