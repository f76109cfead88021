"""Gap-free numbers like QI-2611-0412, counted per month in the transaction of the insert."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from qtrace.core.db import is_sqlite, require_write, table_of
from qtrace.core.models import Sequence

NUMBERS = table_of(Sequence)


def next_number(prefix: str, now: datetime, *, zone: str = "Asia/Shanghai", width: int = 4) -> str:
    """Take the next number of the month in which `now` falls in the site's zone."""
    return take_numbers(prefix, now, 1, zone=zone, width=width)[0]


def take_numbers(prefix: str, now: datetime, count: int, *, zone: str = "Asia/Shanghai", width: int = 4) -> list[str]:
    """Take `count` consecutive numbers at once; an import needs thousands."""
    key = f"{prefix}-{now.astimezone(ZoneInfo(zone)):%y%m}"
    last = _advance(key, count)
    return [f"{key}-{n:0{width}d}" for n in range(last - count + 1, last + 1)]


def _advance(key: str, count: int) -> int:
    statement = ADVANCE_SQLITE if is_sqlite() else ADVANCE_PG
    taken: int = require_write().execute(statement, {"key": key, "count": count}).scalar_one()
    return taken


def _statement(insert: Any) -> Any:
    added = insert(NUMBERS).values(key=bindparam("key"), value=bindparam("count"))
    raised = {"value": NUMBERS.c.value + added.excluded.value}
    return added.on_conflict_do_update(index_elements=["key"], set_=raised).returning(NUMBERS.c.value)


ADVANCE_SQLITE, ADVANCE_PG = _statement(sqlite_insert), _statement(pg_insert)
