"""Gap-free numbers like QI-2611-0412, counted per month in the transaction of the insert."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import Executable
from sqlalchemy.dialects.sqlite import Insert

from qtrace.core.db import insert_into, require_write, table_of
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


def take_serials(key: str, count: int) -> range:
    """Take `count` consecutive serials of a counter that never starts anew; the first is 1."""
    last = _advance(key, count)
    return range(last - count + 1, last + 1)


def _advance(key: str, count: int) -> int:
    taken: int = require_write().execute(_raise(insert_into(Sequence)), {"key": key, "value": count}).scalar_one()
    return taken


@cache
def _raise(added: Insert) -> Executable:
    raised = {"value": NUMBERS.c.value + added.excluded.value}
    return added.on_conflict_do_update(index_elements=["key"], set_=raised).returning(NUMBERS.c.value)
