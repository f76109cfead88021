"""Full-text search that finds two-character Chinese words: texts are indexed as overlapping bigrams.

A run of Chinese characters becomes its bigrams, a run of letters or digits one word. A query of two or more Chinese
characters becomes a phrase of bigrams, so whatever stands in the text is found (substring recall by construction);
words match from their beginning. SQLite keeps an FTS5 table, PostgreSQL a tsvector with the same tokens.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from operator import add

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    bindparam,
    cast,
    column,
    delete,
    false,
    insert,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.dialects.postgresql import insert as pg_insert

from qtrace.core.db import Base, create_beside, is_sqlite, require_write

KINDS = ("issue", "complaint", "record")
MAX_TOKENS = 8000
HAN = "㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f"
CJK = re.compile(f"[{HAN}]")
RUNS = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")


def tokens(value: str) -> list[str]:
    """Return the tokens under which a text is indexed."""
    found: list[str] = []
    for run in _runs(value):
        if CJK.match(run):
            found += map(add, run, run[1:])
            found.append(run[-1])
        else:
            found.append(run[:200])
    return found[:MAX_TOKENS]


def index(kind: str, rows: Iterable[tuple[int, str]], *, new: bool = False) -> None:
    """Index (or index anew) the texts of these ids in the open write; `new` says that none was indexed before."""
    session = require_write()
    on_sqlite = is_sqlite()
    entries = [{"key": row_id, "text": _body(value, on_sqlite=on_sqlite)} for row_id, value in rows]
    if not entries:
        return
    if on_sqlite:
        if not new:
            session.execute(_removal(kind), entries)
        session.execute(_addition(kind), entries)
    else:
        session.execute(_replacement(kind), entries)


def matching(kind: str, query: str, id_column: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that `id_column` is a row whose text holds every word of the query."""
    expression = _query(query)
    if expression is None:
        return false()
    if is_sqlite():
        found = SQLITE[kind].c
        return id_column.in_(select(found.rowid).where(found[f"search_{kind}"].op("MATCH")(expression)))
    rows = POSTGRES[kind].c
    return id_column.in_(select(rows.id).where(rows.body.op("@@")(cast(expression, TSQUERY))))


@cache
def _removal(kind: str) -> Delete:
    return delete(SQLITE[kind]).where(SQLITE[kind].c.rowid == bindparam("key"))


@cache
def _addition(kind: str) -> Insert:
    return insert(SQLITE[kind]).values(rowid=bindparam("key"), body=bindparam("text"))


@cache
def _replacement(kind: str) -> Insert:
    added = pg_insert(POSTGRES[kind]).values(id=bindparam("key"), body=cast(bindparam("text"), TSVECTOR))
    return added.on_conflict_do_update(index_elements=["id"], set_={"body": added.excluded.body})


def _runs(value: str) -> list[str]:
    return RUNS.findall(unicodedata.normalize("NFKC", value).lower())


def _body(value: str, *, on_sqlite: bool) -> str:
    if on_sqlite:
        return " ".join(tokens(value))
    return " ".join(f"{_quoted(token)}:{min(i, 16383)}" for i, token in enumerate(tokens(value), start=1))


def _query(query: str) -> str | None:
    """Return the query in the database's language: every run must be there; None when nothing can be searched for."""
    parts = []
    for run in _runs(query)[:20]:
        if CJK.match(run) and len(run) > 1:
            parts.append(_phrase([run[i : i + 2] for i in range(len(run) - 1)]))
        else:
            parts.append(_prefix(run))
    return (" AND " if is_sqlite() else " & ").join(parts) or None


def _phrase(grams: list[str]) -> str:
    if is_sqlite():
        return '"' + " ".join(grams) + '"'
    return "(" + " <-> ".join(_quoted(gram) for gram in grams) + ")"


def _prefix(run: str) -> str:
    return f'"{run}"*' if is_sqlite() else f"{_quoted(run)}:*"


def _quoted(token: str) -> str:
    return "'" + token.replace("\\", "\\\\").replace("'", "''") + "'"


def _create(names: Iterable[str]) -> None:
    for name in names:
        fts = f'CREATE VIRTUAL TABLE {name} USING fts5(body, tokenize="unicode61 remove_diacritics 0")'
        rows = f"CREATE TABLE {name} (id bigint PRIMARY KEY, body tsvector NOT NULL)"
        create_beside(Base.metadata, [fts], dialect="sqlite")
        create_beside(Base.metadata, [rows, f"CREATE INDEX ix_{name} ON {name} USING gin(body)"], dialect="postgresql")


# an FTS5 table has a hidden column of its own name, which means "any column" in a search
SQLITE = {kind: table(name := f"search_{kind}", column("rowid"), column("body"), column(name)) for kind in KINDS}
POSTGRES = {kind: table(f"search_{kind}", column("id"), column("body", TSVECTOR)) for kind in KINDS}
_create(f"search_{kind}" for kind in KINDS)
