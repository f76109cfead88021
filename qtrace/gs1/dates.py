"""Dates of GS1 labels: six digits, a sliding century, and 00 for the last day of a month."""

from calendar import monthrange
from datetime import date

from qtrace.gs1.digits import is_digits

LENGTH = 6
CENTURY = 100
HALF = 50


def day_of(digits: str, *, today: date) -> date | None:
    """Return the day YYMMDD names; None when there is no such day. DD=00 is the month's last day."""
    if len(digits) != LENGTH or not is_digits(digits):
        return None
    year, month, day = _year(int(digits[:2]), today.year), int(digits[2:4]), int(digits[4:])
    if not 1 <= month <= 12:
        return None
    last = monthrange(year, month)[1]
    return date(year, month, day or last) if day <= last else None


def digits_of(day: date) -> str:
    """Return the day as a label carries it."""
    return f"{day:%y%m%d}"


def _year(two: int, now: int) -> int:
    """Return the year nearest to now: 51 or more years ahead is the last century, 50 or more back the next one."""
    ahead = two - now % CENTURY
    century = now - now % CENTURY
    if ahead > HALF:
        return century - CENTURY + two
    if ahead < -HALF + 1:
        return century + CENTURY + two
    return century + two
