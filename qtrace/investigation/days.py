"""Days people choose, as moments in the site's zone."""

from datetime import UTC, date, datetime, time

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.web.filters import site_zone

FIRST, LAST = date(2000, 1, 1), date(2100, 1, 1)


def read_day(text: str, field: str, *, at: time = time(0)) -> datetime | None:
    """Return a chosen day as a moment, None where nothing was chosen; refused where it is no day."""
    if not text.strip():
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise Refused(_("日期请按 2026-11-22 的格式填写。"), field=field) from None
    if not FIRST <= day < LAST:
        raise Refused(_("日期请按 2026-11-22 的格式填写。"), field=field)
    return datetime.combine(day, at, site_zone()).astimezone(UTC)


def start_of_day(moment: datetime) -> datetime:
    """Return when the moment's day began on site."""
    return datetime.combine(moment.astimezone(site_zone()).date(), time(0), site_zone()).astimezone(UTC)
