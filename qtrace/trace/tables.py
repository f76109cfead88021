"""Everything an end reaches as tables, page by page: the same rows for the screen and for a file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased, joinedload

from qtrace.accounts.models import User
from qtrace.catalog.models import Sku
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.issues.models import Issue
from qtrace.orders.bulk import among
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Parcel, Receipt
from qtrace.trace import queries
from qtrace.trace.queries import End

SIZE = 100


@dataclass(frozen=True)
class LotLink:
    """A lot a line was served from, how that is known, and how surely (0–100)."""

    lot: str
    method: str
    confidence: int


@dataclass(frozen=True)
class LineRow:
    """One order line with whom it went to and what it was served from."""

    id: int
    line: OrderLine
    lots: Sequence[LotLink]
    parcels: Sequence[Parcel]


@dataclass(frozen=True)
class LaneRow:
    """One thing of a lane."""

    kind: str
    id: int
    number: str
    label: str
    at: datetime | None = None


@dataclass(frozen=True)
class Table:
    """One page of a lane; `next` is where the next begins, 0 at the end."""

    rows: Sequence[Any]
    next: int


def line_table(end: End, *, after: int = 0, size: int = SIZE) -> Table:
    """Return the order lines, newest first."""
    options = (joinedload(OrderLine.sku), joinedload(OrderLine.order).joinedload(Order.customer),
               joinedload(OrderLine.order).joinedload(Order.shop))  # fmt: skip
    newest = queries.newest_lines(end, size + 1, before=after).subquery()
    statement = select(OrderLine).where(OrderLine.id.in_(select(newest.c.id))).options(*options)
    found = _page(statement, OrderLine.id, 0, size)
    lots, parcels = _lots_of([row.id for row in found.rows]), parcels_of({row.order_id for row in found.rows})
    return Table(
        [LineRow(row.id, row, lots.get(row.id, []), parcels.get(row.order_id, [])) for row in found.rows], found.next
    )


def all_lines(end: End, *, size: int = 1000) -> Iterator[LineRow]:
    """Yield every order line, a page at a time, so that twenty thousand need no more memory than a thousand."""
    after = 0
    while True:
        page = line_table(end, after=after, size=size)
        yield from page.rows
        db.session.expunge_all()
        if not page.next:
            return
        after = page.next


def lane_table(end: End, lane: str, user: User | None, *, after: int = 0, size: int = SIZE) -> Table:
    """Return the things of one lane, newest first, as the person may see them."""
    statement, column, make = LANES[lane](end, user)
    found = _page(statement, column, after, size)
    return Table([make(row) for row in found.rows], found.next)


def _page(statement: Any, column: Any, after: int, size: int) -> Table:
    before = statement.where(column < after) if after else statement
    rows = db.session.scalars(before.order_by(column.desc()).limit(size + 1)).unique().all()
    return Table(rows[:size], rows[size - 1].id if len(rows) > size else 0)


def _lots_of(lines: Sequence[int]) -> dict[int, list[LotLink]]:
    found: dict[int, list[LotLink]] = {}
    rows = db.session.execute(
        select(LineLot.line_id, Lot.external_id, LineLot.method, LineLot.confidence)
        .join(Lot, Lot.id == LineLot.lot_id)
        .where(among(LineLot.line_id, lines))
        .order_by(LineLot.confidence.desc(), LineLot.id)
    )
    for line, lot, method, confidence in rows:
        found.setdefault(line, []).append(LotLink(lot, method, confidence))
    return found


def parcels_of(orders: set[int]) -> dict[int, list[Parcel]]:
    """Return the parcels of each order, also those it shares with others."""
    numbers = dict(db.session.execute(select(Order.external_id, Order.id).where(among(Order.id, sorted(orders)))).all())
    parcels = db.session.scalars(select(Parcel).where(Parcel.id.in_(queries.parcels_with(sorted(orders))))).all()
    held = queries.orders_by_parcel(row.id for row in parcels)
    found: dict[int, list[Parcel]] = {}
    for parcel in parcels:
        for number in held.get(parcel.id, []):
            if number in numbers:
                found.setdefault(numbers[number], []).append(parcel)
    return found


def _complaints(end: End, user: User | None) -> Any:
    seen = queries.seen_complaints(select(Complaint), user).where(end.complaints)
    return (
        seen,
        Complaint.id,
        lambda row: LaneRow("complaint", row.id, row.number, row.text or row.raw_reason, row.occurred_at),
    )


def _issues(end: End, user: User | None) -> Any:
    seen = queries.seen_issues(user).where(end.issues)
    return seen, Issue.id, lambda row: LaneRow("issue", row.id, row.number, row.title, row.opened_at)


def _skus(end: End, _user: User | None) -> Any:
    lines = select(OrderLine.sku_id).where(end.lines)
    statement = select(Sku).where(or_(Sku.id.in_(lines), Sku.id.in_(end.skus)))
    return statement, Sku.id, lambda row: LaneRow("sku", row.id, row.external_id, row.name)


def _served(end: End) -> Any:
    line = aliased(OrderLine)
    return (
        select(LineLot.lot_id)
        .join(line, line.id == LineLot.line_id)
        .where(line.id.in_(select(OrderLine.id).where(end.lines)))
    )


def _lots(end: End, _user: User | None) -> Any:
    statement = select(Lot).where(or_(Lot.id.in_(_served(end)), Lot.id.in_(end.lots))).options(joinedload(Lot.sku))
    return statement, Lot.id, lambda row: LaneRow("lot", row.id, row.external_id, row.sku.label if row.sku else "")


def _receipts(end: End, _user: User | None) -> Any:
    statement = select(Receipt).where(or_(Receipt.lot_id.in_(_served(end)), Receipt.lot_id.in_(end.lots)))
    return (
        statement,
        Receipt.id,
        lambda row: LaneRow("receipt", row.id, row.external_id, str(row.quantity), row.received_at),
    )


def _parcels(end: End, _user: User | None) -> Any:
    orders = select(OrderLine.order_id).where(end.lines) if end.orders is None else select(Order.id).where(end.orders)
    statement = select(Parcel).where(Parcel.id.in_(queries.parcels_with(orders, end.parcels)))
    return (
        statement,
        Parcel.id,
        lambda row: LaneRow("parcel", row.id, row.external_id, row.line or row.courier, row.shipped_at),
    )


LANES: Mapping[str, Callable[[End, User | None], Any]] = {
    "complaint": _complaints, "issue": _issues, "sku": _skus, "lot": _lots, "receipt": _receipts, "parcel": _parcels,
}  # fmt: skip
