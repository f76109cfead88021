"""Date functions of formulas; a date and time is first brought to the zone of the site."""

import calendar
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import cast

from qtrace.conditions.formula_numbers import divide, whole
from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import OUT_OF_RANGE, CallError, Value, settled, taken

# More than from the first to the last day there is, in minutes.
MAX_UNITS = 10_000_000_000
UNITS: Mapping[str, str] = {
    "day": "day", "天": "day", "日": "day", "week": "week", "周": "week", "month": "month", "月": "month",
    "year": "year", "年": "year", "hour": "hour", "小时": "hour", "minute": "minute", "分钟": "minute",
}  # fmt: skip
SPANS: Mapping[str, timedelta] = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
MONTHS: Mapping[str, int] = {"month": 1, "year": 12}


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


DATE_WRITTEN = _('请写成 date(年, 月, 日)、date(日期时间) 或 date("2026-11-02")')


def today(environment: Environment, _given: Sequence[Value]) -> Value:
    """Return the date it is."""
    return environment.local(environment.now).date()


def now(environment: Environment, _given: Sequence[Value]) -> Value:
    """Return the moment it is."""
    return environment.now


def part(name: str) -> Callable[[Environment, Sequence[Value]], Value]:
    """Return the function that gives the year, month or day of a date."""

    def found(environment: Environment, given: Sequence[Value]) -> Value:
        return Decimal(getattr(_day(environment, given[0]), name))

    return found


def as_date(environment: Environment, given: Sequence[Value]) -> Value:
    """Return the date of a moment, of a text like 2026-11-02, or of a year, month and day."""
    if len(given) == 3:
        year, month, day = (whole(value, 1, 9999) for value in given)
        return _dated(lambda: date(year, month, day), f"{year}-{month}-{day}")
    if len(given) != 1 or isinstance(given[0], Decimal):
        raise CallError(DATE_WRITTEN)
    if isinstance(given[0], str):
        text = given[0].strip()[:20]
        return _dated(lambda: datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date(), text)
    return _day(environment, given[0])


def date_add(environment: Environment, given: Sequence[Value]) -> Value:
    """Return a date so many units later; a day too late for its month becomes the month's last."""
    start, unit = cast(date, given[0]), _unit(given[2:])
    units = whole(given[1], -MAX_UNITS, MAX_UNITS)
    try:
        if unit in MONTHS:
            return taken(_months_later(environment, start, units * MONTHS[unit]))
        if isinstance(start, datetime):
            return _later(environment, start, unit, units)
        if unit not in ("day", "week"):
            raise CallError(_("日期只能加 day、week、month、year;要加小时请用日期时间"))
        return start + SPANS[unit] * units
    except (OverflowError, ValueError):
        raise CallError(OUT_OF_RANGE) from None


def date_diff(environment: Environment, given: Sequence[Value]) -> Value:
    """Return the time from the first to the second, in days or the unit given; months and years are whole ones."""
    start, end, unit = cast(date, given[0]), cast(date, given[1]), _unit(given[2:])
    if isinstance(start, datetime) is not isinstance(end, datetime):
        raise CallError(_("开始与结束应都是日期,或都是日期时间"))
    if unit in MONTHS:
        return Decimal(_months_between(_wall(environment, start), _wall(environment, end), MONTHS[unit]))
    span = end - start
    micro = timedelta(microseconds=1)
    return divide(settled(Decimal(span // micro)), Decimal(SPANS[unit] // micro))


def workdays(environment: Environment, given: Sequence[Value]) -> Value:
    """Return the working days from the first date up to and without the second."""
    if environment.workdays is None:
        raise CallError(_("这里没有工作日历,不能用 workdays"))
    return Decimal(environment.workdays(_day(environment, given[0]), _day(environment, given[1])))


def lookup(environment: Environment, given: Sequence[Value]) -> Value:
    """Return what a list says for a key."""
    if environment.lookup is None:
        raise CallError(_("这里没有可查的表,不能用 lookup"))
    return taken(environment.lookup(cast(str, given[0]), given[1]))


def _day(environment: Environment, value: Value) -> date:
    return environment.local(value).date() if isinstance(value, datetime) else cast(date, value)


def _dated(made: Callable[[], date], text: str) -> date:
    try:
        return made()
    except ValueError:
        raise CallError(_("「%(text)s」不是日期,应像 2026-11-02"), text=text) from None


def _unit(given: Sequence[Value]) -> str:
    name = cast(str, given[0]).strip().lower() if given else "day"
    if name not in UNITS:
        raise CallError(_("单位应是 day、week、month、year、hour 或 minute(天、周、月、年、小时、分钟)"))
    return UNITS[name]


def _wall(environment: Environment, value: date) -> datetime:
    """Return what the clock on the wall says, so that months are counted as people do."""
    if isinstance(value, datetime):
        return environment.local(value).replace(tzinfo=None)
    return datetime(value.year, value.month, value.day)  # noqa: DTZ001 -- a time on the wall has no zone


def _later(environment: Environment, start: datetime, unit: str, units: int) -> datetime:
    if unit in ("hour", "minute"):
        return start + SPANS[unit] * units
    return environment.local(start) + SPANS[unit] * units


def _months_later(environment: Environment, start: date, months: int) -> date:
    day = environment.local(start) if isinstance(start, datetime) else start
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise CallError(OUT_OF_RANGE)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def _months_between(start: datetime, end: datetime, size: int) -> int:
    """Return how many whole groups of months lie between, negative when the end comes first."""
    if end < start:
        return -_months_between(end, start, size)
    months = (end.year - start.year) * 12 + end.month - start.month
    # 31 January and 28 February are no month apart yet: the rest of the month counts.
    rest = (end.day, end.time()) < (start.day, start.time())
    return (months - rest) // size
