"""The typed columns a form's filterable fields live in: a field keeps its slot for as long as the form exists."""

from collections.abc import Mapping

from flask_babel import gettext as _
from sqlalchemy import bindparam, select

from qtrace.conditions.tree import FieldKind
from qtrace.core.db import db, require_write, table_of
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import FormField
from qtrace.forms.registry import FieldDefinition, controls

TEXTS = tuple(f"t{i}" for i in range(1, 13))
SLOTS: Mapping[FieldKind, tuple[str, ...]] = {
    FieldKind.TEXT: TEXTS,
    FieldKind.LIST: TEXTS,
    FieldKind.NUMBER: tuple(f"n{i}" for i in range(1, 11)),
    FieldKind.DATETIME: tuple(f"d{i}" for i in range(1, 7)),
    FieldKind.REF: tuple(f"r{i}" for i in range(1, 9)),
    FieldKind.BOOL: tuple(f"b{i}" for i in range(1, 5)),
}
ALL_SLOTS = tuple(dict.fromkeys(name for names in SLOTS.values() for name in names))
FIELDS = table_of(FormField)
SLOTS_OF = select(FIELDS.c.field, FIELDS.c.slot).where(FIELDS.c.form_id == bindparam("form_id"))


def slots_of(form_id: int) -> dict[str, str]:
    """Return the slot of each filterable field of a form, retired ones too."""
    return {row.field: row.slot for row in db.session.execute(SLOTS_OF, {"form_id": form_id})}


def missing_slots(form_id: int | None, definition: FormDefinition) -> dict[str, str]:
    """Return a free slot for each filterable field that has none; refuse when a kind has none left."""
    held = slots_of(form_id) if form_id else {}
    taken, found = set(held.values()), {}
    for asked in definition.fields:
        if asked.id in held or not (asked.filterable or _stands_once(asked)):
            continue
        slot = _free(asked, taken)
        taken.add(slot)
        found[asked.id] = slot
    return found


def claim_slots(form_id: int, definition: FormDefinition) -> list[str]:
    """Give every filterable field its slot, in the open write, and return the fields that are new to theirs."""
    found = missing_slots(form_id, definition)
    require_write().add_all(FormField(form_id=form_id, field=field, slot=slot) for field, slot in found.items())
    return list(found)


def _stands_once(asked: FieldDefinition) -> bool:
    """Say whether a value may stand only once, which needs a column to look it up in."""
    return controls()[asked.control].unique_with(asked) is not None


def _free(asked: FieldDefinition, taken: set[str]) -> str:
    kind = controls()[asked.control].condition_kind(asked)
    if kind is None:
        raise Refused(_("「%(name)s」这种控件不能筛选。请去掉「可筛选」。", name=asked.label_zh), asked.id)
    slot = next((name for name in SLOTS[kind] if name not in taken), None)
    if slot is None:
        raise Refused(
            _(
                "「%(name)s」没有位置了:这一类字段最多 %(n)d 个可筛选。请把别的字段改为不可筛选的新表单,或去掉「可筛选」。",
                name=asked.label_zh, n=len(SLOTS[kind]),
            ),
            asked.id,
        )  # fmt: skip
    return slot
