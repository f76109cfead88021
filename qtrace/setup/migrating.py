"""Run the migrations; apart, because a site that is up to date never loads them."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from qtrace.core.db import WRITE, db
from qtrace.models import metadata
from qtrace.setup.database import MIGRATIONS


def run_migrations(connection: Connection) -> None:
    """Run what the database has not had yet, in the transaction of this connection."""
    command.upgrade(_config(connection), "head")


def differences() -> list[object]:
    """Return how the migrated schema differs from the tables in the code; empty when they agree."""
    with db.engines[WRITE].connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        return list(compare_metadata(context, metadata))


def new_revision(message: str, revision: str) -> None:
    """Write a migration from the difference between the tables and the database (developers only)."""
    with db.engines[WRITE].begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision)


def _config(connection: Connection) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    return not (kind == "table" and name is not None and name.startswith(("alembic_", "search_")))
