"""Ring the clocks that are due: batch by batch, each in a short write of its own.

An alarm is a row that only one transaction can make, and the event that tells of it is part of that transaction. So a
worker that dies loses nothing and rings nothing twice.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from sqlalchemy import bindparam, insert, select, update

from qtrace.accounts.models import Department, Role, User, user_role
from qtrace.calendars.clock_service import calendar_for, read_steps, rung_steps, stored_clocks
from qtrace.calendars.clocks import due_steps, next_alarm
from qtrace.calendars.engine import WorkCalendar
from qtrace.calendars.models import CaseClock, CaseClockAlarm
from qtrace.core import events
from qtrace.core.db import is_sqlite, require_write, table_of, write
from qtrace.core.jobs import JobContext

EXTENSION, EXTENSION_HOLDERS = "qtrace_clock_followers", "qtrace_clock_holders"
TICK = "clocks-due"
BATCH = 200
KEEPER = "config.flows"  # who may change flows is told when nobody else moved
TOP = 3

Holders = Callable[[Sequence[int]], Mapping[int, Sequence[int]]]

CLOCKS = table_of(CaseClock)
MOVE_ON = update(CLOCKS).where(CLOCKS.c.id == bindparam("clock")).values(next_at=bindparam("then"))


class Chain:
    """Who is told at each level: the owner, the head, the head's head, and who keeps the flows."""

    def __init__(self) -> None:
        session = require_write()
        rows = session.execute(select(Department.id, Department.parent_id, Department.head_id))
        self.departments: dict[int, tuple[int | None, int | None]] = {
            row.id: (row.parent_id, row.head_id) for row in rows
        }
        self.active = set(session.scalars(select(User.id).where(User.active)))
        granted = select(user_role.c.user_id, Role.permissions).join(Role, Role.id == user_role.c.role_id)
        self.keepers = sorted(
            {row.user_id for row in session.execute(granted) if KEEPER in row.permissions} & self.active
        )

    def people(
        self, level: int, owner_id: int | None, department_id: int | None, pool: Sequence[int] = ()
    ) -> list[int]:
        """Return who is told at a level; where nobody is found there, the next level is.

        A case without an owner is its pool's, from which somebody will take it.
        """
        for height in range(level, TOP):
            who = ([owner_id] if owner_id else pool) if height == 0 else [self._head(department_id, height)]
            found = [person for person in who if person in self.active]
            if found:
                return [person for person in found if person is not None]
        return self.keepers

    def _head(self, department_id: int | None, height: int) -> int | None:
        for _step in range(height - 1):
            department_id = self.departments.get(department_id or 0, (None, None))[0]
        return self.departments.get(department_id or 0, (None, None))[1]


def before_ringing(app: Flask, follow: Callable[[JobContext], None]) -> None:
    """Bring clocks in line with what happened before they ring; `follow` may not leave a write open."""
    app.extensions.setdefault(EXTENSION, []).append(follow)


def register_holders(app: Flask, subject_kind: str, holders: Holders) -> None:
    """Say who has cases of a kind in hand where a clock has no owner."""
    app.extensions.setdefault(EXTENSION_HOLDERS, {})[subject_kind] = holders


def ring_due(_payload: dict[str, Any], context: JobContext) -> None:
    """Let the clocks follow what happened, and ring everything that is due now."""
    for follow in current_app.extensions.get(EXTENSION, ()):
        follow(context)
    now = context.clock()
    while ring_batch(now):
        with write():
            context.extend()
    with write():
        context.complete()


def ring_batch(now: datetime, most: int = BATCH) -> int:
    """Ring so many of the due clocks, the longest overdue first, and return how many there were."""
    with write() as session:
        due = select(CaseClock).where(CaseClock.next_at <= now).order_by(CaseClock.next_at, CaseClock.id).limit(most)
        if not is_sqlite():
            due = due.with_for_update(skip_locked=True)
        rows = session.scalars(due).all()
        if rows:
            _ring(rows, now)
    return len(rows)


def _ring(rows: Sequence[CaseClock], now: datetime) -> None:
    steps, clocks, rung = read_steps(), stored_clocks(rows), rung_steps([row.id for row in rows])
    chain, calendars, pools = Chain(), _calendars(rows), _pools(rows)
    alarms: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    for row in rows:
        clock, calendar = clocks[row.id], calendars[row.department_id, row.round_the_clock]
        for step, moment in due_steps(clock, calendar, steps, rung[row.id], now):
            rung[row.id].add(step.key)
            alarms.append({"clock_id": row.id, "step": step.key, "due_at": moment, "rung_at": now})
            events.record(
                "clock_alarm", subject=(row.subject_kind, row.subject_id), by=None, now=now,
                body={
                    "clock": row.kind, "step": step.key, "offset": step.offset, "level": step.level, "due_at": moment.isoformat(),
                    "users": chain.people(step.level, row.owner_id, row.department_id, pools.get(row.id, ())),
                },
            )  # fmt: skip
        moves.append({"clock": row.id, "then": next_alarm(clock, calendar, steps, rung[row.id])})
    session = require_write()
    if alarms:
        session.execute(insert(table_of(CaseClockAlarm)), alarms)
    session.connection().execute(MOVE_ON, moves)


def _calendars(rows: Sequence[CaseClock]) -> dict[tuple[int | None, bool], WorkCalendar]:
    return {
        (department_id, around): calendar_for(department_id, round_the_clock=around)
        for department_id, around in {(row.department_id, row.round_the_clock) for row in rows}
    }


def _pools(rows: Sequence[CaseClock]) -> dict[int, Sequence[int]]:
    """Return who could take the case, for each clock without an owner."""
    registered: dict[str, Holders] = current_app.extensions.get(EXTENSION_HOLDERS, {})
    pools: dict[int, Sequence[int]] = {}
    for kind, holders in registered.items():
        lone = [row for row in rows if row.owner_id is None and row.subject_kind == kind]
        found = holders([row.subject_id for row in lone]) if lone else {}
        pools |= {row.id: found.get(row.subject_id, ()) for row in lone}
    return pools
