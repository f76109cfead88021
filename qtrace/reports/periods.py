"""The spans of days a board looks at, in the site's zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

KEYS = ("month", "last_month", "90d", "12m")
CUSTOM = "custom"
DEFAULT = KEYS[0]
NINETY = 90
MONTHS = 12
EARLIEST, LATEST = date(1990, 1, 1), date(2200, 12, 31)
LONGEST = timedelta(days=3660)  # so that a mistyped year doesn't count the whole history day by day


@dataclass(frozen=True)
class Period:
    """Whole local days from `first` to `last`, both included."""

    key: str
    first: date
    last: date
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        """Return the moment the first day begins."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """Return the moment after the last day, itself outside."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def days(self) -> int:
        """Return how many days it has."""
        return (self.last - self.first).days + 1

    @property
    def previous(self) -> "Period":
        """Return the equally long period right before it."""
        return Period(self.key, self.first - timedelta(days=self.days), self.first - timedelta(days=1), self.zone)


def read_period(args: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Period:
    """Return the period an address asks for; the running month where it names none."""
    first, last = _day(args.get("from", "")), _day(args.get("to", ""))
    if first and last:
        first, last = min(first, last), max(first, last)
        return Period(CUSTOM, max(first, last - LONGEST), last, zone)
    return period_of(args.get("period", ""), now, zone)


def period_of(key: str, now: datetime, zone: ZoneInfo) -> Period:
    """Return the named period as of now; the running month for an unknown name."""
    today = now.astimezone(zone).date()
    month = today.replace(day=1)
    if key == "last_month":
        return Period(key, add_months(month, -1), month - timedelta(days=1), zone)
    if key == "90d":
        return Period(key, today - timedelta(days=NINETY - 1), today, zone)
    if key == "12m":
        return Period(key, add_months(month, 1 - MONTHS), today, zone)
    return Period(DEFAULT, month, today, zone)


def last_months(now: datetime, zone: ZoneInfo, count: int = MONTHS) -> list[Period]:
    """Return the calendar months up to the running one, oldest first, each named 2026-03."""
    month = now.astimezone(zone).date().replace(day=1)
    firsts = [add_months(month, -back) for back in range(count - 1, -1, -1)]
    return [Period(f"{first:%Y-%m}", first, add_months(first, 1) - timedelta(days=1), zone) for first in firsts]


def add_months(first: date, months: int) -> date:
    """Return the first day of the month so many months away from this one."""
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text.strip()) if text.strip() else None
    except ValueError:
        return None
    return day if day and EARLIEST <= day <= LATEST else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
