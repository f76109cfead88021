"""Business time: when work is due, how much working time passed, and how long a clock ran."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

_ = str  # marks messages for extraction; they are translated where they are shown

Hours = tuple[tuple[time, time], ...]
Span = tuple[datetime, datetime]

MIDNIGHT = time(0)
ONE_DAY = timedelta(days=1)
LONGEST_WAIT = 36_525  # days, a century: no deadline of a quality case lies behind it


class NoWorkingTimeError(ValueError):
    """The calendar never reaches the asked amount of working time."""


@dataclass(frozen=True)
class WorkCalendar:
    """Working hours of a team: a weekly plan (0 = Monday) and the days that differ from it.

    Hours are local to `zone`, ordered and free of overlap; an end of 00:00 means the midnight that
    ends the day. A day without hours is a day off.
    """

    zone: str
    weekly: Mapping[int, Hours]
    exceptions: Mapping[date, Hours] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not set(self.weekly) <= set(range(7)):
            raise ValueError(_("星期必须是 0(周一)到 6(周日)。"))
        ZoneInfo(self.zone)
        for hours in (*self.weekly.values(), *self.exceptions.values()):
            _check_hours(hours)

    def hours_on(self, day: date) -> Hours:
        """Return the working hours of the local day."""
        planned = self.weekly.get(day.weekday(), ())
        return self.exceptions.get(day, planned)


@dataclass(frozen=True)
class ClockInterval:
    """A stretch in which a case's clock ran or was paused; open while `until` is empty."""

    state: Literal["running", "paused"]
    since: datetime
    until: datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.until is not None and self.until < self.since:
            raise ValueError("a clock interval ends before it starts")
        if self.state == "paused" and not self.reason.strip():
            raise ValueError(_("暂停计时需要填写原因。"))


def due_at(calendar: WorkCalendar, start: datetime, minutes: int) -> datetime:
    """Return the UTC time at which so many working minutes have passed since the start."""
    if minutes < 0:
        raise ValueError("a due time lies after its start")
    return _reach(calendar, start, timedelta(minutes=minutes))


def business_minutes(calendar: WorkCalendar, start: datetime, end: datetime) -> int:
    """Return the whole working minutes from start to end, negative when the end comes first."""
    if end < start:
        return -business_minutes(calendar, end, start)
    return _whole_minutes(_worked(calendar, start, end))


def elapsed(intervals: Iterable[ClockInterval], calendar: WorkCalendar | None, now: datetime) -> int:
    """Return the whole minutes a clock ran until now, in the calendar's time or around the clock."""
    total = timedelta()
    for interval in _ordered(intervals):
        if interval.state == "running":
            until = min(interval.until or now, now)
            total += _passed(calendar, interval.since, max(interval.since, until))
    return _whole_minutes(total)


def clock_due_at(intervals: Iterable[ClockInterval], calendar: WorkCalendar, minutes: int) -> datetime | None:
    """Return when a clock reaches so many working minutes, or nothing while it stands still before that."""
    left = timedelta(minutes=minutes)
    for interval in _ordered(intervals):
        if interval.state == "paused":
            continue
        if interval.until is None:
            return _reach(calendar, interval.since, left)
        worked = _worked(calendar, interval.since, interval.until)
        if left <= worked:
            return _reach(calendar, interval.since, left)
        left -= worked
    return None


def start_clock(intervals: Sequence[ClockInterval], at: datetime) -> tuple[ClockInterval, ...]:
    """Return the intervals with the clock running from `at` on; a running clock stays as it is."""
    if intervals and intervals[-1].until is None and intervals[-1].state == "running":
        return tuple(intervals)
    return (*stop_clock(intervals, at), ClockInterval("running", at))


def pause_clock(intervals: Sequence[ClockInterval], at: datetime, reason: str) -> tuple[ClockInterval, ...]:
    """Return the intervals with the clock paused from `at` on for the given reason."""
    return (*stop_clock(intervals, at), ClockInterval("paused", at, reason=reason))


def stop_clock(intervals: Sequence[ClockInterval], at: datetime) -> tuple[ClockInterval, ...]:
    """Return the intervals with the open one, if any, ended at `at`."""
    if not intervals or intervals[-1].until is not None:
        return tuple(intervals)
    return (*intervals[:-1], replace(intervals[-1], until=at))


def parse_hours(pairs: object) -> Hours:
    """Return the working hours written as `[["08:30", "12:00"], …]`; `24:00` ends the day."""
    if not isinstance(pairs, list | tuple):
        raise ValueError(_("上班时段应为一组开始和结束时间，例如 08:30–12:00。"))
    hours = tuple(_parse_pair(pair) for pair in pairs)
    _check_hours(hours)
    return hours


def dump_hours(hours: Hours) -> list[list[str]]:
    """Return the working hours as `parse_hours` reads them."""
    return [[f"{since:%H:%M}", "24:00" if until == MIDNIGHT else f"{until:%H:%M}"] for since, until in hours]


def _parse_pair(pair: object) -> tuple[time, time]:
    match pair:
        case [str(since), str(until)]:
            try:
                return time.fromisoformat(since), MIDNIGHT if until == "24:00" else time.fromisoformat(until)
            except ValueError as error:
                raise ValueError(_("上班时段应为一组开始和结束时间，例如 08:30–12:00。")) from error
        case _other:
            raise ValueError(_("上班时段应为一组开始和结束时间，例如 08:30–12:00。"))


def _check_hours(hours: Hours) -> None:
    previous = timedelta()
    for since, until in hours:
        begins, ends = _since_midnight(since), _since_midnight(until) or ONE_DAY
        if since.tzinfo or until.tzinfo or begins < previous or ends <= begins:
            raise ValueError(_("上班时段必须先后有序、不重叠；跨夜的班次请分到两天。"))
        previous = ends


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)


@lru_cache(maxsize=8192)
def _spans_of_day(zone: str, day: date, hours: Hours) -> tuple[Span, ...]:
    """Return the day's working spans in UTC, so that a change of the clocks lengthens or shortens them truly."""
    return tuple(
        (_at(zone, day, since), _at(zone, day + ONE_DAY if until == MIDNIGHT else day, until)) for since, until in hours
    )


def _at(zone: str, day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, ZoneInfo(zone)).astimezone(UTC)


def _spans_from(calendar: WorkCalendar, start: datetime, last: date) -> Iterator[Span]:
    """Yield the working spans after the start up to the last local day, in order."""
    begin = start
    for ordinal in range(_local_day(calendar, start).toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        for since, until in _spans_of_day(calendar.zone, day, calendar.hours_on(day)):
            since = max(since, begin)  # spans can collide where a zone skips an hour or a day
            if since < until:
                yield since, until
                begin = until


def _worked(calendar: WorkCalendar, start: datetime, end: datetime) -> timedelta:
    begin, stop, total = _utc(start), _utc(end), timedelta()
    for since, until in _spans_from(calendar, begin, _local_day(calendar, stop)):
        total += max(min(until, stop) - since, timedelta())
    return total


def _reach(calendar: WorkCalendar, start: datetime, left: timedelta) -> datetime:
    """Return when the working time, which may hold seconds, has passed since the start."""
    begin = _utc(start)
    if not left:
        return begin
    for since, until in _spans_from(calendar, begin, _last_day_to_try(calendar, begin)):
        if left <= until - since:
            return since + left
        left -= until - since
    raise NoWorkingTimeError(_("工作日历里没有足够的工作时间，无法算出到期时间。请先设置上班时段。"))


def _last_day_to_try(calendar: WorkCalendar, start: datetime) -> date:
    if any(calendar.weekly.values()):
        last = _local_day(calendar, start).toordinal() + LONGEST_WAIT
        return date.fromordinal(min(last, date.max.toordinal() - 1))
    return max((day for day, hours in calendar.exceptions.items() if hours), default=date.min)


def _local_day(calendar: WorkCalendar, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(calendar.zone)).date()


def _passed(calendar: WorkCalendar | None, start: datetime, end: datetime) -> timedelta:
    return _utc(end) - _utc(start) if calendar is None else _worked(calendar, start, end)


def _ordered(intervals: Iterable[ClockInterval]) -> list[ClockInterval]:
    ordered = sorted(intervals, key=lambda interval: interval.since)
    for earlier, later in pairwise(ordered):
        if earlier.until is None or earlier.until > later.since:
            raise ValueError("the intervals of a clock overlap")
    return ordered


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("business time needs aware datetimes")
    return moment.astimezone(UTC)


def _whole_minutes(worked: timedelta) -> int:
    return worked // timedelta(minutes=1)
