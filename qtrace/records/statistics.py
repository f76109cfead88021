"""Records of a form counted by one of its fields: how many, how much, what share; every figure with its very records.

A field of choices or references makes a group of each value, the largest first; what has no room is one group of the rest.
A field of time makes a group of each day, week or month there is; earlier ones than there is room for are the rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import ColumnElement, Integer, Select, case, column, func, select, values
from sqlalchemy.sql.elements import Label

from qtrace.accounts.models import User
from qtrace.conditions.tree import All, Clause, Condition, FieldKind, Not
from qtrace.core.db import UtcDateTime, db
from qtrace.records.asking import Asked
from qtrace.records.fields import RECORDS, ListField, ListFields
from qtrace.records.models import SCALE
from qtrace.records.queries import matching
from qtrace.records.visibility import seen

MOST_GROUPS = 40
MOST_SPANS = 120
ONE = 10**SCALE  # sums are made of whole and broken parts, so that no database overflows

Grain = Literal["day", "week", "month"]
Kind = Literal["count", "sum", "avg", "rate"]


@dataclass(frozen=True)
class Measure:
    """What is measured of a group: how many there are, the sum or mean of a number, the share that says yes."""

    kind: Kind = "count"
    field: ListField | None = None


@dataclass(frozen=True)
class Tally:
    """What adds up: how many records, how many of them say something, the parts of their sum, how many say yes."""

    n: int = 0
    given: int = 0
    whole: int = 0
    broken: int = 0
    yes: int = 0

    def less(self, *others: "Tally") -> "Tally":
        """Return this without the others."""
        return Tally(
            *(getattr(self, one.name) - sum(getattr(other, one.name) for other in others) for one in fields(self))
        )

    def figure(self, measure: Measure) -> int | Decimal | None:
        """Return the measured figure; None where nothing was given to measure."""
        if measure.kind == "count":
            return self.n
        if not self.given:
            return None
        if measure.kind == "rate":
            return Decimal(self.yes) / self.given
        total = Decimal(self.whole) + Decimal(self.broken).scaleb(-SCALE)
        return total if measure.kind == "sum" else total / self.given


@dataclass(frozen=True)
class Group:
    """Records that have one value, or lie in one span of time, with the condition that lists exactly them."""

    value: Any
    tally: Tally
    condition: Condition


@dataclass(frozen=True)
class Rest:
    """Everything there is no room for: how many groups, together."""

    groups: int
    tally: Tally
    condition: Condition


@dataclass(frozen=True)
class Statistics:
    """The groups, the rest of them, those that have no value, and all together."""

    groups: Sequence[Group]
    rest: Rest | None
    missing: Group | None
    total: Tally


@dataclass(frozen=True)
class Span:
    """A day, a week or a month."""

    first: date
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Counting:
    """Whose records of which form are counted, as a list asks for them."""

    form_id: int
    asked: Asked
    fields: ListFields
    user: User
    measure: Measure

    @property
    def where(self) -> list[ColumnElement[bool]]:
        """Return the conditions of the list."""
        return matching(self.form_id, self.asked, self.fields)

    def tally(self, *also: ColumnElement[bool]) -> Tally:
        """Return the figures of all that is listed and meets these conditions too."""
        statement = seen(select(*_figures(self.measure)).select_from(RECORDS), self.user)
        return _tally(db.session.execute(statement.where(*self.where, *also)).one())


def by_value(counting: Counting, by: ListField, *, most: int = MOST_GROUPS) -> Statistics:
    """Return the groups of a field's values, the largest first."""
    present = _present(by)
    grouped = seen(select(by.column.label("value"), *_figures(counting.measure)), counting.user)
    grouped = grouped.where(*counting.where, *present).group_by(by.column)
    rows = db.session.execute(grouped.order_by(func.count().desc(), by.column).limit(most + 1)).all()
    groups = [Group(row[0], _tally(row[1:]), is_value(by, row[0])) for row in rows[:most]]
    total, rest = counting.tally(), None
    given = _together(group.tally for group in groups)
    if len(rows) > most:
        given = counting.tally(*present)
        rest = _other_values(by, groups, grouped, given)
    return Statistics(groups, rest, _missing(by, total, given), total)


def by_span(counting: Counting, by: ListField, grain: Grain, zone: tzinfo) -> Statistics:
    """Return the groups of a field's days, weeks or months, the earliest first and none left out between."""
    zone = UTC if by.day else zone
    present = by.column.is_not(None)
    total, given = counting.tally(), counting.tally(present)
    ends = select(func.min(by.column), func.max(by.column)).select_from(RECORDS)
    first, last = db.session.execute(seen(ends, counting.user).where(*counting.where, present)).one()
    if first is None:
        return Statistics([], None, _missing(by, total, given), total)
    spans = _spans(last, grain, zone)
    listed = values(column("start", UtcDateTime()), column("end", UtcDateTime()), name="span")
    span = listed.data([(one.start, one.end) for one in spans]).cte("span")
    joined = RECORDS.join(span, (by.column >= span.c.start) & (by.column < span.c.end))
    statement = seen(select(span.c.start, *_figures(counting.measure)).select_from(joined), counting.user)
    found = {
        row[0]: _tally(row[1:]) for row in db.session.execute(statement.where(*counting.where).group_by(span.c.start))
    }
    begun = next((place for place, one in enumerate(spans) if one.start in found), len(spans))
    groups = [Group(one, found.get(one.start, Tally()), _within(by, one)) for one in spans[begun:]]
    rest = None
    if first < spans[0].start:
        groups = [Group(one, found.get(one.start, Tally()), _within(by, one)) for one in spans]
        earlier = given.less(*(group.tally for group in groups))
        before = _span_of(first, grain, zone)
        rest = Rest(_steps(before, spans[0], grain), earlier, Clause(by.id, "lt", spans[0].start))
    return Statistics(groups, rest, _missing(by, total, given), total)


def is_value(field: ListField, value: Any) -> Condition:
    """Return the condition that a field has this stored value."""
    if value is None:
        return Clause(field.id, "is_empty")
    if isinstance(value, bool):
        return Clause(field.id, "is_true" if value else "is_false")
    return Clause(field.id, "eq", value)


def _present(by: ListField) -> list[ColumnElement[bool]]:
    """Return the condition that there is a value; the empty text is none, as conditions see it."""
    given: list[ColumnElement[bool]] = [by.column.is_not(None)]
    return [*given, by.column != ""] if by.kind is FieldKind.TEXT and not by.own else given


def _missing(by: ListField, total: Tally, given: Tally) -> Group | None:
    missing = total.less(given)
    return Group(None, missing, Clause(by.id, "is_empty")) if missing.n else None


def _other_values(by: ListField, groups: Sequence[Group], grouped: Select[*tuple[Any, ...]], given: Tally) -> Rest:
    count = db.session.scalar(select(func.count()).select_from(grouped.subquery())) or 0
    listed = Clause(by.id, "in", tuple(group.value for group in groups))
    others = All((Not(listed), Clause(by.id, "not_empty")))
    return Rest(count - len(groups), given.less(*(group.tally for group in groups)), others)


def _together(tallies: Iterable[Tally]) -> Tally:
    listed = list(tallies)
    return Tally(*(sum(getattr(tally, one.name) for tally in listed) for one in fields(Tally)))


def _figures(measure: Measure) -> list[Label[int]]:
    counted = func.count().label("n")
    if measure.field is None:
        return [counted]
    of = measure.field.column
    given = func.count(of).label("given")
    if measure.kind == "rate":
        yes = func.coalesce(func.sum(case((of.is_(True), 1), else_=0)), 0).label("yes")
        return [counted, given, yes]
    whole, broken = of.op("/", return_type=Integer())(ONE), of.op("%", return_type=Integer())(ONE)
    return [
        counted, given, func.coalesce(func.sum(whole), 0).label("whole"),
        func.coalesce(func.sum(broken), 0).label("broken"),
    ]  # fmt: skip


def _tally(row: Sequence[Any]) -> Tally:
    numbers = [int(one) for one in row]
    if len(numbers) == 3:
        return Tally(numbers[0], numbers[1], yes=numbers[2])
    return Tally(*numbers)


def _spans(last: datetime, grain: Grain, zone: tzinfo) -> list[Span]:
    """Return the last spans there is room for, the earliest first."""
    found = [_span_of(last, grain, zone)]
    while len(found) < MOST_SPANS:
        found.append(_span_of(found[-1].start - timedelta(seconds=1), grain, zone))
    return found[::-1]


def _span_of(moment: datetime, grain: Grain, zone: tzinfo) -> Span:
    first = _first_day(moment.astimezone(zone).date(), grain)
    return Span(first, _midnight(first, zone), _midnight(_next_day(first, grain), zone))


def _first_day(day: date, grain: Grain) -> date:
    if grain == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if grain == "week" else day


def _next_day(first: date, grain: Grain) -> date:
    if grain == "month":
        return (first + timedelta(days=32)).replace(day=1)
    return first + timedelta(days=7 if grain == "week" else 1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _steps(first: Span, last: Span, grain: Grain) -> int:
    if grain == "month":
        return (last.first.year - first.first.year) * 12 + last.first.month - first.first.month
    return (last.first - first.first).days // (7 if grain == "week" else 1)


def _within(by: ListField, span: Span) -> Condition:
    return All((Clause(by.id, "ge", span.start), Clause(by.id, "lt", span.end)))
