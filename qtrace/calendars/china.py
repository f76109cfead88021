"""Public holidays and make-up workdays of mainland China, as far as they are announced."""

import csv
from collections.abc import Mapping
from datetime import date, time
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from qtrace.calendars.engine import Hours, WorkCalendar

ZONE = "Asia/Shanghai"
OFFICE_HOURS: Hours = ((time(8, 30), time(12)), (time(13, 30), time(18)))
WORKING = {"makeup_workday": True, "holiday_weekday": False}


@cache
def china_exceptions() -> Mapping[date, bool]:
    """Return the days that differ from plain weekdays: true for a make-up workday, false for a holiday."""
    text = files("qtrace.calendars").joinpath("china_workdays.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({date.fromisoformat(row["date"]): WORKING[row["kind"]] for row in rows})


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
