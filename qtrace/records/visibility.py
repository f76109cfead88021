"""Which records somebody may see; every read of records starts here."""

from typing import Any, TypeVar

from sqlalchemy import Select, or_

from qtrace.accounts.access import Viewer, visible_to
from qtrace.flows.roots import roots_of_parts
from qtrace.records.models import Record
from qtrace.tasks.queries import subjects_of

S = TypeVar("S", bound=Select[*tuple[Any, ...]])


def seen(statement: S, user: Viewer) -> S:
    """Keep the records the person may see: by scope, or because an open to-do of theirs is about it or in a flow inside its flow."""
    if user.scope == "all":
        return statement
    inside = Record.id.in_(roots_of_parts(user, "record"))
    return visible_to(statement, Record, user, also=or_(Record.id.in_(subjects_of(user, "record")), inside))
