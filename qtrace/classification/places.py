"""Everywhere a term is named: columns, answers of forms, rules and saved views; so a merger leaves nothing behind.

Columns that point at terms are found by their foreign keys, whichever package they belong to. What names a term in another
way is registered: a `Place` for rows that hold its id, a `Mention` for small JSON or text that holds its code or id.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app
from flask_babel import LazyString
from sqlalchemy import BigInteger, Column, ColumnElement, Table, Text, UniqueConstraint, and_, exists, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY

from qtrace.classification.models import Term, TermMerger
from qtrace.core.db import Base, is_sqlite

EXTENSION = "qtrace_term_places"
OWN = {("term", "merged_into_id")}  # the history itself; it stays


@dataclass(frozen=True)
class Merging:
    """A term on its way into another one of its tree."""

    kind: str
    term_id: int
    into_id: int
    code: str
    into_code: str


@dataclass(frozen=True)
class Rewrite:
    """A value that names the term, and the same value naming the other."""

    row_id: int
    before: Any
    after: Any


@dataclass(frozen=True)
class Place:
    """Rows that hold a term's id: how they are found and how another id is put there."""

    key: str
    table: Table
    holds: Callable[[int], ColumnElement[bool]]
    put: Callable[[int, int], Mapping[str, Any]]  # (old, new) to the values of an UPDATE
    clash: Callable[[int], ColumnElement[bool]] | None = None  # rows beside which the other already stands
    counted: bool = True  # a record of the business, not bookkeeping


@dataclass(frozen=True)
class Mention:
    """A column of few rows whose text or JSON names terms; `key` is `table.column`."""

    key: str
    find: Callable[[Merging], Iterable[Rewrite]]


@dataclass
class Places:
    """What packages registered: names of tables as staff read them, places per tree, and mentions."""

    labels: dict[str, LazyString] = field(default_factory=dict)
    finders: list[Callable[[str], Iterable[Place]]] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)


def register_places(
    app: Flask,
    *,
    labels: Mapping[str, LazyString],
    find: Callable[[str], Iterable[Place]] | None = None,
    mentions: Sequence[Mention] = (),
) -> None:
    """Say what a package's tables are called, and where it names terms without a foreign key."""
    known: Places = app.extensions.setdefault(EXTENSION, Places())
    known.labels |= labels
    known.finders += [find] if find else []
    known.mentions += mentions


def places(kind: str) -> dict[str, Place]:
    """Return every place that may hold a term of this tree, by key."""
    found = [*_columns(), *(place for find in registered().finders for place in find(kind))]
    return {place.key: place for place in found}


def mentions() -> Sequence[Mention]:
    """Return every registered mention."""
    return registered().mentions


def label_of(key: str) -> str:
    """Return what staff call the table of a place."""
    table = key.split(".")[0]
    return str(registered().labels.get(table, table))


def registered() -> Places:
    """Return what the packages registered."""
    known: Places = current_app.extensions.setdefault(EXTENSION, Places())
    return known


def column_place(
    key: str, column: Column[Any], *, within: ColumnElement[bool] | None = None, counted: bool = True
) -> Place:
    """Return the place of a column that holds ids of terms, perhaps of some rows only."""

    def holds(term: int) -> ColumnElement[bool]:
        return column == term if within is None else and_(column == term, within)

    return Place(
        key, column.table, holds, lambda _old, new: {column.name: new}, _clash(column),
        counted=counted and column.table.name != Term.__tablename__,
    )  # fmt: skip


def answer_place(key: str, table: Table, field_id: str, within: ColumnElement[bool]) -> Place:
    """Return the place of a form's field in the JSON column `answers` of some rows."""
    answers = table.c.answers

    def holds(term: int) -> ColumnElement[bool]:
        return and_(within, sql_cast(answers[field_id].as_string(), Text) == str(term))

    return Place(
        key, table, holds, lambda _old, new: {"answers": _with_answer(answers, field_id, new)},
        counted="number" in table.c,  # an earlier state of a record is no record of its own
    )  # fmt: skip


def _with_answer(answers: Column[Any], field_id: str, value: int) -> ColumnElement[Any]:
    if is_sqlite():
        return func.json_set(answers, f'$."{field_id}"', value)
    return func.jsonb_set(answers, sql_cast([field_id], ARRAY(Text)), func.to_jsonb(sql_cast(value, BigInteger)))


def _columns() -> Iterable[Place]:
    for table in Base.metadata.sorted_tables:
        if table.name == TermMerger.__tablename__:
            continue
        for key in table.foreign_keys:
            column = key.parent
            if key.column.table.name == Term.__tablename__ and (table.name, column.name) not in OWN:
                yield column_place(f"{table.name}.{column.name}", column)


def _clash(column: Column[Any]) -> Callable[[int], ColumnElement[bool]] | None:
    """Say how to find rows that could not carry another term because a twin carries it already."""
    table = column.table
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) and column.name in constraint.columns:
            other = table.alias()
            same = [other.c[part.name] == part for part in constraint.columns if part.name != column.name]
            return lambda new: exists(select(other.c.id).where(*same, other.c[column.name] == new))
    return None
