"""Reads of import runs and saved mappings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from qtrace.core.db import db, existing
from qtrace.exchange.models import ImportMapping, ImportRun

PAGE = 30


@dataclass(frozen=True)
class RunDetail:
    """What `ImportRun.definition` holds: the mapping used, and what of the file was left aside."""

    mapping: dict[str, Any]
    ignored: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    blank: int = 0
    without_value: int = 0
    first: list[list[str]] = field(default_factory=list)  # by column
    words: list[dict[str, int]] = field(default_factory=list)  # by column, the most frequent first
    more_words: list[int] = field(default_factory=list)  # by column, how many stand in no place of `words`
    looked_at: int = 0  # rows
    totals: list[int] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    why: str = ""
    header_row: int = 1
    header_rows: int = 1
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    epoch_1904: bool = False
    reasons: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: dict[str, list[list[str]]] = field(default_factory=dict)
    undone: dict[str, Any] = field(default_factory=dict)

    def stored(self) -> dict[str, Any]:
        """Return the JSON form."""
        return dict(vars(self))


def detail_of(run: ImportRun) -> RunDetail:
    """Return the run's detail, typed."""
    return RunDetail(**run.definition) if run.definition else RunDetail({})


def run_by_id(run_id: int) -> ImportRun:
    """Return the run; raise NotFound when there is none."""
    return existing(ImportRun, run_id)


def newest_runs(*, before: int | None = None, limit: int = PAGE) -> Sequence[ImportRun]:
    """Return runs, newest first, below the id `before`."""
    statement = select(ImportRun).order_by(ImportRun.id.desc()).limit(limit)
    return db.session.scalars(statement.where(ImportRun.id < before) if before else statement).all()


def saved_mappings(kind: str | None = None) -> Sequence[ImportMapping]:
    """Return the saved mappings by name."""
    statement = select(ImportMapping).order_by(ImportMapping.name, ImportMapping.kind)
    return db.session.scalars(statement.where(ImportMapping.kind == kind) if kind else statement).all()


def mappings_named(name: str) -> Sequence[ImportMapping]:
    """Return the saved mappings of this name, one per kind."""
    return db.session.scalars(
        select(ImportMapping).where(ImportMapping.name == name).order_by(ImportMapping.kind)
    ).all()


def run_of_refused(digest: str) -> ImportRun | None:
    """Return the newest run that gave rows of such headers back."""
    return db.session.scalar(
        select(ImportRun)
        .where(ImportRun.headers_digest == digest, ImportRun.refused_file_id.is_not(None), ImportRun.dry_run.is_(False))
        .order_by(ImportRun.id.desc())
        .limit(1)
    )
