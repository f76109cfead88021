"""Bring what is stored of many clocks in line with what their history says, in a few statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from qtrace.calendars.clock_service import calendar_for, read_steps, rung_steps, stored_clocks
from qtrace.calendars.clocks import Clock, Step, due_steps, next_alarm
from qtrace.calendars.engine import WorkCalendar
from qtrace.calendars.models import CaseClock, CaseClockAlarm, CaseClockInterval
from qtrace.core.db import require_write, table_of

CLOCKS, SPANS, ALARMS = table_of(CaseClock), table_of(CaseClockInterval), table_of(CaseClockAlarm)
CHANGED = ("state", "minutes", "round_the_clock", "department_id", "owner_id", "next_at")
CHANGE = (
    update(CLOCKS).where(CLOCKS.c.id == bindparam("clock")).values({name: bindparam("new_" + name) for name in CHANGED})
)
FORGET = delete(SPANS).where(SPANS.c.clock_id == bindparam("clock"), SPANS.c.position >= bindparam("first"))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A clock as its history makes it, and whose it is now."""

    subject_id: int
    kind: str
    clock: Clock
    owner_id: int | None
    department_id: int | None
    round_the_clock: bool = False


def store_clocks(subject_kind: str, wanted: Sequence[Wanted], *, quiet_until: datetime | None = None) -> int:
    """Store these clocks where they differ from what is stored; return how many did.

    With `quiet_until` what is due by then counts as rung and nobody is told: so clocks begin for cases that are older
    than they are.
    """
    rows = _rows(subject_kind, wanted)
    stored = stored_clocks(rows.values())
    changed = [one for one in wanted if _differs(rows[one.subject_id, one.kind], stored, one)]
    ids = [rows[one.subject_id, one.kind].id for one in changed]
    steps, rung, calendars = read_steps(), rung_steps(ids), _Calendars()
    spans: list[dict[str, Any]] = []
    outdated: list[dict[str, Any]] = []
    alarms: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    for one in changed:
        row = rows[one.subject_id, one.kind]
        calendar = calendars.of(one)
        same, fresh = _fresh_spans(row.id, stored[row.id], one.clock)
        spans += fresh
        if len(stored[row.id].intervals) > same:
            outdated.append({"clock": row.id, "first": same})
        if quiet_until is not None:
            alarms += _passed(row.id, one.clock, calendar, steps, rung[row.id], quiet_until)
        then = next_alarm(one.clock, calendar, steps, rung[row.id])
        moves.append(
            {"clock": row.id, "new_state": one.clock.state, "new_minutes": one.clock.minutes, "new_next_at": then,
             "new_round_the_clock": one.round_the_clock, "new_department_id": one.department_id,
             "new_owner_id": one.owner_id}
        )  # fmt: skip
    connection = require_write().connection()
    for statement, values in ((FORGET, outdated), (insert(SPANS), spans), (insert(ALARMS), alarms), (CHANGE, moves)):
        if values:
            connection.execute(statement, values)
    return len(changed)


class _Calendars:
    """The calendars of a batch, each read once."""

    def __init__(self) -> None:
        self.known: dict[tuple[int | None, bool], WorkCalendar] = {}

    def of(self, one: Wanted) -> WorkCalendar:
        key = one.department_id, one.round_the_clock
        if key not in self.known:
            self.known[key] = calendar_for(one.department_id, round_the_clock=one.round_the_clock)
        return self.known[key]


def _rows(subject_kind: str, wanted: Sequence[Wanted]) -> Mapping[tuple[int, str], Any]:
    """Return the row of each clock by case and kind; those that are missing are added, idle."""
    found = _found(subject_kind, {one.subject_id for one in wanted})
    missing = [one for one in wanted if (one.subject_id, one.kind) not in found]
    if not missing:
        return found
    new = [
        {"subject_kind": subject_kind, "subject_id": one.subject_id, "kind": one.kind, "minutes": one.clock.minutes,
         "round_the_clock": one.round_the_clock, "department_id": one.department_id, "owner_id": one.owner_id,
         "state": "idle", "next_at": None}
        for one in missing
    ]  # fmt: skip
    require_write().connection().execute(insert(CLOCKS), new)
    return _found(subject_kind, {one.subject_id for one in wanted})


def _found(subject_kind: str, ids: Iterable[int]) -> dict[tuple[int, str], Any]:
    rows = select(CLOCKS).where(CLOCKS.c.subject_kind == subject_kind, CLOCKS.c.subject_id.in_(ids))
    return {(row.subject_id, row.kind): row for row in require_write().connection().execute(rows)}


def _differs(row: Any, stored: Mapping[int, Clock], one: Wanted) -> bool:
    whose = (row.round_the_clock, row.department_id, row.owner_id)
    return stored[row.id] != one.clock or whose != (one.round_the_clock, one.department_id, one.owner_id)


def _fresh_spans(clock_id: int, before: Clock, after: Clock) -> tuple[int, list[dict[str, Any]]]:
    """Return how many intervals are as stored, and the ones to write after those."""
    same = 0
    for old, new in zip(before.intervals, after.intervals, strict=False):
        if old != new:
            break
        same += 1
    return same, [
        {"clock_id": clock_id, "position": position, "state": span.state, "since": span.since, "until": span.until,
         "reason": span.reason}
        for position, span in enumerate(after.intervals) if position >= same
    ]  # fmt: skip


def _passed(
    clock_id: int, clock: Clock, calendar: WorkCalendar, steps: Sequence[Step], rung: set[str], until: datetime
) -> list[dict[str, Any]]:
    due = due_steps(clock, calendar, steps, rung, until)
    rung.update(step.key for step, _moment in due)
    return [{"clock_id": clock_id, "step": step.key, "due_at": moment, "rung_at": moment} for step, moment in due]
