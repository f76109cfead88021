"""The filters of the inspection list, read from and written to the query string."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import urlencode

from qtrace.core.ids import as_id
from qtrace.inspections.words import KINDS

MAX_TEXT = 100
VERDICTS = ("open", "refused", "undecided", "accepted")
IDS = ("supplier", "sku", "lot")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What the reader wants to see; every field is the text of the query string, empty where not asked."""

    q: str = ""
    verdict: str = ""
    kind: str = ""
    supplier: str = ""
    sku: str = ""
    lot: str = ""

    def pairs(self, **changes: str) -> list[tuple[str, str]]:
        """Return the non-empty filters as (name, value), with some changed."""
        values = {item.name: getattr(self, item.name) for item in fields(self)} | changes
        return [(name, value) for name, value in values.items() if value]

    def query(self, **changes: str) -> str:
        """Return the filters as a query string."""
        return urlencode(self.pairs(**changes))


def read_filters(args: Mapping[str, str]) -> Filters:
    """Read the filters; values that cannot be meant are left out."""
    found = {item.name: args.get(item.name, "").strip()[:MAX_TEXT] for item in fields(Filters)}
    for name in IDS:
        found[name] = found[name] if as_id(found[name]) is not None else ""
    found["verdict"] = found["verdict"] if found["verdict"] in VERDICTS else ""
    found["kind"] = found["kind"] if found["kind"] in KINDS else ""
    return Filters(**found)
