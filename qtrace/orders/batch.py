"""What one batch works on while it is stored or rehearsed: its rows in the making, and what became of every record."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from qtrace.orders.facts import Column, Scope
from qtrace.orders.frames import Frame
from qtrace.orders.shapes import Row, Shape

Outcome = Literal["stored", "updated", "unchanged", "refused"]
Key = tuple[int, str]
Link = tuple[int, str, int]  # quantity, method, confidence

T = TypeVar("T")

CHUNK = 5000


@dataclass
class Rehearsal:
    """What a dry run remembers between batches, so that its counts are those of the real run."""

    rows: dict[tuple[str, Key], Row] = field(default_factory=dict)
    ids: dict[tuple[str, str | Key], int] = field(default_factory=dict)
    line_lots: dict[tuple[int, int], Link] = field(default_factory=dict)

    def invent(self, kind: str, name: str | Key) -> int:
        """Return a made-up id for a row that a real run would create."""
        return self.ids.setdefault((kind, name), -1 - len(self.ids))


@dataclass
class Entry:
    """A row in the making: its id once it has one, how it is stored, and how it shall be."""

    id: int | None
    stored: Row | None
    row: Row


@dataclass
class Batch:
    """Everything one kind's share of a batch works on; `found` holds the ids all kinds of the batch have looked up."""

    shape: Shape
    scope: Scope
    memory: Rehearsal | None
    outcomes: list[Outcome]
    refused: list[tuple[int, str]]
    found: dict[str, dict[str | Key, int]]
    frame: Frame
    columns: list[Column] = field(default_factory=list)
    stubs: dict[str, list[int]] = field(default_factory=dict)  # rows made because a record names them
    entries: dict[Key, Entry] = field(default_factory=dict)

    def keys(self) -> list[Key]:
        """Return the key of every record."""
        return list(zip(self.columns[0], self.columns[1], strict=True))


def chunks(values: Iterable[T]) -> Iterable[list[T]]:
    """Return the values in lists short enough for one statement."""
    ordered = list(values)
    return (ordered[at : at + CHUNK] for at in range(0, len(ordered), CHUNK))
