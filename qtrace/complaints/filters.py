"""The filters of the complaint list, read from and written to the query string, so that boards can link to records."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from qtrace.core.ids import as_id

MAX_TEXT = 200
IDS = ("shop", "sku", "supplier", "lot", "order", "issue", "parcel")
DAYS = ("from_", "to")
DUE = ("any", "soon", "late")  # what the platform's deadline may be asked to be
SORTS = ("due",)
STATES = ("open", "closed", "held", "safety", "all")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the reader wants to see; every field is the text of the query string, empty where not asked."""

    q: str = ""
    status: str = ""
    type: str = ""
    severity: str = ""
    party: str = ""
    source: str = ""
    shop: str = ""
    sku: str = ""
    supplier: str = ""
    lot: str = ""
    order: str = ""
    issue: str = ""
    parcel: str = ""
    courier_line: str = ""
    stars_max: str = ""
    safety: str = ""
    from_: str = ""
    to: str = ""
    due: str = ""
    sort: str = ""
    ids: str = ""

    def pairs(self, **changes: str) -> list[tuple[str, str]]:
        """Return the non-empty filters as (name, value), with some changed."""
        values = {item.name: getattr(self, item.name) for item in fields(self)} | changes
        return [(name.rstrip("_"), value) for name, value in values.items() if value]

    def query(self, **changes: str) -> str:
        """Return the filters as a query string."""
        return urlencode(self.pairs(**changes))


def read_filters(args: Mapping[str, str]) -> Filters:
    """Read the filters; values that cannot be meant are left out."""
    found = {item.name: args.get(item.name.rstrip("_"), "").strip()[:MAX_TEXT] for item in fields(Filters)}
    for name in IDS:
        found[name] = found[name] if as_id(found[name]) is not None else ""
    for name in DAYS:
        found[name] = found[name] if _day(found[name]) else ""
    found["status"] = found["status"] if found["status"] in STATES else ""
    found["stars_max"] = found["stars_max"] if found["stars_max"] in "12345" else ""
    found["due"] = found["due"] if found["due"] in DUE else ""
    found["sort"] = found["sort"] if found["sort"] in SORTS else ""
    found["safety"] = "1" if found["safety"] == "1" else ""
    found["ids"] = args.get("ids", "").strip()[:8000]
    return Filters(**found)


def read_ids(text: str) -> list[int]:
    """Return the ids of a comma-separated list."""
    return [number for part in text.split(",") if (number := as_id(part.strip())) is not None]


def day_start(text: str, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """Return when a day (or the one `days` later) begins in the site's zone."""
    day = _day(text)
    return datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC) if day else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        return None
    return day if day and 1971 <= day.year <= 9000 else None
