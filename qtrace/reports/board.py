"""The quality board: four figures with their comparison, the ranking of types, the trend, the stages, the worst."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from qtrace.calendars.engine import ClockInterval, WorkCalendar
from qtrace.calendars.service import calendar_of
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.issues.stages import stage_names
from qtrace.reports import queries
from qtrace.reports.metrics import (
    IssueFact,
    ParetoRow,
    Ratio,
    RecurrenceRate,
    ResolvedFact,
    Score,
    Summary,
    cost_ratio,
    pareto,
    recurrence_rate,
    resolution_times,
    satisfaction,
)
from qtrace.reports.periods import Period, last_months
from qtrace.reports.queries import ComplaintGroup, Pair, Scope

MIN_UNITS = 30
MOST_RANKED = 8
UNTYPED = ""


@dataclass(frozen=True)
class Times:
    """How long the closed issues took, around the clock and in working time."""

    calendar: Summary
    business: Summary


@dataclass(frozen=True)
class Cost:
    """The cost of quality of one currency beside its sales."""

    currency: str
    refund_minor: int
    booked_minor: int
    sales_minor: int
    ratio: Ratio | None

    @property
    def total_minor(self) -> int:
        """Return refunds, freight and what was booked."""
        return self.refund_minor + self.booked_minor


@dataclass(frozen=True)
class TypeRow:
    """One bar of the ranking; no term for complaints nobody classified."""

    term: Term | None
    bar: ParetoRow


@dataclass(frozen=True)
class MonthRow:
    """The complaints of a month, and per 1,000 orders where there were orders."""

    month: Period
    complaints: int
    orders: int

    @property
    def per_thousand(self) -> float | None:
        """Return complaints per 1,000 orders."""
        return round(1000 * self.complaints / self.orders, 2) if self.orders else None


@dataclass(frozen=True)
class StageRow:
    """The open issues of a stage and the overdue ones among them."""

    key: str
    label: str
    open: int
    overdue: int


@dataclass(frozen=True)
class RankRow:
    """An article or supplier with its complaints per 1,000 shipped units."""

    id: int
    label: str
    complaints: int
    units: int

    @property
    def per_thousand(self) -> float:
        """Return complaints per 1,000 units."""
        return round(1000 * self.complaints / self.units, 2)


@dataclass(frozen=True)
class Board:
    """Everything on the page; pairs are (this period, the previous one)."""

    period: Period
    shop_id: int | None
    times: tuple[Times, Times]
    recurrence: tuple[RecurrenceRate, RecurrenceRate]
    score: tuple[Score, Score]
    low_stars: int
    cost: tuple[Cost, Cost] | None
    after_sales: int
    complaints: tuple[int, int]
    types: list[TypeRow]
    months: list[MonthRow]
    stages: list[StageRow]
    skus: list[RankRow]
    suppliers: list[RankRow]


def build_board(scope: Scope) -> Board:
    """Count the board."""
    groups = queries.complaint_groups(scope)
    skus, suppliers = _rankings(scope)
    return Board(
        period=scope.period,
        shop_id=scope.shop_id,
        times=_times(scope, calendar_of(None)),
        recurrence=_recurrence(scope),
        score=_scores(queries.stars(scope)),
        low_stars=sum(group.low for group in groups if group.source == "review"),
        cost=_cost(queries.refunds(scope), queries.costs(scope), queries.sales(scope)),
        after_sales=sum(group.current for group in groups if group.source == "after_sale"),
        complaints=(sum(group.current for group in groups), sum(group.previous for group in groups)),
        types=_types(groups, queries.complaint_types()),
        months=_months(scope),
        stages=_stages(scope),
        skus=skus,
        suppliers=suppliers,
    )


def _times(scope: Scope, calendar: WorkCalendar) -> tuple[Times, Times]:
    closed = queries.closed_issues(scope)

    def of(period: Period) -> Times:
        facts = [
            ResolvedFact(row.id, (ClockInterval("running", row.opened_at, max(row.opened_at, row.closed_at)),))
            for row in closed
            if period.start <= row.closed_at < period.end
        ]
        return Times(resolution_times(facts), resolution_times(facts, calendar))

    return of(scope.period), of(scope.period.previous)


def _recurrence(scope: Scope) -> tuple[RecurrenceRate, RecurrenceRate]:
    cured = queries.cured_issues(scope)
    rows = queries.comparable_issues(scope, list(cured)) if cured else []

    def of(period: Period) -> RecurrenceRate:
        within = {id_: at for id_, at in cured.items() if period.start <= at < period.end}
        return recurrence_rate([_fact(row, within.get(row.id), period) for row in rows])

    return of(scope.period), of(scope.period.previous)


def _fact(row: queries.Opened, effective_at: datetime | None, period: Period) -> IssueFact:
    cause = row.cause_id or row.type_id
    signature = f"{row.sku_id}|{cause}" if row.sku_id and cause else ""
    made_at = datetime.combine(row.made_on, time(), period.zone).astimezone(UTC) if row.made_on else None
    return IssueFact(row.id, signature, row.opened_at, effective_at, made_at)


def _scores(rows: Sequence[Pair]) -> tuple[Score, Score]:
    now = {int(row.key): row.current for row in rows}
    before = {int(row.key): row.previous for row in rows}
    return satisfaction(now), satisfaction(before)


def _cost(refunds: Sequence[Pair], costs: Sequence[Pair], sales: Sequence[Pair]) -> tuple[Cost, Cost] | None:
    """Return the cost in the currency that sold most; nothing where nothing was sold in either period."""
    sold = [row for row in sales if row.current > 0 or row.previous > 0]
    if not sold:
        return None
    most = max(sold, key=lambda row: (row.current, row.previous, row.key))
    none = Pair(most.key, 0, 0)
    refund = next((row for row in refunds if row.key == most.key), none)
    booked = next((row for row in costs if row.key == most.key), none)
    return (
        _cost_of(most.key, refund.current, booked.current, most.current),
        _cost_of(most.key, refund.previous, booked.previous, most.previous),
    )


def _cost_of(currency: str, refund: int, booked: int, sold: int) -> Cost:
    # refunds and freight come as one sum, so freight is not passed apart
    return Cost(currency, refund, booked, sold, cost_ratio(refund, 0, booked, sold))


def _types(groups: Sequence[ComplaintGroup], terms: Mapping[int, Term]) -> list[TypeRow]:
    counted: Counter[str] = Counter()
    tops = {term.code: term for term in terms.values() if term.parent_id is None}
    for group in groups:
        if group.current:
            counted[_top_code(group.type_id, terms)] += group.current
    return [TypeRow(tops.get(bar.key), bar) for bar in pareto(counted, other=UNTYPED)]


def _top_code(type_id: int | None, terms: Mapping[int, Term]) -> str:
    term = terms.get(type_id) if type_id is not None else None
    while term is not None and term.parent_id is not None:
        term = terms.get(term.parent_id)
    return term.code if term else UNTYPED


def _months(scope: Scope) -> list[MonthRow]:
    months = last_months(scope.now, scope.period.zone)
    complaints, orders = queries.complaints_by_month(scope, months), queries.orders_by_month(scope, months)
    return [MonthRow(*row) for row in zip(months, complaints, orders, strict=True)]


def _stages(scope: Scope) -> list[StageRow]:
    """Return the stages in the order of the flow, empty ones too; stages of older flows follow."""
    found = {row.key: row for row in queries.open_stages(scope)}
    names = stage_names()
    keys = [*names, *(key for key in sorted(found) if key not in names)]
    rows = []
    for key in keys:
        row = found.get(key, queries.Stage(key, 0, 0))
        rows.append(StageRow(key, names[key].label if key in names else key, row.open, row.overdue))
    return rows


def _rankings(scope: Scope) -> tuple[list[RankRow], list[RankRow]]:
    by_sku: Counter[int] = Counter()
    by_supplier: Counter[int] = Counter()
    for row in queries.shipped_units(scope):
        if row.sku_id is not None:
            by_sku[row.sku_id] += row.units
        if row.supplier_id is not None:
            by_supplier[row.supplier_id] += row.units
    skus = _worst(queries.complaints_of(Complaint.sku_id, scope), by_sku)
    suppliers = _worst(queries.complaints_of(Complaint.supplier_id, scope), by_supplier)
    sku_names = queries.sku_names([row[0] for row in skus])
    supplier_names = queries.supplier_names([row[0] for row in suppliers])
    return (
        [RankRow(id_, sku_names.get(id_, str(id_)), n, units) for id_, n, units in skus],
        [RankRow(id_, supplier_names.get(id_, str(id_)), n, units) for id_, n, units in suppliers],
    )


def _worst(complaints: Mapping[int, int], units: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Return (id, complaints, units) by falling rate, leaving out what shipped too little to judge."""
    rows = [(id_, n, units.get(id_, 0)) for id_, n in complaints.items() if units.get(id_, 0) >= MIN_UNITS]
    return sorted(rows, key=lambda row: (-row[1] / row[2], -row[1], row[0]))[:MOST_RANKED]
