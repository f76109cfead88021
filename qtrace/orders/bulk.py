"""Many rows at once: look up by thousands of keys through one bound value, and insert without per-row overhead.

Measured on 100,000 orders: an expanding IN list costs SQLAlchemy 2 s, one bound list 0.2 s; handing the driver ready
tuples halves the insert.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    String,
    Table,
    any_,
    bindparam,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.orm import QueryableAttribute

from qtrace.core.db import UtcDateTime, db, is_sqlite

NAIVE = datetime(2000, 1, 1)  # noqa: DTZ001 - SQLite keeps times in UTC without saying so
AWARE = datetime(2000, 1, 1, tzinfo=UTC)

Convert = Callable[[Any], Any]


def among(column: ColumnElement[Any] | QueryableAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return the condition that the column is one of the values, all sent as one bound value."""
    wanted = list(values)
    if is_sqlite():
        given = func.json_each(literal(json.dumps(wanted), String)).table_valued("value")
        return column.in_(select(given.c.value))
    numbers = isinstance(column.type, Integer)  # an empty list says nothing of what it would hold
    return column == any_(bindparam(None, wanted, type_=ARRAY(BigInteger if numbers else String)))


def insert_rows(table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert the rows, whose values stand in the order of `columns`; times must be aware UTC."""
    connection = db.session.connection()
    compiled = insert(table).compile(dialect=connection.dialect, column_keys=list(columns))
    convert = _converters(table, columns)
    ready = _converted(rows, convert) if convert and rows else rows
    if compiled.positional:
        order = [columns.index(name) for name in compiled.positiontup or ()]
        straight = order == list(range(len(columns)))
        connection.exec_driver_sql(
            str(compiled), [tuple(row) if straight else tuple(row[at] for at in order) for row in ready]
        )
    else:
        connection.exec_driver_sql(str(compiled), [dict(zip(columns, row, strict=True)) for row in ready])


def last_ids(table: Table, count: int) -> range | None:
    """Return the ids of the `count` rows just inserted, in their order, where the database gives them in a row.

    SQLite has one writer and counts up by one; elsewhere the answer is None and the rows must be looked up.
    """
    if not is_sqlite():
        return None
    last = db.session.scalar(select(func.max(table.c.id))) or 0
    return range(last - count + 1, last + 1)


@lru_cache(maxsize=65536)
def written_time(moment: datetime) -> str:
    """Return a time that is aware UTC as SQLite keeps it; cached, because a digest writes it too."""
    # Adding a span is several times faster than taking the zone off, and so is writing a time without one.
    return (NAIVE + (moment - AWARE)).isoformat(" ", "microseconds")


def _converters(table: Table, columns: Sequence[str]) -> list[tuple[int, Convert]]:
    """Return how SQLite's text form of times is made; other drivers take them as they are."""
    if not is_sqlite():
        return []
    found: list[tuple[int, Convert]] = []
    for at, column in enumerate(columns):
        kind = table.c[column].type
        if isinstance(kind, UtcDateTime):
            found.append((at, written_time))
        elif isinstance(kind, Date):
            found.append((at, date.isoformat))
    return found


def _converted(rows: Sequence[Sequence[Any]], convert: list[tuple[int, Convert]]) -> list[tuple[Any, ...]]:
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for at, change in convert:
        columns[at] = [None if value is None else change(value) for value in columns[at]]
    return list(zip(*columns, strict=True))
