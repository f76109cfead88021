"""How one kind of record is kept: its table, its columns in order, and the rows it names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, Table

from qtrace.orders.facts import MAX_TEXT, Column, Facts, Value

Row = tuple[Value, ...]


@dataclass(frozen=True)
class Shape:
    """One kind of record as the database keeps it.

    `names` says which columns hold another row's external id and of which kind; `stub` is the column and value that
    mark a row nothing but another record's reference is known of.
    """

    kind: str
    table: Table
    columns: tuple[str, ...]
    blank: Row
    read: Callable[[Facts], tuple[Column, ...]]
    names: tuple[tuple[int, str], ...] = ()
    stub: tuple[int, Value] | None = None
    owner: str = "shop_id"
    called: int | None = None

    @property
    def texts(self) -> tuple[tuple[int, int], ...]:
        """Return (position, longest length) of every text column."""
        found = []
        for at, column in enumerate(self.columns):
            kind = self.table.c[column].type
            if isinstance(kind, String):
                found.append((at, kind.length or MAX_TEXT))
        return tuple(found)


def shape(
    kind: str, model: type[Any], read: Callable[[Facts], tuple[Column, ...]], columns: str, blank: Row, **rest: Any
) -> Shape:
    """Return how a kind of record is kept, its columns written as words."""
    names = tuple(columns.split())
    return Shape(kind, model.__table__, names, blank, read, **rest)
