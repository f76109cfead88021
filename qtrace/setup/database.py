"""Bring the database to this program's version, and say which it has."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from qtrace.core.db import WRITE, db, is_sqlite
from qtrace.core.errors import Refused

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def upgrade(data_dir: Path, *, now: datetime) -> bool:
    """Bring the schema to this program's version, after a backup when there was one before; say whether it changed."""
    engine = db.engines[WRITE]
    with engine.connect() as connection:
        current = _current(connection)
        connection.rollback()
    known = program_versions()
    wanted = known[-1]
    if current == wanted:
        return False
    if current is not None and current not in known:
        raise Refused(
            f"the database has version {current}, which is newer than this program; install the newer program or "
            "restore the backup made before the upgrade"
        )
    if current is not None and is_sqlite():
        backup_sqlite(data_dir / "backups" / f"before-{wanted}-{now:%Y%m%d%H%M%S}.db")
    from qtrace.setup.migrating import run_migrations  # 15 MB and 0.3 s, needed once per upgrade

    with engine.connect() as connection, _rows_kept(connection), connection.begin():
        before = _broken_references(connection)
        run_migrations(connection)
        if broken := _broken_references(connection) - before:
            raise RuntimeError(f"the upgrade would leave rows without what they belong to: {sorted(broken)[:5]}")
    return True


def status() -> tuple[str | None, str]:
    """Return (the database's version, this program's version)."""
    with db.engines[WRITE].connect() as connection:
        return _current(connection), program_versions()[-1]


def program_versions() -> list[str]:
    """Return the versions this program knows, oldest first: its migrations' files are called by them."""
    return sorted("_".join(path.stem.split("_", 2)[:2]) for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def backup_sqlite(target: Path) -> None:
    """Write a consistent copy of the SQLite database; never opens the live file by hand."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with db.engines[WRITE].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        connection.rollback()
        with closing(raw.cursor()) as cursor:
            cursor.execute("VACUUM INTO ?", (str(target),))


@contextmanager
def _rows_kept(connection: Connection) -> Iterator[None]:
    """Let no reference act while tables change.

    SQLite changes a column by making the table anew and dropping the old one, and a drop deletes what refers to its rows
    with ON DELETE CASCADE. The switch only works outside a transaction.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def _broken_references(connection: Connection) -> set[tuple[str, int]]:
    """Return (table, row) of all that refer to what is not there; PostgreSQL has none at any time."""
    if connection.dialect.name != "sqlite":
        return set()
    return {(row[0], row[1] or 0) for row in connection.execute(text("PRAGMA foreign_key_check"))}


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
