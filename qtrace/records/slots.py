"""Between answers and the typed columns of a record's row: which field lives in which slot, and what stands there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Control, FieldDefinition, Value, controls
from qtrace.records.models import MOST_TEXT, SCALE

BAR = "|"  # around each item of a list: |a|b|


@dataclass(frozen=True)
class Slotted:
    """A field that lists filter by: its control and the column it lives in."""

    field: FieldDefinition
    control: Control
    slot: str
    kind: FieldKind

    def stored(self, value: Value) -> object:
        """Return what stands in the slot for this answer; None when the answer is missing."""
        return slot_value(self.control.to_condition(self.field, value)) if value is not None else None


def slotted(definition: FormDefinition, slots: Mapping[str, str]) -> list[Slotted]:
    """Return the fields of a definition that have a slot, in order."""
    known = controls()
    found = []
    for field in definition.all_fields:
        control = known[field.control]
        kind = control.condition_kind(field)
        if field.id in slots and kind is not None:
            found.append(Slotted(field, control, slots[field.id], kind))
    return found


def slot_values(fields: Sequence[Slotted], answers: Mapping[str, Value]) -> dict[str, Any]:
    """Return the value of every slot; what is missing is None, so an emptied field is emptied there too."""
    return {one.slot: one.stored(answers.get(one.field.id)) for one in fields}


def slot_value(value: object) -> object:
    """Return a condition value as its column holds it."""
    if isinstance(value, bool) or value is None or isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return value[:MOST_TEXT] or None
    if isinstance(value, tuple):
        return _listed(value)
    if isinstance(value, Decimal):
        return scaled(value)
    return value


def _listed(items: tuple[str, ...]) -> str | None:
    text = f"{BAR}{BAR.join(items)}{BAR}" if items else None
    if text and len(text) > MOST_TEXT:
        raise Refused(_("选得太多了。请少选几项。"))
    return text


def scaled(number: Decimal) -> int:
    """Return a number as the integer its slot holds; refuse one that does not fit."""
    whole = int(number.scaleb(SCALE).to_integral_value())
    if abs(whole) >= 2**63:
        raise Refused(_("这个数太大。"))
    return whole
