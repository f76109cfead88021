"""How values are shown: times in the site's zone, money with its sign, spans in words."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from qtrace.core import clock
from qtrace.core.money import Money
from qtrace.sdk.text import Text

WHOLE_HOURS = 10  # from so many on minutes are not shown


def init_filters(app: Flask) -> None:
    """Register the filters."""
    app.jinja_env.filters.update(
        time=show_time,
        day=show_day,
        money=show_money,
        span=show_span,
        worktime=show_worktime,
        ago=show_ago,
        due=show_due,
        urgency=urgency,
        local_time=show_local,
        percent=show_percent,
        local=localised,
        local_choice=local_choice,
        said=in_language,
    )


def site_zone() -> ZoneInfo:
    """Return the zone in which the site shows times."""
    return ZoneInfo(current_app.config["QTRACE_TZ"])


def show_time(value: datetime | None) -> str:
    """Show a time like 2026-11-22 09:30."""
    return value.astimezone(site_zone()).strftime("%Y-%m-%d %H:%M") if value else "—"


def show_day(value: datetime | None) -> str:
    """Show a day like 2026-11-22."""
    return value.astimezone(site_zone()).strftime("%Y-%m-%d") if value else "—"


def show_short_day(value: datetime) -> str:
    """Show a day like 11-22, with its year when that is not this one."""
    day = show_day(value)
    return day[5:] if day[:4] == show_day(clock.now())[:4] else day


def show_money(minor: int | None, currency: str = "CNY") -> str:
    """Show an amount of minor units like ¥ 8,140.00."""
    return "—" if minor is None else str(Money(minor, currency))


def show_percent(value: float | None, digits: int = 1) -> str:
    """Show a ratio as percent."""
    return "—" if value is None else f"{value * 100:.{digits}f}%"


def show_span(span: timedelta | float | None, *, coarse: bool = False) -> str:
    """Show a span (timedelta or seconds) in its largest sensible unit; a coarse one has no tenths from ten on."""
    if span is None:
        return "—"
    seconds = span.total_seconds() if isinstance(span, timedelta) else float(span)
    if seconds < 3600:
        return ngettext("%(num)s 分钟", "%(num)s 分钟", max(1, round(seconds / 60)))
    if seconds < 48 * 3600:
        hours = _tenths(seconds / 3600, coarse)
        return ngettext("%(n)s 小时", "%(n)s 小时", _plural(hours), n=hours)
    days = _tenths(seconds / 86400, coarse)
    return ngettext("%(n)s 天", "%(n)s 天", _plural(days), n=days)


def show_worktime(minutes: int) -> str:
    """Show minutes of work in hours and minutes: how long a day is, only a calendar knows. From ten hours on in hours."""
    hours, rest = divmod(minutes, 60)
    if hours >= WHOLE_HOURS:
        hours, rest = round(minutes / 60), 0
    if not hours:
        return ngettext("%(num)s 分钟", "%(num)s 分钟", rest)
    whole = ngettext("%(n)s 小时", "%(n)s 小时", hours, n=f"{hours:,}")
    return f"{whole} {ngettext('%(num)s 分钟', '%(num)s 分钟', rest)}" if rest else whole


def _plural(shown: str) -> int:
    """Return the number that decides between singular and plural: only a plain 1 is one."""
    return 1 if shown == "1" else 2


def _tenths(value: float, coarse: bool) -> str:
    return f"{value:.0f}" if coarse and value >= 10 else f"{value:.1f}".removesuffix(".0")


def show_ago(value: datetime | None) -> str:
    """Show how long ago something was, or the day when it was long ago."""
    if value is None:
        return "—"
    span = clock.now() - value
    return show_day(value) if span > timedelta(days=7) else _("%(span)s前", span=show_span(span, coarse=True))


def show_due(value: datetime | None) -> str:
    """Show how much time is left or by how much it is late."""
    if value is None:
        return _("无期限")
    span = value - clock.now()
    if span < timedelta():
        return _("超时 %(span)s", span=show_span(-span, coarse=True))
    return _("剩 %(span)s", span=show_span(span, coarse=True))


def urgency(value: datetime, *, near: timedelta = timedelta(hours=4), soon: timedelta = timedelta(days=1)) -> str:
    """Return how loud a deadline is: bad when it is over or near, warn when it is soon."""
    left = value - clock.now()
    return "bad" if left < near else "warn" if left < soon else ""


def show_local(value: datetime | None) -> str:
    """Return a time as an input for times takes it, in the site's zone."""
    return value.astimezone(site_zone()).strftime("%Y-%m-%dT%H:%M") if value else ""


def localised(row: object, field: str = "name") -> str:
    """Return `<field>_zh` or `<field>_en` of a row by the reader's language."""
    if row is None:
        return "—"
    lang = "en" if str(get_locale() or "zh").startswith("en") else "zh"
    value: str = getattr(row, f"{field}_{lang}") or getattr(row, f"{field}_zh")
    return value


def in_language(text: Text) -> str:
    """Return a text that was given in both languages in the reader's; Chinese where there is no English."""
    return (text.en if str(get_locale() or "zh").startswith("en") else text.zh) or text.zh


def local_choice(row: Any) -> tuple[str, str]:
    """Return (id, name) of a row for a select, children set off from their parent."""
    return str(row.id), ("　" if getattr(row, "parent_id", None) else "") + localised(row)
