"""Work calendars and clocks in the configuration file; which departments use a calendar is each site's own matter."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.models import Department
from qtrace.calendars.clock_service import read_steps, reschedule
from qtrace.calendars.clock_settings import Reason, check_steps, checked_reasons, read_reasons, save_reasons, save_steps
from qtrace.calendars.clocks import Step
from qtrace.calendars.editing import Plan, SpecialDays, add_days, save_calendar
from qtrace.calendars.engine import Hours, parse_hours
from qtrace.calendars.models import Calendar, CalendarDay
from qtrace.core.configuration import Change, Item, Section
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.issues.clock_history import KINDS
from qtrace.issues.clock_policy import Policy, check_policy, read_policy, save_policy
from qtrace.issues.clock_sync import recount_open

CLOCKS = "clocks"


def dump_calendars() -> dict[str, dict[str, Any]]:
    """Return every calendar with its special days."""
    return {row.name: _calendar(row) for row in db.session.scalars(select(Calendar).order_by(Calendar.name))}


def load_calendar(name: str, item: Item, change: Change) -> None:
    """Add or change a calendar; its departments and the days only this site has stay."""
    days = [(date.fromisoformat(row["day"]), _hours(row["hours"]), str(row["name"])) for row in item["days"]]
    session = require_write()
    row = session.scalar(select(Calendar).where(Calendar.name == name))
    users = session.scalars(select(Department.id).where(Department.calendar_id == row.id)) if row else ()
    plan = Plan(
        name=name, zone=str(item["zone"]), weekly={day: _hours(item["weekly"][str(day)]) for day in range(7)},
        china_holidays=bool(item["china_holidays"]), departments=set(users),
    )  # fmt: skip
    calendar_id = save_calendar(row.id if row else None, plan, by=change.by, now=change.now)
    known = {one["day"]: one for one in _days(calendar_id)}
    for (day, hours, told), typed in zip(days, item["days"], strict=True):
        if known.get(day.isoformat()) != typed:
            new = SpecialDays(first=day, last=day, hours=hours, name=told)
            add_days(calendar_id, new, by=change.by, now=change.now)


def dump_clocks() -> dict[str, dict[str, Any]]:
    """Return the targets, reminders and reasons of the clocks."""
    policy = read_policy()
    targets: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for (kind, severity), minutes in sorted(policy.minutes.items()):
        targets[kind][severity] = minutes
    return {
        CLOCKS: {
            "targets": targets,
            "around": sorted(policy.around),
            "steps": [{"key": step.key, "offset": step.offset, "level": step.level} for step in read_steps()],
            "reasons": [
                {"name": one.name, "stops": one.stops, "active": one.active} for one in read_reasons(all_of_them=True)
            ],
        }
    }


def load_clocks(key: str, item: Item, change: Change) -> None:
    """Give the site these targets and reminders; reasons that only it has stay behind the others."""
    if key != CLOCKS or set(item["targets"]) - set(KINDS) or set(item["around"]) - set(KINDS):
        raise Refused(_("文件里提到的时限本站没有。"))
    minutes = dict(read_policy().minutes)
    for kind, by_severity in item["targets"].items():
        minutes |= {(kind, str(severity)): _whole(allowed) for severity, allowed in by_severity.items()}
    steps = [Step(str(row["key"]), _whole(row["offset"]), _whole(row["level"])) for row in item["steps"]]
    policy, reasons = Policy(minutes, frozenset(item["around"])), _merged(item["reasons"])
    check_policy(policy)
    check_steps(steps)
    checked_reasons(reasons)  # all of it before anything is told
    save_policy(policy, by=change.by, now=change.now, follow=recount_open)
    if save_steps(steps, by=change.by, now=change.now):
        reschedule(now=change.now)
    save_reasons(reasons, by=change.by, now=change.now)


def _calendar(row: Calendar) -> dict[str, Any]:
    week = {str(day): row.weekly.get(str(day), []) for day in range(7)}
    return {"zone": row.zone, "weekly": week, "china_holidays": row.china_holidays, "days": _days(row.id)}


def _days(calendar_id: int) -> list[dict[str, Any]]:
    rows = select(CalendarDay).where(CalendarDay.calendar_id == calendar_id).order_by(CalendarDay.day)
    return [{"day": row.day.isoformat(), "hours": row.hours, "name": row.name} for row in db.session.scalars(rows)]


def _merged(rows: Sequence[Mapping[str, Any]]) -> list[Reason]:
    known = {one.name: one for one in read_reasons(all_of_them=True)}
    found = [
        Reason(known[row["name"]].id if row["name"] in known else None, str(row["name"]), bool(row["stops"]), bool(row["active"]))
        for row in rows
    ]  # fmt: skip
    named = {one.name for one in found}
    return found + [one for one in known.values() if one.name not in named]


def _hours(value: Any) -> Hours:
    try:
        return parse_hours(value)
    except ValueError as error:
        raise Refused(_(str(error)), field="hours") from error


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a whole number of minutes or a level")
    return value


SECTIONS = (
    Section("calendars", _l("工作日历"), dump_calendars, load_calendar),
    Section("clocks", _l("时限"), dump_clocks, load_clocks),
)
