"""The clocks of a case: what happened to one becomes its intervals, and those tell where it stands and when it rings."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, time
from functools import reduce
from typing import Literal

from qtrace.calendars.engine import (
    ClockInterval,
    NoWorkingTimeError,
    WorkCalendar,
    clock_due_at,
    elapsed,
    pause_clock,
    start_clock,
    stop_clock,
)

_ = str  # marks messages for extraction; they are translated where they are shown

Verb = Literal["start", "pause", "resume", "stop", "target"]
Standing = Literal["idle", "ok", "soon", "late", "paused", "done"]
ROUND_THE_CLOCK = WorkCalendar("UTC", dict.fromkeys(range(7), ((time(0), time(0)),)))


class ClockError(ValueError):
    """What was asked of a clock does not fit what it does now."""


@dataclass(frozen=True)
class Fact:
    """One thing that happened to a clock; `reason` belongs to a pause, `minutes` to a new target."""

    verb: Verb
    at: datetime
    reason: str = ""
    minutes: int = 0


@dataclass(frozen=True)
class Clock:
    """A clock as its history made it: how many working minutes are allowed, and when it ran."""

    minutes: int
    intervals: tuple[ClockInterval, ...] = ()

    @property
    def state(self) -> Literal["idle", "running", "paused", "stopped"]:
        """Return what the clock does now."""
        if not self.intervals:
            return "idle"
        return "stopped" if self.intervals[-1].until is not None else self.intervals[-1].state


@dataclass(frozen=True)
class Step:
    """An alarm: so many working minutes after the target (before it when negative), for this level of the chain."""

    key: str
    offset: int
    level: int = 0


@dataclass(frozen=True)
class Reading:
    """Where a clock stands: minutes used in business time and around the clock, and when it is due, if it runs."""

    standing: Standing
    business: int
    around_the_clock: int
    due_at: datetime | None


def turn(clock: Clock, fact: Fact) -> Clock:
    """Return the clock after one more fact; ClockError where the fact does not fit or lies before the last one."""
    known = [moment for interval in clock.intervals for moment in (interval.since, interval.until) if moment]
    if known and fact.at < max(known):
        raise ClockError(_("计时的记录必须按时间先后。"))
    match fact.verb:
        case "target":
            return _retarget(clock, fact.minutes)
        case "start":
            return replace(clock, intervals=start_clock(clock.intervals, fact.at))
        case "stop":
            return replace(clock, intervals=stop_clock(clock.intervals, fact.at))
        case "pause":
            if clock.state != "running":
                raise ClockError(_("计时现在没有在走，不能暂停。"))
            return replace(clock, intervals=pause_clock(clock.intervals, fact.at, fact.reason))
        case "resume":
            if clock.state != "paused":
                raise ClockError(_("计时现在没有暂停，不能继续。"))
            return replace(clock, intervals=start_clock(clock.intervals, fact.at))


def replay(minutes: int, facts: Iterable[Fact]) -> Clock:
    """Return the clock that this history makes out of a new one."""
    return reduce(turn, facts, Clock(minutes))


def read_clock(clock: Clock, calendar: WorkCalendar, now: datetime, *, soon: int) -> Reading:
    """Return where the clock stands now; it is `soon` when no more than so many working minutes are left."""
    business = elapsed(clock.intervals, calendar, now)
    due = _reached_at(clock, calendar, clock.minutes)
    return Reading(_standing(clock, business, due, now, soon), business, elapsed(clock.intervals, None, now), due)


def alarm_at(clock: Clock, calendar: WorkCalendar, step: Step) -> datetime | None:
    """Return when the clock reaches a step, or nothing while it stands still before it.

    A reminder before the end never comes before half of the time is used: who was just given an hour is not reminded.
    """
    return _reached_at(clock, calendar, max(clock.minutes + step.offset, clock.minutes // 2))


def next_alarm(clock: Clock, calendar: WorkCalendar, steps: Sequence[Step], rung: Set[str]) -> datetime | None:
    """Return when the first step that has not rung is due; a clock that does not run rings no more."""
    if clock.state != "running":
        return None
    times = [alarm_at(clock, calendar, step) for step in steps if step.key not in rung]
    return min((moment for moment in times if moment is not None), default=None)


def due_steps(
    clock: Clock, calendar: WorkCalendar, steps: Sequence[Step], rung: Set[str], now: datetime
) -> list[tuple[Step, datetime]]:
    """Return each step of a running clock that is due now and has not rung, with its time, the earliest first."""
    if clock.state != "running":
        return []
    reached = [(step, alarm_at(clock, calendar, step)) for step in steps if step.key not in rung]
    return sorted(
        ((step, moment) for step, moment in reached if moment is not None and moment <= now), key=lambda due: due[1]
    )


def _reached_at(clock: Clock, calendar: WorkCalendar, minutes: int) -> datetime | None:
    """Return when so many minutes have passed; nothing where the calendar does not reach them in a century."""
    try:
        return clock_due_at(clock.intervals, calendar, minutes)
    except NoWorkingTimeError:
        return None


def _retarget(clock: Clock, minutes: int) -> Clock:
    if minutes <= 0:
        raise ClockError(_("时限必须大于 0 分钟。"))
    return replace(clock, minutes=minutes)


def _standing(clock: Clock, business: int, due: datetime | None, now: datetime, soon: int) -> Standing:
    match clock.state:
        case "idle":
            return "idle"
        case "stopped":
            return "late" if business > clock.minutes else "done"
        case "paused":
            return "late" if business >= clock.minutes else "paused"
        case "running":
            if due is not None and due <= now:
                return "late"
            return "soon" if clock.minutes - business <= soon else "ok"
