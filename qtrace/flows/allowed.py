"""What somebody may see and change of a subject that has a form: the right there is anyway, and what one's turn says."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.flows.field_rights import NO_TURN, FieldRights
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Storage, controls
from qtrace.web.filters import localised


@dataclass(frozen=True)
class Allowed:
    """What a person may do with one record now; `anyway` is the right to change it that no turn gives."""

    anyway: bool
    rights: FieldRights = NO_TURN

    @property
    def hidden(self) -> frozenset[str]:
        """Return the fields that are not to be shown."""
        return self.rights.hidden

    @property
    def changes(self) -> bool:
        """Say whether the person may change anything."""
        return self.anyway or bool(self.rights.granted)

    def may_write(self, field: str) -> bool:
        """Say whether the person may change this field."""
        return self.rights.may_write(field, anyway=self.anyway)

    def restricts(self, definition: FormDefinition) -> bool:
        """Say whether there is a field of the form the person may not change."""
        return not all(self.may_write(asked.id) for asked in definition.fields)

    def writable(self, definition: FormDefinition) -> FormDefinition:
        """Return the form with the fields the person may fill in."""
        return without(definition, {asked.id for asked in definition.all_fields if not self.may_write(asked.id)})

    def readable(self, definition: FormDefinition) -> FormDefinition:
        """Return the form with the fields the person may see."""
        return without(definition, self.hidden) if self.hidden else definition

    def refuse_beyond(self, definition: FormDefinition, fields: Iterable[str]) -> None:
        """Refuse a change of fields the person may not change."""
        wrong = beyond(definition, fields, self)
        if wrong:
            raise Refused(told_beyond(definition, wrong), wrong[0])


def beyond(definition: FormDefinition, fields: Iterable[str], may: Allowed) -> list[str]:
    """Return which of the fields that were given the person may not change; what is worked out is given by nobody."""
    known = controls()
    found = []
    for name in dict.fromkeys(path.partition(".")[0] for path in fields):
        asked = definition.field(name)
        control = known[asked.control] if asked is not None else None
        if control is not None and (control.assigned or control.storage is Storage.COMPUTED):
            continue
        if not may.may_write(name):
            found.append(name)
    return found


def told_beyond(definition: FormDefinition, fields: Sequence[str]) -> str:
    """Return in words that these fields may not be changed at this stage."""
    labels = [localised(asked, "label") if (asked := definition.field(name)) else name for name in fields]
    return _("流程走到这一步,您不能改「%(fields)s」。", fields="、".join(labels))


def without(definition: FormDefinition, left_out: Collection[str]) -> FormDefinition:
    """Return a form without some of its fields, and without sections that are left empty."""
    sections = (
        replace(section, fields=tuple(asked for asked in section.fields if asked.id not in left_out))
        for section in definition.sections
    )
    return FormDefinition(tuple(section for section in sections if section.fields))
