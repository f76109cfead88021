"""Run the migrations on the connection that `qtrace.setup.database` hands over."""

from typing import Any, Literal

from alembic import context

from qtrace.core.db import UtcDateTime
from qtrace.models import metadata


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write our column types as plain ones, because a migration never imports the program's code."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Leave the tables of the full-text search alone: the databases make them themselves."""
    return not (kind == "table" and name is not None and name.startswith(("alembic_", "search_")))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render_item,
    include_object=is_ours,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
