"""How much time each clock of an issue may take: by severity, as the company has it now and had it before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.calendars.models import ClockTarget
from qtrace.classification.models import Term
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.core.models import EventRow
from qtrace.issues.clock_history import KINDS

CHANGED = "clock_targets_changed"
SUBJECT = ("clock_targets", 0)
UNKNOWN = ""  # the severity of an issue that has none, and of severities without a line of their own
LONGEST = 366 * 24 * 60  # minutes
HOUR, DAY = 60, 8 * 60
SHIPPED: Mapping[str, Mapping[str, int]] = {
    "acknowledge": {"": 4 * HOUR, "critical": HOUR, "major": 4 * HOUR, "minor": DAY},
    "contain": {"": 2 * DAY, "critical": 4 * HOUR, "major": 2 * DAY, "minor": 4 * DAY},
    "decide": {"": 2 * DAY, "critical": DAY, "major": 2 * DAY, "minor": 3 * DAY},
    "root_cause": {"": 3 * DAY, "critical": 2 * DAY, "major": 3 * DAY, "minor": 5 * DAY},
    "implement": {"": 10 * DAY, "critical": 5 * DAY, "major": 10 * DAY, "minor": 15 * DAY},
    "verify": {"": 30 * DAY, "critical": 30 * DAY, "major": 30 * DAY, "minor": 30 * DAY},
    "close": {"": 50 * DAY, "critical": 40 * DAY, "major": 50 * DAY, "minor": 60 * DAY},
}

Minutes = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Policy:
    """The minutes of each clock and severity, and the clocks that also run at night and on days off."""

    minutes: Minutes
    around: frozenset[str] = frozenset()

    def allowed(self, severity: str) -> dict[str, int]:
        """Return the minutes of each clock at a severity."""
        return {kind: self._minutes(kind, severity) for kind in KINDS}

    def _minutes(self, kind: str, severity: str) -> int:
        own = self.minutes.get((kind, severity)) or self.minutes.get((kind, UNKNOWN))
        return own or SHIPPED[kind][UNKNOWN]


def read_policy() -> Policy:
    """Return the targets as they are now."""
    rows = db.session.execute(
        select(ClockTarget.kind, ClockTarget.severity, ClockTarget.minutes, ClockTarget.round_the_clock)
    ).all()
    minutes = {(row.kind, row.severity): row.minutes for row in rows}
    return Policy(minutes, frozenset(row.kind for row in rows if row.round_the_clock))


@dataclass(frozen=True)
class Policies:
    """The targets of the company through time, and the codes of its severities."""

    now: Policy
    before: Sequence[tuple[datetime, Policy]]  # what held until each change, the oldest first
    codes: Mapping[int, str]

    @property
    def changes(self) -> tuple[datetime, ...]:
        """Return when the targets changed."""
        return tuple(moment for moment, _policy in self.before)

    def targets(self, at: datetime, severity: int | None) -> Mapping[str, int]:
        """Return the minutes of each clock that held at a time."""
        policy = next((old for until, old in self.before if at < until), self.now)
        return policy.allowed(self.codes.get(severity or 0, UNKNOWN))


def read_policies() -> Policies:
    """Return what was and is allowed."""
    told = db.session.execute(
        select(EventRow.at, EventRow.body).where(EventRow.name == CHANGED).order_by(EventRow.seq)
    ).all()
    before = [(row.at, Policy(_minutes_of(row.body["old"]))) for row in told]
    codes = {row.id: row.code for row in db.session.execute(select(Term.id, Term.code).where(Term.kind == "severity"))}
    return Policies(read_policy(), before, codes)


def save_policy(new: Policy, *, by: int | None, now: datetime, follow: Callable[[], None]) -> bool:
    """Store other targets and let the open cases follow; say whether anything differed."""
    check_policy(new)
    old = read_policy()
    if old == new:
        return False
    session = require_write()
    rows = {(row.kind, row.severity): row for row in session.scalars(select(ClockTarget).with_for_update())}
    for (kind, severity), minutes in new.minutes.items():
        row = rows.get((kind, severity)) or ClockTarget(kind=kind, severity=severity)
        row.minutes, row.round_the_clock = minutes, kind in new.around
        session.add(row)
    session.flush()  # the clocks are counted anew by what is stored
    body = {"old": _told(old), "new": _told(new), "around": sorted(new.around)}
    events.record(CHANGED, subject=SUBJECT, by=by, now=now, body=body)
    follow()
    return True


def check_policy(new: Policy) -> None:
    """Refuse targets of no time at all, or of more than a year."""
    if any(not 0 < minutes <= LONGEST for minutes in new.minutes.values()):
        raise Refused(_("时限必须大于 0,最多 366 天。"), field="targets")


def seed_targets() -> None:
    """Add the shipped targets that are missing."""
    session = require_write()
    known = {(row.kind, row.severity) for row in session.execute(select(ClockTarget.kind, ClockTarget.severity))}
    session.add_all(
        ClockTarget(kind=kind, severity=severity, minutes=minutes)
        for kind, by_severity in SHIPPED.items()
        for severity, minutes in by_severity.items()
        if (kind, severity) not in known
    )


def _told(policy: Policy) -> list[list[Any]]:
    return [[kind, severity, minutes] for (kind, severity), minutes in sorted(policy.minutes.items())]


def _minutes_of(told: Sequence[Sequence[Any]]) -> dict[tuple[str, str], int]:
    return {(str(kind), str(severity)): int(minutes) for kind, severity, minutes in told}
