"""Deadlines in the business time of a team's calendar."""

from datetime import date, datetime

from sqlalchemy import select

from qtrace.accounts.models import Department
from qtrace.calendars.china import china_exceptions
from qtrace.calendars.engine import Hours, WorkCalendar, due_at, parse_hours
from qtrace.calendars.models import Calendar, CalendarDay
from qtrace.core.db import db


def due_for(department_id: int | None, start: datetime, minutes: int) -> datetime:
    """Return when `minutes` of the department's working time have passed since `start`."""
    return due_at(calendar_of(department_id), start, minutes)


def calendar_of(department_id: int | None) -> WorkCalendar:
    """Return the calendar of the department, or the site's first one."""
    row = None
    if department_id is not None:
        row = db.session.scalar(
            select(Calendar)
            .join(Department, Department.calendar_id == Calendar.id)
            .where(Department.id == department_id)
        )
    row = row or db.session.scalar(select(Calendar).order_by(Calendar.id).limit(1))
    if row is None:
        raise LookupError("the site has no calendar; run `qtrace init`")
    return work_calendar(row)


def work_calendar(row: Calendar) -> WorkCalendar:
    """Return the calendar as the engine reads it: national days first, the company's own days over them."""
    weekly = {int(day): parse_hours(hours) for day, hours in row.weekly.items()}
    exceptions: dict[date, Hours] = {}
    if row.china_holidays:
        workday = next((hours for _day, hours in sorted(weekly.items()) if hours), ())
        exceptions = {day: (workday if works else ()) for day, works in china_exceptions().items()}
    days = db.session.scalars(select(CalendarDay).where(CalendarDay.calendar_id == row.id))
    exceptions |= {day.day: parse_hours(day.hours) for day in days}
    return WorkCalendar(row.zone, weekly, exceptions)
