"""How the fields of a form are used: asked, filled, left as prefilled, and where people give up."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from qtrace.core.db import db, insert_into, require_write, table_of
from qtrace.forms.models import FieldUse

USES = table_of(FieldUse)
ENOUGH = 20  # below this a share says nothing
ALWAYS = 0.95


@dataclass(frozen=True)
class Use:
    """The counts of one field and what they say."""

    asked: int = 0
    filled: int = 0
    defaulted: int = 0
    given_up: int = 0

    @property
    def share(self) -> float | None:
        """Return how often the field is filled; None while too few have been asked."""
        return self.filled / self.asked if self.asked >= ENOUGH else None

    @property
    def never(self) -> bool:
        """Say whether nobody fills the field although enough were asked."""
        return self.asked >= ENOUGH and not self.filled

    @property
    def untouched(self) -> bool:
        """Say whether the field is nearly always sent as it was prefilled."""
        return self.filled >= ENOUGH and self.defaulted >= ALWAYS * self.filled


def count_use(form_id: int, asked: Iterable[str], filled: Collection[str], defaulted: Collection[str]) -> None:
    """Count one submission in the open write: the fields it asked, filled, and sent as they were prefilled."""
    rows = [
        {"form_id": form_id, "field": field, "asked": 1, "filled": int(field in filled), "defaulted": int(field in defaulted),
         "given_up": 0}
        for field in sorted(set(asked))  # always in one order, so that two submissions never wait for each other
    ]  # fmt: skip
    _add(rows)


def count_rows(form_id: int, asked: int, filled: Mapping[str, int]) -> None:
    """Count many submissions at once in the open write: how often each of these fields was asked and filled."""
    counted = {"form_id": form_id, "asked": asked, "defaulted": 0, "given_up": 0}
    _add([counted | {"field": field, "filled": filled[field]} for field in sorted(filled)])


def count_given_up(form_id: int, field: str) -> None:
    """Count in the open write that a person stopped at this field and never sent the form."""
    _add([{"form_id": form_id, "field": field, "asked": 0, "filled": 0, "defaulted": 0, "given_up": 1}])


def uses_of(form_id: int) -> dict[str, Use]:
    """Return the use of every field of a form that was ever asked."""
    statement = select(USES.c.field, USES.c.asked, USES.c.filled, USES.c.defaulted, USES.c.given_up)
    rows = db.session.execute(statement.where(USES.c.form_id == form_id))
    return {field: Use(*counts) for field, *counts in rows}


def _add(rows: list[dict[str, object]]) -> None:
    if not rows:
        return
    statement = insert_into(FieldUse).values(rows)
    new = statement.excluded
    sums = {name: USES.c[name] + new[name] for name in ("asked", "filled", "defaulted", "given_up")}
    require_write().execute(statement.on_conflict_do_update(index_elements=["form_id", "field"], set_=sums))
