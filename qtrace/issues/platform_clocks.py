"""Keep the clock of the platform's deadline of each complaint; who has its issue in hand has the clock."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from qtrace.calendars.clock_settings import LONGEST
from qtrace.calendars.clock_store import Wanted, store_clocks
from qtrace.calendars.models import CaseClock
from qtrace.complaints.models import Complaint
from qtrace.complaints.platform import platform_clock
from qtrace.core.db import db, table_of, write
from qtrace.core.jobs import JobContext
from qtrace.issues.models import Issue

SUBJECT, KIND = "complaint", "platform"
BATCH = 500
FAR = timedelta(days=2 * 366)  # a deadline behind it, as 9999-12-31, is no deadline
LONG = timedelta(minutes=2 * LONGEST)  # after every step there can be
COMPLAINTS, CLOCKS, ISSUES = table_of(Complaint), table_of(CaseClock), table_of(Issue)


def follow_platform(context: JobContext) -> None:
    """Start, move and stop the clocks of complaints whose deadline or state is not as the clock has it."""
    now = context.clock()
    for statement in (_live(now), _ended(now)):
        last = 0
        while True:
            with write():
                rows = _some(statement, last)
                _store(rows, now)
                context.extend()
            if len(rows) < BATCH:
                break
            last = rows[-1].id


def _some(statement: Select[Any], after: int) -> list[Any]:
    page = statement.where(COMPLAINTS.c.id > after).order_by(COMPLAINTS.c.id).limit(BATCH)
    return list(db.session.execute(page))


def _select() -> Select[Any]:
    own = (CLOCKS.c.subject_kind == SUBJECT) & (CLOCKS.c.subject_id == COMPLAINTS.c.id) & (CLOCKS.c.kind == KIND)
    columns: tuple[Any, ...] = (
        COMPLAINTS.c.id, COMPLAINTS.c.created_at, COMPLAINTS.c.platform_due_at, COMPLAINTS.c.closed_at,
        COMPLAINTS.c.department_id, ISSUES.c.owner_id, CLOCKS.c.id.label("clock"), CLOCKS.c.minutes, CLOCKS.c.state,
        CLOCKS.c.owner_id.label("told"),
    )  # fmt: skip
    found = select(*columns).select_from(COMPLAINTS).outerjoin(ISSUES, ISSUES.c.id == COMPLAINTS.c.issue_id)
    return found.outerjoin(CLOCKS, own)


def _live(now: datetime) -> Select[Any]:
    return _select().where(COMPLAINTS.c.status == "open", COMPLAINTS.c.platform_due_at <= now + FAR)


def _ended(now: datetime) -> Select[Any]:
    due = COMPLAINTS.c.platform_due_at
    over = (COMPLAINTS.c.status != "open") | due.is_(None) | (due > now + FAR)
    return _select().where(CLOCKS.c.state == "running", CLOCKS.c.subject_kind == SUBJECT, over)


def _store(rows: list[Any], now: datetime) -> None:
    """Store what differs; a deadline that was over when it became known is not told of."""
    known = [_wanted(row, now) for row in rows if row.clock is not None and _differs(row, now)]
    fresh = [row for row in rows if row.clock is None]
    store_clocks(SUBJECT, known)
    store_clocks(SUBJECT, [_wanted(row, now) for row in fresh if row.platform_due_at > now])
    store_clocks(SUBJECT, [_wanted(row, now) for row in fresh if row.platform_due_at <= now], quiet_until=now + LONG)


def _wanted(row: Any, now: datetime) -> Wanted:
    gone = row.platform_due_at is None or row.platform_due_at > now + FAR
    due, closed = (now, row.closed_at or now) if gone else (row.platform_due_at, row.closed_at)
    return Wanted(
        subject_id=row.id, kind=KIND, clock=platform_clock(row.created_at, due, closed), owner_id=row.owner_id,
        department_id=row.department_id, round_the_clock=True,
    )  # fmt: skip


def _differs(row: Any, now: datetime) -> bool:
    one = _wanted(row, now)
    return (row.minutes, row.state, row.told) != (one.clock.minutes, one.clock.state, row.owner_id)
