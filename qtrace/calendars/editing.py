"""Change the work calendars of the company; what runs is due by the new hours from then on."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import available_timezones

from flask_babel import gettext as _
from sqlalchemy import select, update

from qtrace.accounts.models import Department
from qtrace.calendars.clock_service import reschedule
from qtrace.calendars.engine import Hours, WorkCalendar, dump_hours, parse_hours
from qtrace.calendars.models import Calendar, CalendarDay
from qtrace.calendars.service import calendar_with
from qtrace.core import events
from qtrace.core.db import existing, require_write, table_of
from qtrace.core.errors import Refused

SUBJECT = "calendar"
CHANGED = "calendar_changed"
LONGEST_NAME, MOST_DAYS = 80, 62
SPAN = re.compile(r"(\d{1,2})[::](\d{2})\s*[-–—~至到]\s*(\d{1,2})[::](\d{2})")
BETWEEN = re.compile(r"[\s,,、;;]*")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A calendar as it is to be: its name, zone, week, whether China's holidays hold, and whose it is."""

    name: str
    zone: str
    weekly: Mapping[int, Hours]
    china_holidays: bool
    departments: Collection[int]


@dataclass(frozen=True, kw_only=True)
class SpecialDays:
    """Days that differ from the week, from the first to the last one; without hours they are off."""

    first: date
    last: date
    hours: Hours
    name: str = ""


def read_spans(text: str) -> Hours:
    """Return the hours written like 08:30-12:00 13:30-18:00; nothing is a day off."""
    pairs = [(f"{a:0>2}:{b}", f"{c:0>2}:{d}") for a, b, c, d in SPAN.findall(text)]
    if BETWEEN.fullmatch(SPAN.sub("", text)) is None:
        raise Refused(_("上班时段请写成 08:30-12:00 13:30-18:00;休息就留空。"), field="hours")
    try:
        return parse_hours(pairs)
    except ValueError as error:
        raise Refused(_(str(error)), field="hours") from error


def show_spans(hours: Hours) -> str:
    """Return the hours as `read_spans` reads them."""
    return " ".join("-".join(pair) for pair in dump_hours(hours))


def check_plan(plan: Plan) -> None:
    """Refuse a calendar in which nobody ever works, or whose name or zone is none."""
    if not plan.name.strip() or len(plan.name.strip()) > LONGEST_NAME:
        raise Refused(_("请填写日历名称,最多 %(n)d 个字。", n=LONGEST_NAME), field="name")
    if plan.zone not in available_timezones():
        raise Refused(_("没有这个时区。国内请写 Asia/Shanghai。"), field="zone")
    if not any(plan.weekly.values()):
        raise Refused(_("一周里至少要有一天上班。"), field="hours")


def save_calendar(calendar_id: int | None, plan: Plan, *, by: int | None, now: datetime) -> int:
    """Store a calendar, new without an id, and return its id."""
    check_plan(plan)
    session, name = require_write(), plan.name.strip()
    twin = session.scalar(select(Calendar.id).where(Calendar.name == name))
    if twin is not None and twin != calendar_id:
        raise Refused(_("已经有叫「%(name)s」的日历。", name=name), field="name")
    row = existing(Calendar, calendar_id) if calendar_id else Calendar(name="", weekly={}, zone="", china_holidays=True)
    week = {str(day): dump_hours(plan.weekly.get(day, ())) for day in range(7)}
    values = {"name": name, "zone": plan.zone, "weekly": week, "china_holidays": plan.china_holidays}
    body = events.change(row, values)
    session.add(row)
    session.flush()  # the departments name it
    body |= _assign(row.id, plan.departments)
    if body:
        _tell(row.id, body, by=by, now=now)
    return row.id


def add_days(calendar_id: int, days: SpecialDays, *, by: int | None, now: datetime) -> int:
    """Let these days differ from the week and return how many; what was said of them before is replaced."""
    existing(Calendar, calendar_id)
    count = (days.last - days.first).days + 1
    if not 0 < count <= MOST_DAYS:
        raise Refused(_("结束日期要在开始日期之后,一次最多 %(n)d 天。", n=MOST_DAYS), field="last")
    session = require_write()
    wanted = [days.first + timedelta(days=offset) for offset in range(count)]
    found = select(CalendarDay).where(CalendarDay.calendar_id == calendar_id, CalendarDay.day.in_(wanted))
    rows = {row.day: row for row in session.scalars(found)}
    for day in wanted:
        row = rows.get(day) or CalendarDay(calendar_id=calendar_id, day=day)
        row.hours, row.name = dump_hours(days.hours), days.name.strip()[:LONGEST_NAME]
        session.add(row)
    session.flush()  # due times are counted by what is stored
    told = {"first": days.first.isoformat(), "last": days.last.isoformat(), "hours": dump_hours(days.hours)}
    _tell(calendar_id, {"days": told | {"name": days.name.strip()}}, by=by, now=now)
    return count


def remove_day(calendar_id: int, day_id: int, *, by: int | None, now: datetime) -> None:
    """Let a day be as the week says again."""
    row = existing(CalendarDay, day_id)
    if row.calendar_id != calendar_id:
        raise Refused(_("这一天属于别的日历。"))
    told = {"day": row.day.isoformat(), "hours": row.hours, "name": row.name}
    session = require_write()
    session.delete(row)
    session.flush()  # due times are counted by what is stored
    _tell(calendar_id, {"removed": told}, by=by, now=now)


def remove_calendar(calendar_id: int, *, by: int | None, now: datetime) -> None:
    """Remove a calendar that no department uses; the first one stays, it is everybody else's."""
    session = require_write()
    row = existing(Calendar, calendar_id)
    if session.scalar(select(Department.id).where(Department.calendar_id == calendar_id).limit(1)):
        raise Refused(_("还有部门在用「%(name)s」,请先给它们换一个日历。", name=row.name))
    if calendar_id == session.scalar(select(Calendar.id).order_by(Calendar.id).limit(1)):
        raise Refused(_("「%(name)s」是默认日历,不能删除。", name=row.name))
    events.record("calendar_removed", subject=(SUBJECT, calendar_id), by=by, now=now, body={"name": row.name})
    session.delete(row)


def planned(plan: Plan, calendar_id: int | None) -> WorkCalendar:
    """Return a calendar as it would count with this plan and the special days it has."""
    weekly = {str(day): dump_hours(hours) for day, hours in plan.weekly.items()}
    return calendar_with(calendar_id, plan.zone, weekly, china=plan.china_holidays)


def _assign(calendar_id: int, departments: Collection[int]) -> dict[str, object]:
    session, table = require_write(), table_of(Department)
    rows = session.execute(select(table.c.id, table.c.name, table.c.calendar_id)).all()
    gained = [row for row in rows if row.id in departments and row.calendar_id != calendar_id]
    lost = [row for row in rows if row.id not in departments and row.calendar_id == calendar_id]
    for found, value in ((gained, calendar_id), (lost, None)):
        if found:
            ids = [row.id for row in found]
            session.execute(update(table).where(table.c.id.in_(ids)).values(calendar_id=value))
    told = {"gained": [row.name for row in gained], "lost": [row.name for row in lost]}
    return {"departments": told} if gained or lost else {}


def _tell(calendar_id: int, body: Mapping[str, object], *, by: int | None, now: datetime) -> None:
    events.record(CHANGED, subject=(SUBJECT, calendar_id), by=by, now=now, body=dict(body))
    reschedule(now=now)
