"""Which records somebody may see; every read of records starts here."""

from typing import Any, TypeVar

from sqlalchemy import Select

from qtrace.accounts.access import Viewer, visible_to
from qtrace.records.models import Record
from qtrace.tasks.queries import subjects_of

S = TypeVar("S", bound=Select[*tuple[Any, ...]])


def seen(statement: S, user: Viewer) -> S:
    """Keep the records the person may see: by scope, or because an open to-do of theirs is about it."""
    also = None if user.scope == "all" else Record.id.in_(subjects_of(user, "record"))
    return visible_to(statement, Record, user, also=also)
