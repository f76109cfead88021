"""The figures of the board; each comes with its n or with the records behind it."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import fmean
from typing import Literal

from qtrace.calendars.engine import ClockInterval, WorkCalendar, elapsed

RECURRENCE_DAYS = 90
TOP_BOX = (4, 5)
MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
CLASS_A, CLASS_B = 80, 95  # per cent of the total


@dataclass(frozen=True)
class ResolvedFact:
    """A case with the intervals of its clock; the case is resolved once none is open."""

    id: int
    clock: tuple[ClockInterval, ...]

    @property
    def resolved_at(self) -> datetime | None:
        """Return when the clock stopped for good, if it did."""
        ends = [interval.until for interval in self.clock]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


@dataclass(frozen=True)
class Summary:
    """How long cases took, in minutes; empty figures when there is no case."""

    n: int
    mean: float | None
    median: float | None
    p90: float | None
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class IssueFact:
    """What recurrence needs of an issue; `effective_at` is set once a corrective action is verified."""

    id: int
    signature: str
    opened_at: datetime
    effective_at: datetime | None = None
    lot_made_at: datetime | None = None


@dataclass(frozen=True)
class RecurrenceRate:
    """The share of the cured issues that came back, with the records of both; it lies between 0 and 1.

    `pairs` tells which new issue repeats which cured one, `repeat_ids` are those new issues.
    """

    rate: float | None
    numerator_ids: tuple[int, ...]
    denominator_ids: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]

    @property
    def repeat_ids(self) -> tuple[int, ...]:
        """Return the new issues that repeat a cured one, each once."""
        return tuple(dict.fromkeys(new for new, _cured in self.pairs))


@dataclass(frozen=True)
class Score:
    """Satisfaction from stars: their mean, the share of 4 and 5, and how many there are."""

    mean: float | None
    top_box_rate: float | None
    n: int


@dataclass(frozen=True)
class Ratio:
    """An exact ratio of two amounts in minor units of one currency."""

    numerator_minor: int
    denominator_minor: int

    @property
    def value(self) -> Decimal:
        """Return the ratio as a decimal, 0.015 for 1.5 %."""
        return Decimal(self.numerator_minor) / Decimal(self.denominator_minor)


@dataclass(frozen=True)
class ParetoRow:
    """One bar: its share of the total, the share up to and including it, and its class."""

    key: str
    count: int
    share: float
    cumulative: float
    class_: Literal["A", "B", "C"]


@dataclass(frozen=True)
class MonthCount:
    """The count of one month, written as 2026-03."""

    month: str
    count: int


@dataclass(frozen=True)
class Change:
    """How a figure moved: the difference, and the ratio to the previous one unless that was zero."""

    difference: float
    ratio: float | None
    direction: Literal["up", "down", "flat"]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the percentile by linear interpolation between the closest ranks.

    With the values sorted x₀ … xₙ₋₁ and h = (n−1)·share it is x⌊h⌋ + (h−⌊h⌋)·(x⌊h⌋₊₁ − x⌊h⌋): definition 7 of
    R. J. Hyndman and Y. Fan, Am. Stat. 50 (1996) 361, the one of Excel's PERCENTILE.INC and pandas' default.
    """
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def summarize(minutes: Mapping[int, int]) -> Summary:
    """Return mean, median and 90th percentile of the minutes per record id."""
    if not minutes:
        return Summary(0, None, None, None)
    values = list(minutes.values())
    middle, high = percentile(values, 0.5), percentile(values, 0.9)
    return Summary(len(values), fmean(values), middle, high, tuple(sorted(minutes)))


def resolution_times(facts: Iterable[ResolvedFact], calendar: WorkCalendar | None = None) -> Summary:
    """Return how long the resolved cases' clocks ran, in working time or around the clock; open cases are left out."""
    minutes = {}
    for fact in facts:
        resolved_at = fact.resolved_at
        if resolved_at is not None:
            minutes[fact.id] = elapsed(fact.clock, calendar, resolved_at)
    return summarize(minutes)


def recurrence_rate(
    issues: Sequence[IssueFact], *, days: int = RECURRENCE_DAYS, matured_at: datetime | None = None
) -> RecurrenceRate:
    """Return the share of problems that came back after a verified corrective action.

    Denominator: issues with a verified corrective action; with `matured_at` only those whose window has passed by then.
    Numerator: those of them that another issue repeats: the same signature, opened after the action took effect and at
    most `days` later, unless its lot was made before that (the same population, no recurrence). However often a problem
    comes back it counts once, so that the rate says how many cures failed and never exceeds 1.
    """
    window = timedelta(days=days)
    cured = {
        issue.id: (issue.signature, issue.effective_at)
        for issue in issues
        if issue.effective_at and (matured_at is None or issue.effective_at + window <= matured_at)
    }
    by_signature: dict[str, list[tuple[int, datetime]]] = {}
    for id_, (signature, effective_at) in cured.items():
        by_signature.setdefault(signature, []).append((id_, effective_at))
    pairs = sorted(
        (issue.id, id_)
        for issue in issues
        if issue.signature
        for id_, effective_at in by_signature.get(issue.signature, ())
        if issue.id != id_ and _came_back(issue, effective_at, window)
    )
    failed = tuple(sorted({id_ for _new, id_ in pairs}))
    return RecurrenceRate(len(failed) / len(cured) if cured else None, failed, tuple(sorted(cured)), tuple(pairs))


def satisfaction(stars: Mapping[int, int]) -> Score:
    """Return mean, share of 4 and 5 stars, and n, from how often each star was given."""
    if not set(stars) <= set(range(1, 6)) or any(count < 0 for count in stars.values()):
        raise ValueError("stars are counted from 1 to 5")
    n = sum(stars.values())
    if not n:
        return Score(None, None, 0)
    mean = sum(star * count for star, count in stars.items()) / n
    return Score(mean, sum(stars.get(star, 0) for star in TOP_BOX) / n, n)


def cost_ratio(refund_minor: int, freight_minor: int, other_minor: int, sales_minor: int) -> Ratio | None:
    """Return the cost of quality over net sales of the same period and currency, or nothing without sales."""
    if sales_minor <= 0:
        return None
    return Ratio(refund_minor + freight_minor + other_minor, sales_minor)


def pareto(counts: Mapping[str, int], other: str = "其他") -> list[ParetoRow]:
    """Return the keys by falling count, ties by name, the rest under `other` last.

    Class A is the fewest keys that together reach 80 % of the total, B those that then reach 95 %, C what is left;
    `other` is always C, for it names nothing one could act on.
    """
    if any(count < 0 for count in counts.values()):
        raise ValueError("a Pareto chart counts what happened; no count is below zero")
    total, running, rows = sum(counts.values()), 0, []
    for key, count in sorted(counts.items(), key=lambda item: (item[0] == other, -item[1], item[0])):
        class_ = "C" if key == other else _abc(running, total)
        running += count
        rows.append(ParetoRow(key, count, _share(count, total), _share(running, total), class_))
    return rows


def monthly(counts: Mapping[str, int], *, first: str | None = None, last: str | None = None) -> list[MonthCount]:
    """Return one count per month in order, zero where nothing was counted; `first` and `last` widen the range."""
    known = [_month_number(month) for month in (*counts, first, last) if month is not None]
    if not known:
        return []
    by_number = {_month_number(month): count for month, count in counts.items()}
    return [
        MonthCount(f"{number // 12:04d}-{number % 12 + 1:02d}", by_number.get(number, 0))
        for number in range(min(known), max(known) + 1)
    ]


def change(current: float | None, previous: float | None) -> Change | None:
    """Return how a figure moved since the previous period, or nothing when one of both is missing."""
    if current is None or previous is None:
        return None
    difference = current - previous
    direction: Literal["up", "down", "flat"] = "up" if difference > 0 else "down" if difference < 0 else "flat"
    return Change(difference, difference / abs(previous) if previous else None, direction)


def _came_back(issue: IssueFact, effective_at: datetime, window: timedelta) -> bool:
    made_before = issue.lot_made_at is not None and issue.lot_made_at < effective_at
    return effective_at < issue.opened_at <= effective_at + window and not made_before


def _abc(running: int, total: int) -> Literal["A", "B", "C"]:
    """Return the class of the next key when the keys before it hold `running` of the total."""
    if 100 * running < CLASS_A * total:
        return "A"
    return "B" if 100 * running < CLASS_B * total else "C"


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0


def _month_number(month: str) -> int:
    parts = MONTH.fullmatch(month)
    if parts is None:
        raise ValueError("a month is written as 2026-03")
    return int(parts[1]) * 12 + int(parts[2]) - 1
