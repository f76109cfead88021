"""What the to-do centre is asked for: the tab and what narrows it, read from an address and written into one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

TABS = ("open", "done", "mine", "copied", "late", "team")
GROUPS = ("due", "stage", "kind", "severity")
DUES = ("late", "today", "week", "none")
LONGEST = 80


@dataclass(frozen=True)
class Wanted:
    """The tab, what narrows it, and how its page is grouped; each empty or as it is by default."""

    state: str = "open"
    q: str = ""
    kind: str = ""
    stage: str = ""
    flow: str = ""
    due: str = ""
    person: str = ""
    ended: str = ""  # of the cases I started: "", running or ended
    group: str = ""

    def query(self, **changes: str) -> str:
        """Return the filters as they stand in an address, some of them changed."""
        changed = replace(self, **changes)
        pairs = [(one.name, getattr(changed, one.name)) for one in fields(self)]
        return urlencode([(name, value) for name, value in pairs if value and (name, value) != ("state", "open")])

    def hidden(self, *but: str) -> list[tuple[str, str]]:
        """Return what a form keeps beside the fields it shows."""
        return [
            (one.name, getattr(self, one.name))
            for one in fields(self)
            if one.name not in but and getattr(self, one.name)
        ]

    @property
    def narrowed(self) -> bool:
        """Say whether anything but the tab and the grouping was chosen."""
        return any(getattr(self, one.name) for one in fields(self) if one.name not in ("state", "group"))


def read_wanted(args: Mapping[str, str]) -> Wanted:
    """Read what an address asks for; what it cannot mean is as if it were not there."""
    said = {
        one.name: args.get(one.name, "").replace("\x00", "").strip()[:LONGEST]
        for one in fields(Wanted)
        if args.get(one.name)
    }
    for name, known in (("state", TABS), ("group", GROUPS), ("due", DUES), ("ended", ("running", "ended"))):
        if said.get(name) not in known:
            said.pop(name, None)
    return Wanted(**said)


def due_span(due: str, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return from when until when a due time is meant: late, today or this week."""
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if due == "late":
        return None, now
    return now, midnight if due == "today" else midnight + timedelta(days=6 - local.weekday())
