"""The filters of the issue list as they stand in the address, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from qtrace.core.ids import as_id

STATUSES = ("open", "closed", "terminated")
MAX_IDS = 500
MAX_TEXT = 200


@dataclass(frozen=True)
class Filters:
    """Which issues are wanted; an empty value asks nothing. Terms are named by code or id, rows by id."""

    status: str = ""
    stage: str = ""
    type: str = ""
    severity: str = ""
    party: str = ""
    detection: str = ""
    shop: str = ""
    sku: str = ""
    supplier: str = ""
    lot: str = ""
    order: str = ""
    courier_line: str = ""
    owner: str = ""  # an id, "me" or "none"
    rule: str = ""
    overdue: str = ""
    opened_from: str = ""
    opened_to: str = ""
    closed_from: str = ""
    closed_to: str = ""
    closed: str = ""  # "month": in the running month
    ids: str = ""
    q: str = ""

    @cached_property
    def asked(self) -> dict[str, str]:
        """Return the names and values that ask something, in the order of the fields."""
        return {item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name)}

    def pairs(self) -> list[tuple[str, str]]:
        """Return the names and values that ask something, for hidden inputs."""
        return list(self.asked.items())

    @cached_property
    def parts(self) -> dict[str, str]:
        """Return each name that asks something with its part of an address."""
        return {name: urlencode({name: value}) for name, value in self.asked.items()}

    def query(self, **changes: str) -> str:
        """Return the address part for these filters, with some of them changed."""
        if not changes:
            return "&".join(self.parts.values())
        new = {name: urlencode({name: value}) if value else "" for name, value in changes.items()}
        parts = self.parts | new
        return "&".join(parts[name] for name in sorted(parts, key=PLACE.__getitem__) if parts[name])

    def __bool__(self) -> bool:
        return bool(self.asked)


PLACE = {item.name: place for place, item in enumerate(fields(Filters))}


def read_filters(args: Mapping[str, str]) -> Filters:
    """Read the filters of an address; what is unknown or malformed asks nothing."""
    found = {
        item.name: " ".join(args.get(item.name, "").split())[:MAX_TEXT]
        for item in fields(Filters)
        if item.name != "ids"
    }
    found["ids"] = ",".join(str(row) for row in read_ids(args.get("ids", "")))
    if found["status"] not in STATUSES:
        found["status"] = ""
    found["overdue"] = "1" if found["overdue"] in ("1", "true", "on") else ""
    found["closed"] = "month" if found["closed"] == "month" else ""
    for name in ("shop", "sku", "supplier", "lot", "order", "rule"):
        found[name] = found[name] if as_id(found[name]) is not None else ""
    for name in ("opened_from", "opened_to", "closed_from", "closed_to"):
        found[name] = found[name] if as_day(found[name]) else ""
    return Filters(**found)


def read_ids(text: str) -> list[int]:
    """Return the ids of a comma-separated list."""
    parts = [part.strip() for part in text.split(",")[:MAX_IDS]]
    return [number for part in parts if (number := as_id(part)) is not None]


def as_day(text: str) -> date | None:
    """Return a day, None when the text is none."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def day_start(text: str, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """Return when a day (or the one `days` later) begins in the site's zone."""
    day = as_day(text)
    if day is None or not 1971 <= day.year <= 9000:
        return None
    return datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC)


def month_start(now: datetime, zone: ZoneInfo) -> datetime:
    """Return when the running month began in the site's zone."""
    local = now.astimezone(zone)
    return datetime(local.year, local.month, 1, tzinfo=zone).astimezone(UTC)
