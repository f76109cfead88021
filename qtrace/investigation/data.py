"""Rates before and after an effective date, counted on the records themselves.

Units are the goods shipped of the issue's scope (its lot's SKU, its SKU, its supplier's goods or its courier line's
parcels); events are the complaints about them, of the issue's type where it has one. Both windows are equally long, and
the later one ends some days ago, because goods shipped yesterday have had no time to be complained about.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.investigation.effect import Count, EffectVerdict, compare
from qtrace.issues.models import Issue
from qtrace.orders.models import Lot, Order, OrderLine, Parcel

MATURE_DAYS = 14
LONGEST = timedelta(days=90)
MINIMUM_UNITS = 30


@dataclass(frozen=True)
class Target:
    """The goods an effect is measured on: all of them, or those with this key, and the type of complaint."""

    scope: str  # sku, supplier, courier_line, all
    key: int | str = ""
    type_id: int | None = None


@dataclass(frozen=True)
class Measured:
    """The two counts, the windows they come from, and the verdict."""

    scope: str
    start: datetime
    effective_at: datetime
    end: datetime
    mature_days: int
    before: Count
    after: Count
    verdict: EffectVerdict

    def figures(self) -> dict[str, Any]:
        """Return everything as plain data, to be kept."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "mature_days": self.mature_days,
            "before": asdict(self.before),
            "after": asdict(self.after),
            "p_value": self.verdict.p_value,
            "reason": self.verdict.reason,
        }


def measure(issue: Issue, *, effective_at: datetime, now: datetime, mature_days: int = MATURE_DAYS) -> Measured:
    """Count both windows and judge; goods shipped in the last `mature_days` are left out."""
    ripe = now - timedelta(days=mature_days) - effective_at
    span = min(max(ripe, timedelta()), LONGEST)
    start, end = effective_at - span, effective_at + span
    target = target_of(issue)
    before, after = _count(target, start, effective_at), _count(target, effective_at, end)
    verdict = compare(before, after, minimum_units=MINIMUM_UNITS)
    return Measured(target.scope, start, effective_at, end, mature_days, before, after, verdict)


def target_of(issue: Issue) -> Target:
    """Return on what the effect is measured: what the opening rule counted by, else the narrowest thing known.

    A lot is measured on its SKU, because the lot itself is gone when the next ones are better.
    """
    keys = {"sku": _sku_of(issue), "courier_line": issue.courier_line, "supplier": issue.supplier_id}
    counted_by = issue.signature.split("|", 1)[0]
    for scope in ({"lot": "sku"}.get(counted_by, counted_by), "sku", "courier_line", "supplier"):
        key = keys.get(scope)
        if key:
            return Target(scope, key, issue.type_id)
    return Target("all", type_id=issue.type_id)


def _sku_of(issue: Issue) -> int | None:
    if issue.sku_id or not issue.lot_id:
        return issue.sku_id
    return db.session.scalar(select(Lot.sku_id).where(Lot.id == issue.lot_id))


def _count(target: Target, start: datetime, end: datetime) -> Count:
    units = int(db.session.scalar(_units(target, start, end)) or 0)
    events = db.session.scalar(_events(target, start, end)) or 0
    return Count(min(events, units), units)  # a buyer may complain twice about one piece


def _units(target: Target, start: datetime, end: datetime) -> Select[Any]:
    if target.scope == "courier_line":
        shipped = (Parcel.shipped_at >= start, Parcel.shipped_at < end)
        return select(func.count()).select_from(Parcel).where(Parcel.line == target.key, *shipped)
    statement: Select[Any] = select(func.sum(OrderLine.quantity)).join(Order, Order.id == OrderLine.order_id)
    columns = {"sku": OrderLine.sku_id, "supplier": OrderLine.supplier_id}
    if target.scope in columns:
        statement = statement.where(columns[target.scope] == target.key)
    return statement.where(Order.shipped_at >= start, Order.shipped_at < end)


def _events(target: Target, start: datetime, end: datetime) -> Select[Any]:
    """Count complaints about goods shipped in the window, so that both counts speak of the same goods."""
    statement: Select[Any] = select(func.count()).select_from(Complaint).where(*_about(target))
    if target.scope == "courier_line":
        # an order sent in several parcels of one line names the line, but no single parcel
        of_order = and_(Complaint.parcel_id.is_(None), Parcel.order_id == Complaint.order_id, Parcel.line == target.key)
        sent = select(Parcel.id).where(or_(Parcel.id == Complaint.parcel_id, of_order))
        return statement.where(sent.where(Parcel.shipped_at >= start, Parcel.shipped_at < end).exists())
    statement = statement.join(Order, Order.id == Complaint.order_id)
    return statement.where(Order.shipped_at >= start, Order.shipped_at < end)


def _about(target: Target) -> list[ColumnElement[bool]]:
    columns: dict[str, Any] = {
        "sku": Complaint.sku_id, "supplier": Complaint.supplier_id, "courier_line": Complaint.courier_line,
    }  # fmt: skip
    conditions: list[ColumnElement[bool]] = []
    if target.scope in columns:
        conditions.append(columns[target.scope] == target.key)
    if target.type_id is not None:
        family = select(Term.id).where((Term.id == target.type_id) | (Term.parent_id == target.type_id))
        conditions.append(Complaint.type_id.in_(family))
    return conditions
