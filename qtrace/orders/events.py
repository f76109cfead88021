"""The event by which upper packages learn of new facts."""

from dataclasses import dataclass
from typing import Any

from qtrace.core.events import Event

RECORDS_IMPORTED = "records_imported"


@dataclass(frozen=True, kw_only=True)
class RecordsImported:
    """One stored batch: its kind, what changed, and the digest of the records it came with."""

    kind: str
    shop_id: int
    ids: list[int]
    stored: int
    updated: int
    unchanged: int
    refused: int
    sha256: str

    def body(self) -> dict[str, Any]:
        """Return the event's body."""
        return dict(vars(self))


def read_imported(event: Event) -> RecordsImported:
    """Return the typed body of a `records_imported` event."""
    return RecordsImported(**event.body)
