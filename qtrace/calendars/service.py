"""Deadlines in the business time of a team's calendar."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, select

from qtrace.accounts.models import Department
from qtrace.calendars.china import china_exceptions, horizon
from qtrace.calendars.engine import Hours, WorkCalendar, due_at, parse_hours
from qtrace.calendars.models import Calendar, CalendarDay
from qtrace.core.db import db, table_of

CALENDARS, DAYS, DEPARTMENTS = table_of(Calendar), table_of(CalendarDay), table_of(Department)
FIRST = select(CALENDARS).order_by(CALENDARS.c.id).limit(1)
OF_DEPARTMENT = (
    select(CALENDARS)
    .join(DEPARTMENTS, DEPARTMENTS.c.calendar_id == CALENDARS.c.id)
    .where(DEPARTMENTS.c.id == bindparam("department"))
)
LAST_DAYS = (
    select(CALENDARS.c.name, func.max(DAYS.c.day).label("last"))
    .outerjoin(DAYS, DAYS.c.calendar_id == CALENDARS.c.id)
    .where(CALENDARS.c.china_holidays)
    .group_by(CALENDARS.c.id, CALENDARS.c.name)
)
HORIZON_DAYS = 60  # so long before the known holidays end, people are told
OWN_DAYS = select(DAYS.c.day, DAYS.c.hours).where(DAYS.c.calendar_id == bindparam("calendar"))


def due_for(department_id: int | None, start: datetime, minutes: int) -> datetime:
    """Return when `minutes` of the department's working time have passed since `start`."""
    return due_at(calendar_of(department_id), start, minutes)


def calendar_of(department_id: int | None) -> WorkCalendar:
    """Return the calendar of the department, or the site's first one."""
    row = db.session.execute(OF_DEPARTMENT, {"department": department_id}).one_or_none() if department_id else None
    row = row or db.session.execute(FIRST).one_or_none()
    if row is None:
        raise LookupError("the site has no calendar; run `qtrace init`")
    return calendar_with(row.id, row.zone, row.weekly, china=row.china_holidays)


def calendar_with(calendar_id: int | None, zone: str, weekly: Mapping[str, Any], *, china: bool) -> WorkCalendar:
    """Return a calendar with this week and the special days it has."""
    days = db.session.execute(OWN_DAYS, {"calendar": calendar_id}).all()
    own = tuple((day.day, json.dumps(day.hours)) for day in days)
    return _work_calendar(zone, json.dumps(weekly, sort_keys=True), own, china=china)


def known_until() -> tuple[date, str] | None:
    """Return the day until which holidays are known, and the calendar that ends first; nothing where none has holidays.

    A calendar knows a year further where the company itself entered days of it.
    """
    rows = db.session.execute(LAST_DAYS).all()
    ends = [(max(horizon(), date((row.last or horizon()).year, 12, 31)), row.name) for row in rows]
    return min(ends, default=None)


@lru_cache(maxsize=32)
def _work_calendar(zone: str, weekly_json: str, own: tuple[tuple[date, str], ...], *, china: bool) -> WorkCalendar:
    """Return the calendar as the engine reads it: national days first, the company's own days over them.

    It is built again only when something in it changed.
    """
    weekly = {int(day): parse_hours(hours) for day, hours in json.loads(weekly_json).items()}
    exceptions: dict[date, Hours] = {}
    if china:
        workday = next((hours for _day, hours in sorted(weekly.items()) if hours), ())
        exceptions = {day: (workday if works else ()) for day, works in china_exceptions().items()}
    exceptions |= {day: parse_hours(json.loads(hours)) for day, hours in own}
    return WorkCalendar(zone, weekly, exceptions)
