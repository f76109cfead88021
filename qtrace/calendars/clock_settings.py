"""What the company says about its clocks: when they ring and for whom, and what a case may wait for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, select

from qtrace.calendars.clock_service import read_steps
from qtrace.calendars.clocks import Step
from qtrace.calendars.models import ClockStep, PauseReason
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused

SETTINGS = ("clock_settings", 0)
LONGEST = 60 * 24 * 60  # minutes before or after the target
TOP_LEVEL = 3
MOST_STEPS, MOST_REASONS, LONGEST_NAME = 20, 50, 60
SHIPPED_REASONS = (
    ("等供应商回复", True), ("等买家回复", True), ("等备货或补货", True), ("等检测报告", True), ("等平台处理", True),
    ("等内部讨论", False),
)  # fmt: skip


@dataclass(frozen=True)
class Reason:
    """Something a case may wait for, and whether its clock stands still meanwhile."""

    id: int | None
    name: str
    stops: bool
    active: bool = True


def read_reasons(*, all_of_them: bool = False) -> list[Reason]:
    """Return what a case may wait for, in the company's order; with `all_of_them` also what is not offered any more."""
    rows = db.session.scalars(select(PauseReason).order_by(PauseReason.position, PauseReason.id))
    return [Reason(row.id, row.name, row.stops, row.active) for row in rows if row.active or all_of_them]


def chosen_reason(reason_id: str) -> Reason:
    """Return one of the reasons that are offered; refused for anything else."""
    for reason in read_reasons():
        if str(reason.id) == reason_id:
            return reason
    raise Refused(_("请选择暂停原因。"), field="reason")


def save_steps(steps: Sequence[Step], *, by: int | None, now: datetime) -> bool:
    """Store when clocks ring and for whom; say whether anything differed. A step keeps its key, and so what has rung."""
    check_steps(steps)
    old = read_steps()
    wanted = _keyed(steps, {step.key for step in old})
    if sorted(old, key=_order) == sorted(wanted, key=_order):
        return False
    session = require_write()
    session.execute(delete(ClockStep))
    session.add_all(ClockStep(key=step.key, offset=step.offset, level=step.level) for step in wanted)
    session.flush()  # the clocks are asked anew by what is stored
    body = {"steps": {"old": [_told(step) for step in old], "new": [_told(step) for step in wanted]}}
    events.record("clock_steps_changed", subject=SETTINGS, by=by, now=now, body=body)
    return True


def save_reasons(reasons: Sequence[Reason], *, by: int | None, now: datetime) -> bool:
    """Store what a case may wait for, in this order; say whether anything differed."""
    named = checked_reasons(reasons)
    old = read_reasons(all_of_them=True)
    if old == named:
        return False
    session = require_write()
    known = {row.id: row for row in session.scalars(select(PauseReason).with_for_update())}
    kept = {one.id for one in named}
    session.execute(delete(PauseReason).where(PauseReason.id.not_in([key for key in kept if key is not None])))
    for place, one in enumerate(named):
        row = known.get(one.id or 0) or PauseReason(name=one.name)
        row.name, row.stops, row.active, row.position = one.name, one.stops, one.active, place
        session.add(row)
    body = {"reasons": {"old": [_said(one) for one in old], "new": [_said(one) for one in named]}}
    events.record("clock_reasons_changed", subject=SETTINGS, by=by, now=now, body=body)
    return True


def checked_reasons(reasons: Sequence[Reason]) -> list[Reason]:
    """Return the reasons that have a name; refuse too many of them, too long ones, and one name twice."""
    named = [Reason(one.id, one.name.strip(), one.stops, one.active) for one in reasons if one.name.strip()]
    names = [one.name for one in named]
    if len(set(names)) < len(names):
        raise Refused(_("暂停原因不能重复。"), field="reasons")
    if any(len(name) > LONGEST_NAME for name in names) or len(names) > MOST_REASONS:
        raise Refused(
            _("暂停原因最多 %(most)d 条,每条最多 %(n)d 个字。", most=MOST_REASONS, n=LONGEST_NAME), field="reasons"
        )
    return named


def seed_reasons() -> None:
    """Add the shipped reasons where there are none."""
    session = require_write()
    if session.scalar(select(PauseReason.id).limit(1)) is None:
        session.add_all(
            PauseReason(name=name, stops=stops, position=place) for place, (name, stops) in enumerate(SHIPPED_REASONS)
        )


def check_steps(steps: Sequence[Step]) -> None:
    """Refuse reminders of which there are too many, that lie too far off, or of which two are the same."""
    if len(steps) > MOST_STEPS:
        raise Refused(_("提醒最多 %(most)d 条。", most=MOST_STEPS), field="steps")
    if any(abs(step.offset) > LONGEST or not 0 <= step.level <= TOP_LEVEL for step in steps):
        raise Refused(_("提醒时间最多提前或推后 60 天。"), field="steps")
    if len({(step.offset, step.level) for step in steps}) < len(steps):
        raise Refused(_("有两条提醒一样,请去掉一条。"), field="steps")


def _keyed(steps: Sequence[Step], known: set[str]) -> list[Step]:
    """Return the steps with a key of its own for each new one."""
    taken, keyed = set(known), []
    for step in steps:
        key, number = step.key, 1
        while not key:
            if f"step_{number}" not in taken:
                key = f"step_{number}"
            number += 1
        taken.add(key)
        keyed.append(Step(key, step.offset, step.level))
    return keyed


def _order(step: Step) -> tuple[int, int, str]:
    return step.offset, step.level, step.key


def _told(step: Step) -> list[str | int]:
    return [step.key, step.offset, step.level]


def _said(reason: Reason) -> list[str | bool]:
    return [reason.name, reason.stops, reason.active]
