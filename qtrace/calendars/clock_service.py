"""Keep the clocks of cases: each fact is an event and the intervals it makes, in the same write."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select

from qtrace.calendars.clocks import ROUND_THE_CLOCK, Clock, ClockError, Fact, Step, Verb, next_alarm, turn
from qtrace.calendars.engine import ClockInterval, WorkCalendar
from qtrace.calendars.models import CaseClock, CaseClockAlarm, CaseClockInterval, ClockStep
from qtrace.calendars.service import calendar_of
from qtrace.core import events
from qtrace.core.db import db, require_write, table_of, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.jobs import JobContext, enqueue

Subject = tuple[str, int]

TOLD: dict[Verb, str] = {
    "start": "clock_started",
    "pause": "clock_paused",
    "resume": "clock_resumed",
    "stop": "clock_stopped",
    "target": "clock_retargeted",
}
LONGEST_REASON = 200
RESCHEDULE = "clocks-reschedule"
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class NewClock:
    """A clock to start: whose case, what it measures, how many minutes are allowed in whose working time."""

    subject: Subject
    kind: str
    minutes: int
    owner_id: int | None = None
    department_id: int | None = None
    round_the_clock: bool = False


def start_case_clock(new: NewClock, *, by: int | None, now: datetime) -> int:
    """Start a clock of a case, or let the one it has run again, and return its id."""
    session = require_write()
    row = _find(new.subject, new.kind)
    if row is None:
        row = CaseClock(
            subject_kind=new.subject[0], subject_id=new.subject[1], kind=new.kind, minutes=new.minutes,
            round_the_clock=new.round_the_clock, department_id=new.department_id, owner_id=new.owner_id,
            state="idle", next_at=None,
        )  # fmt: skip
        session.add(row)
        session.flush()  # the intervals need its id
    _note(row, Fact("start", now, minutes=row.minutes), by=by)
    return row.id


def pause_case_clock(subject: Subject, kind: str, reason: str, *, by: int | None, now: datetime) -> None:
    """Let a running clock stand still for a reason."""
    _note(_existing(subject, kind), Fact("pause", now, _told(reason)), by=by)


def note_wait(subject: Subject, kind: str, reason: str, *, by: int | None, now: datetime) -> None:
    """Tell what a case waits for while its clock goes on."""
    if _existing(subject, kind).state != "running":
        raise Refused(_("计时现在没有在走，不能暂停。"), field="clock")
    events.record(
        TOLD["pause"], subject=subject, by=by, now=now, body={"clock": kind, "stops": False}, reason=_told(reason)
    )


def end_wait(subject: Subject, kind: str, *, by: int | None, now: datetime) -> None:
    """Tell that a case does not wait any more while its clock went on."""
    _existing(subject, kind)
    events.record(TOLD["resume"], subject=subject, by=by, now=now, body={"clock": kind, "stops": False})


def resume_case_clock(subject: Subject, kind: str, *, by: int | None, now: datetime) -> None:
    """Let a paused clock go on."""
    _note(_existing(subject, kind), Fact("resume", now), by=by)


def stop_case_clock(subject: Subject, kind: str, *, by: int | None, now: datetime) -> None:
    """Stop a clock: what it measures is done; it rings no more."""
    row = _existing(subject, kind)
    if row.state != "stopped":
        _note(row, Fact("stop", now), by=by)


def retarget_case_clock(subject: Subject, kind: str, minutes: int, *, by: int | None, now: datetime) -> None:
    """Give a clock another target, as a change of severity does; the time used stays used."""
    row = _existing(subject, kind)
    if row.minutes != minutes:
        _note(row, Fact("target", now, minutes=minutes), by=by)


def reschedule(*, now: datetime) -> None:
    """Let the worker say anew when the running clocks ring, as after a change of a calendar or of the steps."""
    enqueue(RESCHEDULE, {}, now=now)


def reschedule_all(_payload: dict[str, Any], context: JobContext) -> None:
    """Say of every running clock when it rings next, batch by batch."""
    last: int | None = 0
    while last is not None:
        with write():
            last = reschedule_some(last)
            context.extend()
    with write():
        context.complete()


def reschedule_some(after: int, most: int = BATCH) -> int | None:
    """Say of so many running clocks after an id when they ring next; return the last one's id, None at the end."""
    statement = select(CaseClock).where(CaseClock.state == "running", CaseClock.id > after)
    fresh = statement.order_by(CaseClock.id).limit(most).with_for_update().execution_options(populate_existing=True)
    rows = require_write().scalars(fresh).all()
    steps, clocks, rung = read_steps(), stored_clocks(rows), rung_steps([row.id for row in rows])
    calendars = {
        (department_id, around): calendar_for(department_id, round_the_clock=around)
        for department_id, around in {(row.department_id, row.round_the_clock) for row in rows}
    }
    for row in rows:
        calendar = calendars[row.department_id, row.round_the_clock]
        row.next_at = next_alarm(clocks[row.id], calendar, steps, rung[row.id])
    return rows[-1].id if len(rows) == most else None


def read_steps() -> tuple[Step, ...]:
    """Return the steps at which clocks ring."""
    rows = db.session.execute(select(ClockStep.key, ClockStep.offset, ClockStep.level).order_by(ClockStep.offset))
    return tuple(Step(row.key, row.offset, row.level) for row in rows)


def clocks_of(subject: Subject) -> list[tuple[CaseClock, Clock]]:
    """Return the clocks of a case in the order they were started."""
    found = select(CaseClock).where(CaseClock.subject_kind == subject[0], CaseClock.subject_id == subject[1])
    rows = db.session.scalars(found.order_by(CaseClock.id)).all()
    clocks = stored_clocks(rows)
    return [(row, clocks[row.id]) for row in rows]


def stored_clocks(rows: Iterable[CaseClock]) -> dict[int, Clock]:
    """Return each of these clocks with its intervals, by id, in one statement."""
    targets = {row.id: row.minutes for row in rows}
    table = table_of(CaseClockInterval)
    spans: dict[int, list[ClockInterval]] = {clock_id: [] for clock_id in targets}
    found = select(table).where(table.c.clock_id.in_(targets)).order_by(table.c.clock_id, table.c.position)
    for row in db.session.execute(found):
        spans[row.clock_id].append(ClockInterval(row.state, row.since, row.until, row.reason))
    return {clock_id: Clock(minutes, tuple(spans[clock_id])) for clock_id, minutes in targets.items()}


def rung_steps(clock_ids: Iterable[int]) -> dict[int, set[str]]:
    """Return which steps each of these clocks has rung at."""
    rung: dict[int, set[str]] = {clock_id: set() for clock_id in clock_ids}
    found = select(CaseClockAlarm.clock_id, CaseClockAlarm.step).where(CaseClockAlarm.clock_id.in_(rung))
    for row in db.session.execute(found):
        rung[row.clock_id].add(row.step)
    return rung


def calendar_for(department_id: int | None, *, round_the_clock: bool) -> WorkCalendar:
    """Return the calendar a clock counts in."""
    return ROUND_THE_CLOCK if round_the_clock else calendar_of(department_id)


def _told(reason: str) -> str:
    told = reason.strip()
    if not told:
        raise Refused(_("暂停计时需要填写原因。"), field="reason")
    if len(told) > LONGEST_REASON:
        raise Refused(_("原因最多 %(n)d 个字。", n=LONGEST_REASON), field="reason")
    return told


def _note(row: CaseClock, fact: Fact, *, by: int | None) -> None:
    before = stored_clocks([row])[row.id]
    try:
        after = turn(before, fact)
    except ClockError as error:
        raise Refused(_(str(error)), field="clock") from error
    if after == before and fact.verb != "start":
        return
    _store(row.id, before, after)
    row.minutes, row.state = after.minutes, after.state
    calendar = calendar_for(row.department_id, round_the_clock=row.round_the_clock)
    row.next_at = next_alarm(after, calendar, read_steps(), rung_steps([row.id])[row.id])
    events.record(
        TOLD[fact.verb], subject=(row.subject_kind, row.subject_id), by=by, now=fact.at,
        body={"clock": row.kind, "minutes": after.minutes}, reason=fact.reason,
    )  # fmt: skip


def _store(clock_id: int, before: Clock, after: Clock) -> None:
    """Write what differs: the end of the open interval and the new one."""
    same = sum(1 for old, new in zip(before.intervals, after.intervals, strict=False) if old == new)
    session, table = require_write(), table_of(CaseClockInterval)
    session.execute(delete(table).where(table.c.clock_id == clock_id, table.c.position >= same))
    fresh = [
        {
            "clock_id": clock_id, "position": position, "state": span.state, "since": span.since, "until": span.until,
            "reason": span.reason,
        }
        for position, span in enumerate(after.intervals) if position >= same
    ]  # fmt: skip
    if fresh:
        session.execute(insert(table), fresh)


def _find(subject: Subject, kind: str) -> CaseClock | None:
    found = select(CaseClock).where(
        CaseClock.subject_kind == subject[0], CaseClock.subject_id == subject[1], CaseClock.kind == kind
    )
    fresh = found.with_for_update().execution_options(populate_existing=True)
    return cast(CaseClock | None, require_write().scalar(fresh))


def _existing(subject: Subject, kind: str) -> CaseClock:
    row = _find(subject, kind)
    if row is None:
        raise NotFound
    return row
