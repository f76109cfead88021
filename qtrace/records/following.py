"""What follows from a record's answers: its title, the words it is found by, and the typed columns of its row.

Made once for many records: what a definition says of its fields is looked up once, and what a short answer becomes is
worked out once for each answer there is, because a ledger says the same few words thousands of times.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Control, FieldDefinition, Storage, Value, controls
from qtrace.records.slots import slot_value, slotted

MOST_TITLE = 200
EMPTY: tuple[object, ...] = (None, "", [], {})
ORIGINS = {"sku": "sku_id", "channel_shop": "shop_id"}  # what a record is about: what its first such field names
REMEMBERED = (str, int, bool)  # two that are equal say the same
Told = TypeVar("Told")


class Following:
    """Works out what follows from the answers of records of one definition; `slots` are its fields' columns."""

    def __init__(self, definition: FormDefinition, slots: Mapping[str, str] | None = None) -> None:
        known = controls()
        asked = [(field, known[field.control]) for field in definition.all_fields]
        titled = sorted((one for one in asked if not one[0].retired), key=lambda one: not one[0].in_list)
        self._titled = [
            (field.id, _once(control.show, field))
            for field, control in titled
            if not (control.layout or control.sensitive)
        ]
        self._found_by = [(field.id, _once(control.search_text, field)) for field, control in asked if _tells(control)]
        self._slots = [
            (one.field.id, one.slot, _once(_of_slot(one.control), one.field))
            for one in slotted(definition, slots or {})
        ]
        self._origins = [(field.id, ORIGINS[control.key]) for field, control in asked if control.key in ORIGINS]

    def title(self, answers: Mapping[str, Value]) -> str:
        """Return what a record is called: its first filled field of the list, else of the form; without line ends."""
        for name, show in self._titled:
            value = answers.get(name)
            if value not in EMPTY:
                return " ".join(show(value).split())[:MOST_TITLE]
        return ""

    def titled_by(self, answers: Mapping[str, Value]) -> str:
        """Return the field a record gets its title from; empty where it has none."""
        return next((name for name, _show in self._titled if answers.get(name) not in EMPTY), "")

    def searched(self, number: str, answers: Mapping[str, Value]) -> str:
        """Return the words a record is found by."""
        words = [number]
        for name, tell in self._found_by:
            value = answers.get(name)
            if value not in EMPTY:
                words.append(tell(value))
        return "\n".join(word for word in words if word)

    def columns(self, answers: Mapping[str, Value]) -> dict[str, Any]:
        """Return every slot, emptied where the answer is missing, and the article and shop the record is about."""
        found: dict[str, Any] = {"sku_id": None, "shop_id": None}
        for name, column in self._origins:
            value = answers.get(name)
            if found[column] is None and isinstance(value, int):
                found[column] = value
        for name, slot, stored in self._slots:
            value = answers.get(name)
            found[slot] = None if value is None else stored(value)
        return found


def _tells(control: Control) -> bool:
    """Say whether a control may add to the words; most that hold numbers never do."""
    if type(control).search_text is not Control.search_text:
        return True
    return not control.sensitive and control.storage in (Storage.TEXT, Storage.REF, Storage.JSON_LIST)


def _of_slot(control: Control) -> Callable[[FieldDefinition, Value], object]:
    return lambda field, value: slot_value(control.to_condition(field, value))


def _once(tell: Callable[[FieldDefinition, Value], Told], field: FieldDefinition) -> Callable[[Value], Told]:
    """Return `tell` for this field, asked once for each short answer."""
    known: dict[tuple[type, Value], Told] = {}

    def told(value: Value) -> Told:
        if type(value) not in REMEMBERED:
            return tell(field, value)
        place = (type(value), value)
        if place not in known:
            known[place] = tell(field, value)
        return known[place]

    return told
