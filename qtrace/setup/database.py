"""Create and upgrade the database."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from qtrace.core.db import WRITE, db, is_sqlite
from qtrace.core.errors import Refused
from qtrace.models import metadata

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def upgrade(data_dir: Path, *, now: datetime) -> bool:
    """Bring the schema to this program's version, after a backup when there was one before; say whether it changed."""
    engine = db.engines[WRITE]
    with engine.connect() as connection:
        current = _current(connection)
        connection.rollback()
    script = ScriptDirectory(str(MIGRATIONS))
    wanted = script.get_current_head()
    if current == wanted:
        return False
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise Refused(
            f"the database has version {current}, which is newer than this program; install the newer program or "
            "restore the backup made before the upgrade"
        )
    if current is not None and is_sqlite():
        backup_sqlite(data_dir / "backups" / f"before-{wanted}-{now:%Y%m%d%H%M%S}.db")
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")
    return True


def status() -> tuple[str | None, str | None]:
    """Return (the database's version, this program's version)."""
    with db.engines[WRITE].connect() as connection:
        return _current(connection), ScriptDirectory(str(MIGRATIONS)).get_current_head()


def differences() -> list[object]:
    """Return how the migrated schema differs from the tables in the code; empty when they agree."""
    with db.engines[WRITE].connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        return list(compare_metadata(context, metadata))


def backup_sqlite(target: Path) -> None:
    """Write a consistent copy of the SQLite database; never opens the live file by hand."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with db.engines[WRITE].connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        connection.rollback()
        with closing(raw.cursor()) as cursor:
            cursor.execute("VACUUM INTO ?", (str(target),))


def new_revision(message: str, revision: str) -> None:
    """Write a migration from the difference between the tables and the database (developers only)."""
    with db.engines[WRITE].begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(("alembic_", "search_")))
