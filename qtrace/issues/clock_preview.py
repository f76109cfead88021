"""What other targets would do to the cases that are open: which clocks change, and which become late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, func, select

from qtrace.calendars.clock_service import calendar_for, stored_clocks
from qtrace.calendars.clocks import Clock, read_clock
from qtrace.calendars.engine import WorkCalendar
from qtrace.calendars.models import CaseClock
from qtrace.classification.models import Term
from qtrace.core.db import db
from qtrace.issues.clock_policy import UNKNOWN, Policy
from qtrace.issues.clock_sync import SUBJECT
from qtrace.issues.models import Issue

MOST = 2000  # clocks that are counted through; the page says so when there are more
MOST_SHOWN = 10
LIVE = (CaseClock.subject_kind == SUBJECT, Issue.status == "open", CaseClock.state.in_(("running", "paused")))


@dataclass(frozen=True)
class Line:
    """A clock that would become late, or would not be late any more."""

    number: str
    title: str
    kind: str
    before: int  # minutes allowed
    after: int
    late: bool


@dataclass(frozen=True)
class Preview:
    """How many clocks of how many cases change, what becomes of them, and how many were looked at."""

    clocks: int
    cases: int
    become_late: int
    no_longer_late: int
    lines: Sequence[Line]
    looked_at: int
    all_of_them: int


def preview_targets(new: Policy, now: datetime) -> Preview:
    """Return what these targets would change, writing nothing."""
    rows = db.session.execute(_rows()).all()
    changed = [row for row in rows if _changes(row, new)]
    clocks = _stored(changed)
    known: dict[tuple[int | None, bool], WorkCalendar] = {}
    lines: list[Line] = []
    for row in changed:
        minutes, around = _wanted(row, new)
        was = _late(clocks[row.id], row.department_id, row.round_the_clock, now, known)
        will = _late(Clock(minutes, clocks[row.id].intervals), row.department_id, around, now, known)
        if was != will:
            lines.append(Line(row.number, row.title, row.kind, row.minutes, minutes, will))
    later = [line for line in lines if line.late]
    return Preview(
        clocks=len(changed), cases=len({row.number for row in changed}), become_late=len(later),
        no_longer_late=len(lines) - len(later), lines=later[:MOST_SHOWN], looked_at=len(rows), all_of_them=_count(),
    )  # fmt: skip


def _rows() -> Executable:
    columns = (
        CaseClock.id, CaseClock.kind, CaseClock.minutes, CaseClock.round_the_clock, CaseClock.department_id,
        Issue.number, Issue.title, Term.code,
    )  # fmt: skip
    found = select(*columns).join(Issue, Issue.id == CaseClock.subject_id).outerjoin(Term, Term.id == Issue.severity_id)
    return found.where(*LIVE).order_by(CaseClock.id.desc()).limit(MOST)


def _count() -> int:
    found = select(func.count()).select_from(CaseClock).join(Issue, Issue.id == CaseClock.subject_id)
    return db.session.scalar(found.where(*LIVE)) or 0


def _wanted(row: Any, new: Policy) -> tuple[int, bool]:
    return new.allowed(row.code or UNKNOWN)[row.kind], row.kind in new.around


def _changes(row: Any, new: Policy) -> bool:
    return (row.minutes, row.round_the_clock) != _wanted(row, new)


def _stored(changed: Sequence[Any]) -> Mapping[int, Clock]:
    wanted = select(CaseClock).where(CaseClock.id.in_([row.id for row in changed]))
    return stored_clocks(db.session.scalars(wanted))


def _late(
    clock: Clock,
    department: int | None,
    around: bool,
    now: datetime,
    known: dict[tuple[int | None, bool], WorkCalendar],
) -> bool:
    key = department, around
    if key not in known:
        known[key] = calendar_for(department, round_the_clock=around)
    return read_clock(clock, known[key], now, soon=0).standing == "late"
