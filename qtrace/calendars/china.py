"""Public holidays and make-up workdays of mainland China, as far as they are announced."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from qtrace.calendars.engine import Hours, WorkCalendar

ZONE = "Asia/Shanghai"
OFFICE_HOURS: Hours = ((time(8, 30), time(12)), (time(13, 30), time(18)))
WORKING = {"makeup_workday": True, "holiday_weekday": False}


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = files("qtrace.calendars").joinpath("china_workdays.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _works_between(before: date, after: date) -> bool:
    days = (before + timedelta(days=offset) for offset in range(1, (after - before).days))
    return any(is_workday(day) for day in days)


@cache
def china_exceptions() -> Mapping[date, bool]:
    """Return the days that differ from plain weekdays: true for a make-up workday, false for a holiday."""
    return MappingProxyType({date.fromisoformat(row["date"]): WORKING[row["kind"]] for row in _rows()})


@dataclass(frozen=True)
class Holiday:
    """Days in a row on which offices are closed, or a day on which they make up for it."""

    name: str  # as `NAMES` has it; empty for a make-up day
    first: date
    last: date


def holidays_from(day: date) -> list[Holiday]:
    """Return the known holidays and make-up days that end on the day or later, the earliest first."""
    found: list[Holiday] = []
    for row in _rows():
        here, name = date.fromisoformat(row["date"]), row["name"]
        before = found[-1] if found else None
        if before and name and before.name == name and not _works_between(before.last, here):
            found[-1] = replace(before, last=here)
        else:
            found.append(Holiday(name, here, here))
    return [holiday for holiday in found if holiday.last >= day]


def horizon() -> date:
    """Return the last day whose holidays are known; after it plain weekdays apply."""
    return date(max(china_exceptions()).year, 12, 31)


def is_workday(day: date) -> bool:
    """Say whether offices in China work on the day."""
    return china_exceptions().get(day, day.weekday() < 5)


def china_calendar(hours: Hours = OFFICE_HOURS) -> WorkCalendar:
    """Return a Monday-to-Friday calendar with China's holidays off and make-up workdays worked."""
    return WorkCalendar(
        zone=ZONE,
        weekly=dict.fromkeys(range(5), hours),
        exceptions={day: hours if working else () for day, working in china_exceptions().items()},
    )
