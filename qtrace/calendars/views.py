"""The pages of the work calendars."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.access import actor, needs
from qtrace.accounts.models import Department
from qtrace.calendars.china import holidays_from
from qtrace.calendars.editing import (
    Plan,
    SpecialDays,
    add_days,
    check_plan,
    planned,
    read_spans,
    remove_calendar,
    remove_day,
    save_calendar,
    show_spans,
)
from qtrace.calendars.engine import NoWorkingTimeError, WorkCalendar, due_at, parse_hours
from qtrace.calendars.models import Calendar, CalendarDay
from qtrace.calendars.service import HORIZON_DAYS, known_until
from qtrace.core import clock
from qtrace.core.db import db, existing, write
from qtrace.core.errors import Refused
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("calendars", __name__, url_prefix="/config/calendars")
WEEKDAYS = (_l("周一"), _l("周二"), _l("周三"), _l("周四"), _l("周五"), _l("周六"), _l("周日"))
HOLIDAYS = {
    "New Year's Day": _l("元旦"), "Spring Festival": _l("春节"), "Tomb-sweeping Day": _l("清明节"),
    "Labour Day": _l("劳动节"), "Dragon Boat Festival": _l("端午节"), "Mid-autumn Festival": _l("中秋节"),
    "National Day": _l("国庆节"), "": _l("调休上班"),
}  # fmt: skip
ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Tokyo", "Asia/Singapore", "Asia/Bangkok", "Europe/London",
    "Europe/Berlin", "America/New_York", "America/Los_Angeles", "UTC",
)  # fmt: skip
FRIDAY, EVENING, EXAMPLE_HOURS = 4, 17, "4"
MOST_HOURS = 2000
YEARS = range(2000, 2200)  # in which days of a calendar can lie
OFFICE_WEEK = {day: "08:30-12:00 13:30-18:00" if day < 5 else "" for day in range(7)}


@bp.get("")
@needs("config.flows")
def index() -> Response:
    """List the calendars."""
    rows = db.session.scalars(select(Calendar).order_by(Calendar.id)).all()
    lines = [(row, _week_in_words(row), _departments_of(row.id)) for row in rows]
    return render("calendars/index.html", lines=lines, **_warning())


@bp.get("/new")
@needs("config.flows")
def new() -> Response:
    """Show the form of a new calendar."""
    return _form(None)


@bp.post("")
@needs("config.flows")
def create() -> Response:
    """Add a calendar."""
    return _save(None)


@bp.get("/<int:calendar_id>")
@needs("config.flows")
def show(calendar_id: int) -> Response:
    """Show one calendar to be edited."""
    return _form(existing(Calendar, calendar_id))


@bp.post("/<int:calendar_id>")
@needs("config.flows")
def update(calendar_id: int) -> Response:
    """Change a calendar."""
    return _save(existing(Calendar, calendar_id))


@bp.post("/preview")
@needs("config.flows")
def preview() -> Response:
    """Show when so many working hours have passed by the calendar as it is typed; writes nothing."""
    chosen = request.form.get("calendar", "")
    row = existing(Calendar, int(chosen)) if chosen.isdecimal() else None
    plan = _typed()
    check_plan(plan)
    told = _example(planned(plan, row.id if row else None), request.form)
    return _form(row, "calendars/_preview.html", typed=True, example=told)


@bp.post("/<int:calendar_id>/days")
@needs("config.flows")
def days_create(calendar_id: int) -> Response:
    """Add days that differ from the week."""
    form = request.form
    first = _day(form.get("first", ""), "first")
    last = _day(form.get("last", ""), "last") if form.get("last") else first
    hours = read_spans(form.get("hours", "")) if form.get("works") == "1" else ()
    if form.get("works") == "1" and not hours:
        raise Refused(_("上班的日子请写上班时段,例如 08:30-12:00 13:30-18:00。"), field="hours")
    days = SpecialDays(first=first, last=last, hours=hours, name=form.get("name", ""))
    with write():
        count = add_days(calendar_id, days, by=actor().id, now=clock.now())
        answer_at(url_for("calendars.show", calendar_id=calendar_id, _anchor="days"))
    return _back(calendar_id, _("已保存 %(n)d 天,到期时间会跟着变", n=count), "days")


@bp.post("/<int:calendar_id>/days/<int:day_id>/removal")
@needs("config.flows")
def day_delete(calendar_id: int, day_id: int) -> Response:
    """Let a day be as the week says again."""
    with write():
        remove_day(calendar_id, day_id, by=actor().id, now=clock.now())
        answer_at(url_for("calendars.show", calendar_id=calendar_id, _anchor="days"))
    return _back(calendar_id, _("已去掉,到期时间会跟着变"), "days")


@bp.post("/<int:calendar_id>/removal")
@needs("config.flows")
def delete(calendar_id: int) -> Response:
    """Remove a calendar nobody uses."""
    with write():
        remove_calendar(calendar_id, by=actor().id, now=clock.now())
        answer_at(url_for("calendars.index"))
    return go(url_for("calendars.index"), trigger={"toast": _("已删除")})


def _save(row: Calendar | None) -> Response:
    try:
        with write():
            saved = save_calendar(row.id if row else None, _typed(), by=actor().id, now=clock.now())
            answer_at(url_for("calendars.show", calendar_id=saved))
    except Refused as error:
        return _form(row, typed=True, error=error, status=422)
    return _back(saved, _("已保存,到期时间会跟着变"))


def _back(calendar_id: int, told: str, anchor: str | None = None) -> Response:
    return go(url_for("calendars.show", calendar_id=calendar_id, _anchor=anchor), trigger={"toast": told})


def _form(
    row: Calendar | None, piece: str | None = None, *, typed: bool = False, error: Refused | None = None,
    example: Mapping[str, Any] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    shown = _typed_values() if typed else _stored_values(row)
    if example is None and not error:
        example = _example(planned(_stored_plan(row), row.id), {}) if row else _example_times({})
    return render(
        "calendars/edit.html", piece, status=status, row=row, shown=shown, error=error, weekdays=WEEKDAYS, zones=ZONES,
        departments=_all_departments(), example=example or _example_times(request.form), days=_days(row),
        holidays=_holidays() if row is None or row.china_holidays else [], **_warning(),
    )  # fmt: skip


def _typed_values() -> dict[str, Any]:
    form = request.form
    return {
        "name": form.get("name", ""), "zone": form.get("zone", "").strip(), "china_holidays": form.get("china") == "1",
        "week": {day: form.get(f"day-{day}", "") for day in range(7)},
        "departments": {int(one) for one in form.getlist("departments") if one.isdecimal()},
    }  # fmt: skip


def _stored_values(row: Calendar | None) -> dict[str, Any]:
    if row is None:
        return {"name": "", "zone": ZONES[0], "china_holidays": True, "week": OFFICE_WEEK, "departments": set()}
    week = {day: show_spans(hours) for day, hours in _weekly(row).items()}
    departments = set(db.session.scalars(select(Department.id).where(Department.calendar_id == row.id)))
    return {
        "name": row.name, "zone": row.zone, "china_holidays": row.china_holidays, "week": week,
        "departments": departments,
    }  # fmt: skip


def _typed() -> Plan:
    values = _typed_values()
    week = {day: read_spans(text) for day, text in values.pop("week").items()}
    return Plan(weekly=week, **values)


def _stored_plan(row: Calendar) -> Plan:
    return Plan(name=row.name, zone=row.zone, weekly=_weekly(row), china_holidays=row.china_holidays, departments=())


def _weekly(row: Calendar) -> dict[int, Any]:
    return {day: parse_hours(row.weekly.get(str(day), [])) for day in range(7)}


def _week_in_words(row: Calendar) -> list[tuple[str, str]]:
    """Return the week with days of the same hours together."""
    found: list[tuple[list[int], str]] = []
    for day, hours in _weekly(row).items():
        text = show_spans(hours) or _("休息")
        if found and found[-1][1] == text:
            found[-1][0].append(day)
        else:
            found.append(([day], text))
    return [(_days_in_words(days), text) for days, text in found]


def _days_in_words(days: Sequence[int]) -> str:
    first, last = str(WEEKDAYS[days[0]]), str(WEEKDAYS[days[-1]])
    return first if len(days) == 1 else _("%(first)s至%(last)s", first=first, last=last)


def _departments_of(calendar_id: int) -> list[str]:
    named = select(Department.name).where(Department.calendar_id == calendar_id).order_by(Department.name)
    return list(db.session.scalars(named))


def _all_departments() -> Sequence[Any]:
    columns = select(Department.id, Department.name, Calendar.id.label("calendar_id"), Calendar.name.label("calendar"))
    joined = columns.outerjoin(Calendar, Calendar.id == Department.calendar_id)
    return db.session.execute(joined.order_by(Department.name)).all()


def _days(row: Calendar | None) -> list[tuple[CalendarDay, str]]:
    if row is None:
        return []
    found = select(CalendarDay).where(CalendarDay.calendar_id == row.id).order_by(CalendarDay.day.desc())
    return [(day, show_spans(parse_hours(day.hours))) for day in db.session.scalars(found)]


def _holidays() -> list[tuple[str, date, date, bool]]:
    """Return the holidays of this year and of those that are known after it."""
    today = clock.now().date().replace(month=1, day=1)
    return [(str(HOLIDAYS[one.name]), one.first, one.last, not one.name) for one in holidays_from(today)]


def _warning() -> dict[str, Any]:
    known = known_until()
    soon = known is not None and (known[0] - clock.now().date()).days < HORIZON_DAYS
    return {"known_until": known, "ends_soon": soon}


def _example_times(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the example's start and hours: as typed, else the next Friday evening and half a day."""
    today = clock.now().date()
    friday = today + timedelta(days=(FRIDAY - today.weekday()) % 7)
    start = form.get("example_start") or f"{friday.isoformat()}T{EVENING}:00"
    return {"start": start, "hours": form.get("example_hours") or EXAMPLE_HOURS, "told": ""}


def _example(calendar: WorkCalendar, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the example with when so many working hours have passed."""
    times = _example_times(form)
    try:
        start = datetime.fromisoformat(times["start"]).replace(tzinfo=ZoneInfo(calendar.zone))
        hours = float(times["hours"])
    except ValueError as error:
        raise Refused(_("请填写开始时间和小时数。"), field="example_start") from error
    if start.year not in YEARS:
        raise Refused(_("请填写开始时间和小时数。"), field="example_start")
    if not 0 < hours <= MOST_HOURS:
        raise Refused(_("小时数要大于 0,最多 %(n)d。", n=MOST_HOURS), field="example_hours")
    try:
        due = due_at(calendar, start, round(hours * 60)).astimezone(ZoneInfo(calendar.zone))
    except (NoWorkingTimeError, OverflowError) as error:
        raise Refused(_("按这个日历算不出到期时间,请先设置上班时段。"), field="hours") from error
    told = _(
        "%(start)s 起 %(hours)s 工作小时 → %(due)s", start=_moment(start, start), hours=f"{hours:g}",
        due=_moment(due, start),
    )  # fmt: skip
    return times | {"told": told}


def _moment(moment: datetime, start: datetime) -> str:
    """Return a time by its weekday where it is near, with its day."""
    weeks = (moment.date() - (start.date() - timedelta(days=start.weekday()))).days // 7
    day = str(WEEKDAYS[moment.weekday()])
    named = _("下%(day)s", day=day) if weeks == 1 else day
    return f"{named} {moment:%m-%d %H:%M}"


def _day(text: str, name: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Refused(_("请选择日期。"), field=name) from error
    if day.year not in YEARS:
        raise Refused(_("请选择日期。"), field=name)
    return day
