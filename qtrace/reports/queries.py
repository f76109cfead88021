"""What the board counts; complaints and issues always start from what the reader may see.

Every figure of two periods comes from one query with a SUM(CASE) for each, over bounds computed here, so that both
databases count the same. Sales, shipments and reviews are facts of the shops and belong to nobody's scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, and_, case, func, or_, select

from qtrace.accounts.access import visible_to
from qtrace.accounts.models import User
from qtrace.catalog.models import Sku, Supplier
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.investigation.models import Action, CostLine, EffectCheck
from qtrace.issues.models import Issue
from qtrace.issues.visibility import visible_issues
from qtrace.orders.models import AfterSale, Lot, Order, OrderLine, Review
from qtrace.reports.metrics import RECURRENCE_DAYS
from qtrace.reports.periods import Period

LOW_STARS = 2


@dataclass(frozen=True)
class Scope:
    """Who reads, which period, when, and of which shop; without a person and a shop the whole site is counted."""

    user: User | None
    period: Period
    now: datetime
    shop_id: int | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """An issue closed in one of both periods."""

    id: int
    opened_at: datetime
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """What tells whether an issue repeats another one."""

    id: int
    opened_at: datetime
    sku_id: int | None
    cause_id: int | None
    type_id: int | None
    made_on: date | None


@dataclass(frozen=True, slots=True)
class ComplaintGroup:
    """Complaints of one type from one source: this period, the previous one, and this one's low stars."""

    type_id: int | None
    source: str
    current: int
    previous: int
    low: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of this period and of the previous one, by name."""

    key: str
    current: int
    previous: int


@dataclass(frozen=True, slots=True)
class Stage:
    """Open issues of one stage and how many of them are overdue."""

    key: str
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Shipped:
    """Units of one article from one supplier that left in the period."""

    sku_id: int | None
    supplier_id: int | None
    units: int


def closed_issues(scope: Scope) -> list[Closed]:
    """Return the issues closed in the period or the one before."""
    statement = _issues(scope, Issue.id, Issue.opened_at, Issue.closed_at)
    both = and_(Issue.closed_at >= scope.period.previous.start, Issue.closed_at < scope.period.end)
    return [Closed(*row) for row in _rows(statement.where(Issue.status == "closed", both))]


def cured_issues(scope: Scope) -> dict[int, datetime]:
    """Return when the latest corrective action took effect, by issue, in either period; its effect must be verified.

    Verified means that a judgement of the effect accepted it once; an issue reopened since stays counted, because a cure
    that failed is what the rate is about.
    """
    latest, verified = func.max(Action.effective_at), select(EffectCheck.issue_id).where(EffectCheck.accepted)
    statement = (
        select(Action.issue_id, latest)
        .where(Action.kind == "corrective", Action.cancelled_at.is_(None), Action.effective_at <= scope.now)
        .where(Action.issue_id.in_(_issues(scope, Issue.id)), Action.issue_id.in_(verified))
        .group_by(Action.issue_id)
        .having(latest >= scope.period.previous.start, latest < scope.period.end)
    )
    return {row[0]: row[1] for row in _rows(statement)}


def comparable_issues(scope: Scope, cured: Sequence[int]) -> list[Opened]:
    """Return the cured issues and every issue opened early enough to repeat one of them."""
    until = scope.period.end + timedelta(days=RECURRENCE_DAYS)
    opened = and_(Issue.opened_at >= scope.period.previous.start, Issue.opened_at < until)
    sku = func.coalesce(Issue.sku_id, Lot.sku_id)
    columns = (Issue.id, Issue.opened_at, sku, Issue.verified_cause_id, Issue.type_id, Lot.made_on)
    statement = _issues(scope, *columns).select_from(Issue).outerjoin(Lot, Lot.id == Issue.lot_id)
    return [Opened(*row) for row in _rows(statement.where(or_(Issue.id.in_(cured), opened)))]


def stars(scope: Scope) -> list[Pair]:
    """Return how many reviews gave each star in both periods."""
    pair = _both(Review.reviewed_at, scope.period)
    statement = _of_shop(select(Review.stars, *pair), scope, Review.shop_id)
    statement = statement.where(_either(Review.reviewed_at, scope.period)).group_by(Review.stars)
    return [Pair(str(row[0]), int(row[1]), int(row[2])) for row in _rows(statement)]


def complaint_groups(scope: Scope) -> list[ComplaintGroup]:
    """Return the complaints of both periods by type and source."""
    low = and_(_within(Complaint.occurred_at, scope.period), Complaint.stars <= LOW_STARS)
    columns = (Complaint.type_id, Complaint.source_kind, *_both(Complaint.occurred_at, scope.period), _sum(low))
    statement = _complaints(scope, *columns).where(_either(Complaint.occurred_at, scope.period))
    found = _rows(statement.group_by(Complaint.type_id, Complaint.source_kind))
    return [ComplaintGroup(row[0], row[1], *(int(n) for n in row[2:])) for row in found]


def refunds(scope: Scope) -> list[Pair]:
    """Return refunds and freight of the after-sales that became complaints, by currency and day of the complaint."""
    amount = AfterSale.refund_minor + AfterSale.freight_minor
    columns = (AfterSale.currency, *_both(Complaint.occurred_at, scope.period, amount))
    statement = (
        _complaints(scope, *columns)
        .select_from(Complaint)
        .join(AfterSale, and_(Complaint.source_kind == "after_sale", Complaint.source_id == AfterSale.id))
        .where(_either(Complaint.occurred_at, scope.period))
    )
    return _pairs(statement.group_by(AfterSale.currency))


def costs(scope: Scope) -> list[Pair]:
    """Return what was booked on issues, by currency."""
    columns = (CostLine.currency, *_both(CostLine.at, scope.period, CostLine.amount_minor))
    statement = select(*columns).where(CostLine.issue_id.in_(_issues(scope, Issue.id)))
    return _pairs(statement.where(_either(CostLine.at, scope.period)).group_by(CostLine.currency))


def sales(scope: Scope) -> list[Pair]:
    """Return what buyers paid for the orders placed in both periods, by currency."""
    columns = (Order.currency, *_both(Order.placed_at, scope.period, Order.paid_minor))
    statement = _of_shop(select(*columns), scope, Order.shop_id)
    return _pairs(statement.where(_either(Order.placed_at, scope.period)).group_by(Order.currency))


def complaints_by_month(scope: Scope, months: Sequence[Period]) -> list[int]:
    """Return the complaints of each month."""
    return _by_month(_complaints(scope, *_buckets(Complaint.occurred_at, months)), Complaint.occurred_at, months)


def orders_by_month(scope: Scope, months: Sequence[Period]) -> list[int]:
    """Return the orders placed in each month."""
    statement = _of_shop(select(*_buckets(Order.placed_at, months)), scope, Order.shop_id)
    return _by_month(statement, Order.placed_at, months)


def open_stages(scope: Scope) -> list[Stage]:
    """Return the open issues by stage."""
    columns = (Issue.stage, func.count(), _sum(Issue.due_at < scope.now))
    statement = _issues(scope, *columns).where(Issue.status == "open").group_by(Issue.stage)
    return [Stage(row[0], int(row[1]), int(row[2])) for row in _rows(statement)]


def complaints_of(column: Any, scope: Scope) -> dict[int, int]:
    """Return the complaints of the period by article or supplier."""
    statement = _complaints(scope, column, func.count()).where(_within(Complaint.occurred_at, scope.period))
    return {row[0]: int(row[1]) for row in _rows(statement.where(column.is_not(None)).group_by(column))}


def shipped_units(scope: Scope) -> list[Shipped]:
    """Return the units that left in the period, by article and supplier."""
    # the orders of the period first: joined plainly, SQLite reads every line of the site and takes 20 times as long
    orders = _of_shop(select(Order.id), scope, Order.shop_id).where(_within(Order.shipped_at, scope.period))
    lines = (
        select(OrderLine.sku_id, OrderLine.supplier_id, func.sum(OrderLine.quantity).label("units"))
        .where(OrderLine.order_id.in_(orders))
        .group_by(OrderLine.sku_id, OrderLine.supplier_id)
        .subquery()
    )
    supplier = func.coalesce(lines.c.supplier_id, Sku.supplier_id)
    statement = select(lines.c.sku_id, supplier, lines.c.units).outerjoin(Sku, Sku.id == lines.c.sku_id)
    return [Shipped(row[0], row[1], int(row[2])) for row in _rows(statement)]


def sku_names(ids: Sequence[int]) -> dict[int, str]:
    """Return what staff call these articles."""
    statement = select(Sku.id, Sku.name, Sku.external_id).where(Sku.id.in_(ids))
    return {row[0]: row[1] or row[2] for row in _rows(statement)}


def supplier_names(ids: Sequence[int]) -> dict[int, str]:
    """Return what these suppliers are called."""
    return {row[0]: row[1] for row in _rows(select(Supplier.id, Supplier.name).where(Supplier.id.in_(ids)))}


def complaint_types() -> dict[int, Term]:
    """Return every complaint type by id."""
    return {term.id: term for term in db.session.scalars(select(Term).where(Term.kind == "type"))}


def _complaints(scope: Scope, *columns: Any) -> Select[Any]:
    statement = _of_shop(select(*columns), scope, Complaint.shop_id)
    return statement if scope.user is None else visible_to(statement, Complaint, scope.user)


def _issues(scope: Scope, *columns: Any) -> Select[Any]:
    statement = select(*columns) if scope.user is None else visible_issues(scope.user).with_only_columns(*columns)
    return _of_shop(statement, scope, Issue.shop_id)


def _of_shop(statement: Select[Any], scope: Scope, column: Any) -> Select[Any]:
    return statement if scope.shop_id is None else statement.where(column == scope.shop_id)


def _rows(statement: Executable) -> Sequence[Any]:
    return db.session.execute(statement).all()


def _pairs(statement: Select[Any]) -> list[Pair]:
    return [Pair(row[0], int(row[1]), int(row[2])) for row in _rows(statement)]


def _by_month(statement: Select[Any], column: Any, months: Sequence[Period]) -> list[int]:
    bounds = (column >= months[0].start, column < months[-1].end)
    totals = [int(n or 0) for n in db.session.execute(statement.where(*bounds)).one()]
    return [total - before for before, total in pairwise([0, *totals])]


def _buckets(column: Any, months: Sequence[Period]) -> list[Any]:
    """Return running totals up to the end of each month: half the comparisons of counting each month by itself."""
    return [_sum(column < month.end).label(f"m{at}") for at, month in enumerate(months)]


def _both(column: Any, period: Period, amount: Any = 1) -> tuple[Any, Any]:
    return (_sum(_within(column, period), amount), _sum(_within(column, period.previous), amount))


def _within(column: Any, period: Period) -> ColumnElement[bool]:
    return and_(column >= period.start, column < period.end)


def _either(column: Any, period: Period) -> ColumnElement[bool]:
    return and_(column >= period.previous.start, column < period.end)


def _sum(condition: ColumnElement[bool], amount: Any = 1) -> Any:
    return func.sum(case((condition, amount), else_=0))
