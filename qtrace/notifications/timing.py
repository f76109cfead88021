"""When a notice leaves the house: at once, with the hour, with the day, and never in a person's quiet hours.

Pure: a moment, a person's rule and the zone of the site decide.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Pace = Literal["now", "hourly", "daily"]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rule:
    """How a person wants to be told: the pace, the time of the daily summary, and the quiet hours, if any."""

    pace: Pace = "now"
    daily_at: time = time(9)
    quiet: tuple[time, time] | None = None


def due_time(now: datetime, rule: Rule, zone: ZoneInfo, *, urgent: bool = False) -> datetime:
    """Return when something that is told now is sent; what is urgent waits for nothing."""
    if urgent:
        return now
    return after_quiet(_next_slot(now, rule, zone), rule, zone)


def after_quiet(moment: datetime, rule: Rule, zone: ZoneInfo) -> datetime:
    """Return the moment, or the end of the quiet hours it lies in."""
    if rule.quiet is None or rule.quiet[0] == rule.quiet[1]:
        return moment
    begin, end = rule.quiet
    local = moment.astimezone(zone)
    clock = local.time().replace(tzinfo=None)
    over_night = begin > end
    quiet = clock >= begin or clock < end if over_night else begin <= clock < end
    if not quiet:
        return moment
    day = local.date() + DAY if over_night and clock >= begin else local.date()
    # an hour that comes twice ends the second time for who is told in it
    return datetime.combine(day, end, zone).replace(fold=local.fold).astimezone(UTC)


def _next_slot(now: datetime, rule: Rule, zone: ZoneInfo) -> datetime:
    """Return the moment, or the next full hour or time of the day after it."""
    local = now.astimezone(zone)
    if rule.pace == "hourly":
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if rule.pace == "daily":
        today = datetime.combine(local.date(), rule.daily_at, zone).astimezone(UTC)
        if today > now:
            return today
        return datetime.combine(local.date() + DAY, rule.daily_at, zone).astimezone(UTC)
    return now
