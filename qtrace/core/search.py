"""Full-text search that finds two-character Chinese words: texts are indexed as overlapping bigrams.

A run of Chinese characters becomes its bigrams, a run of letters or digits one word. A query of two or more Chinese
characters becomes a phrase of bigrams, so whatever stands in the text is found (substring recall by construction);
words match from their beginning. SQLite keeps an FTS5 table, PostgreSQL a tsvector with the same tokens.
"""

import re
import unicodedata
from collections.abc import Iterable

from sqlalchemy import DDL, ColumnElement, column, event, false, select, table, text

from qtrace.core.db import Base, is_sqlite, require_write

KINDS = ("issue", "complaint")
MAX_TOKENS = 8000
HAN = "㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f"
CJK = re.compile(f"[{HAN}]")
RUNS = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")


def tokens(value: str) -> list[str]:
    """Return the tokens under which a text is indexed."""
    found: list[str] = []
    for run in _runs(value):
        if CJK.match(run):
            found += [run[i : i + 2] for i in range(len(run) - 1)] + [run[-1]]
        else:
            found.append(run[:200])
    return found[:MAX_TOKENS]


def index(kind: str, rows: Iterable[tuple[int, str]], *, new: bool = False) -> None:
    """Index (or index anew) the texts of these ids in the open write; `new` says that none was indexed before."""
    session = require_write()
    name = _table(kind)
    entries = [{"id": row_id, "body": _body(value)} for row_id, value in rows]
    if not entries:
        return
    if is_sqlite():
        if not new:
            session.execute(DELETE_SQLITE[name], entries)
        session.execute(INSERT_SQLITE[name], entries)
    else:
        session.execute(UPSERT_PG[name], entries)


def matching(kind: str, query: str, id_column: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that `id_column` is a row whose text holds every word of the query."""
    expression = _query(query)
    if expression is None:
        return false()
    name = _table(kind)
    if is_sqlite():
        source = table(name, column("rowid"))
        hits = select(source.c.rowid).where(text(MATCH_SQLITE[name]).bindparams(query=expression))
    else:
        source = table(name, column("id"))
        hits = select(source.c.id).where(text(MATCH_PG[name]).bindparams(query=expression))
    return id_column.in_(hits)


def _table(kind: str) -> str:
    if kind not in KINDS:
        raise KeyError(kind)
    return f"search_{kind}"


def _runs(value: str) -> list[str]:
    return RUNS.findall(unicodedata.normalize("NFKC", value).lower())


def _body(value: str) -> str:
    if is_sqlite():
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


TABLES = tuple(f"search_{kind}" for kind in KINDS)
DELETE_SQLITE = {name: text(f"DELETE FROM {name} WHERE rowid = :id") for name in TABLES}  # noqa: S608 -- names are constants
INSERT_SQLITE = {name: text(f"INSERT INTO {name}(rowid, body) VALUES (:id, :body)") for name in TABLES}  # noqa: S608
MATCH_SQLITE = {name: f"{name} MATCH :query" for name in TABLES}
UPSERT_PG = {
    name: text(
        f"INSERT INTO {name}(id, body) VALUES (:id, CAST(:body AS tsvector)) "  # noqa: S608 -- names are constants
        "ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body"
    )
    for name in TABLES
}
MATCH_PG = {name: f"{name}.body @@ CAST(:query AS tsquery)" for name in TABLES}

CREATE_SQLITE = [
    f'CREATE VIRTUAL TABLE {name} USING fts5(body, tokenize="unicode61 remove_diacritics 0")' for name in TABLES
]
CREATE_PG = [
    statement
    for name in TABLES
    for statement in (
        f"CREATE TABLE {name} (id bigint PRIMARY KEY, body tsvector NOT NULL)",
        f"CREATE INDEX ix_{name} ON {name} USING gin(body)",
    )
]

for _statement in CREATE_SQLITE:
    event.listen(Base.metadata, "after_create", DDL(_statement).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]  # DDL is untyped upstream
for _statement in CREATE_PG:
    event.listen(Base.metadata, "after_create", DDL(_statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]  # DDL is untyped upstream
