"""Rates before and after an effective date, counted on the records themselves.

Units are the goods shipped of the issue's scope (its lot's SKU, its SKU, its supplier's goods or its courier line's
parcels); events are the complaints about them, of the issue's type where it has one. Both windows are equally long and
end before the last `MATURE` days, because goods shipped yesterday have had no time to be complained about.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.investigation.effect import Count, EffectVerdict, compare
from qtrace.issues.models import Issue
from qtrace.orders.models import Order, OrderLine, Parcel

MATURE = timedelta(days=14)
LONGEST = timedelta(days=90)
MINIMUM_UNITS = 30


@dataclass(frozen=True)
class Measured:
    """The two counts, the windows they come from, and the verdict."""

    scope: str
    start: datetime
    effective_at: datetime
    end: datetime
    before: Count
    after: Count
    verdict: EffectVerdict

    def figures(self) -> dict[str, Any]:
        """Return everything as plain data, to be kept."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "before": asdict(self.before),
            "after": asdict(self.after),
            "p_value": self.verdict.p_value,
            "reason": self.verdict.reason,
        }


def measure(issue: Issue, *, effective_at: datetime, now: datetime) -> Measured:
    """Count both windows and judge."""
    end = max(now - MATURE, effective_at)
    span = min(end - effective_at, LONGEST)
    start, end = effective_at - max(span, timedelta(days=7)), effective_at + span
    scope = scope_of(issue)
    before = _count(issue, scope, start, effective_at)
    after = _count(issue, scope, effective_at, end)
    return Measured(scope, start, effective_at, end, before, after, compare(before, after, minimum_units=MINIMUM_UNITS))


def scope_of(issue: Issue) -> str:
    """Return on what the effect is measured: the next lots of the same SKU, the courier line, or the supplier's goods."""
    if issue.sku_id:
        return "sku"
    if issue.courier_line:
        return "courier_line"
    return "supplier" if issue.supplier_id else "all"


def _count(issue: Issue, scope: str, start: datetime, end: datetime) -> Count:
    units = _units(issue, scope, start, end)
    events = _events(issue, scope, start, end)
    return Count(min(events, units), units)


def _units(issue: Issue, scope: str, start: datetime, end: datetime) -> int:
    if scope == "courier_line":
        shipped = select(func.count()).select_from(Parcel).where(Parcel.line == issue.courier_line)
        return db.session.scalar(shipped.where(Parcel.shipped_at >= start, Parcel.shipped_at < end)) or 0
    statement: Select[Any] = (
        select(func.sum(OrderLine.quantity))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.shipped_at >= start, Order.shipped_at < end)
    )
    if scope == "sku":
        statement = statement.where(OrderLine.sku_id == issue.sku_id)
    if scope == "supplier":
        statement = statement.where(OrderLine.supplier_id == issue.supplier_id)
    return int(db.session.scalar(statement) or 0)


def _events(issue: Issue, scope: str, start: datetime, end: datetime) -> int:
    """Count complaints about goods shipped in the window, so that both counts speak of the same goods."""
    conditions: list[ColumnElement[bool]] = []
    statement = select(func.count()).select_from(Complaint)
    if scope == "courier_line":
        statement = statement.join(Parcel, Parcel.id == Complaint.parcel_id)
        conditions += [Complaint.courier_line == issue.courier_line, Parcel.shipped_at >= start, Parcel.shipped_at < end]
    else:
        statement = statement.join(Order, Order.id == Complaint.order_id)
        conditions += [Order.shipped_at >= start, Order.shipped_at < end]
    if scope == "sku":
        conditions.append(Complaint.sku_id == issue.sku_id)
    if scope == "supplier":
        conditions.append(Complaint.supplier_id == issue.supplier_id)
    if issue.type_id and scope != "courier_line":
        family = select(Term.id).where((Term.id == issue.type_id) | (Term.parent_id == issue.type_id))
        conditions.append(Complaint.type_id.in_(family))
    return db.session.scalar(statement.where(*conditions)) or 0
