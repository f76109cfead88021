"""The changes a designer makes to a definition: each takes a definition and returns the changed one."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from flask_babel import gettext as _

from qtrace.core.errors import NotFound, Refused
from qtrace.forms.definition import MAX_FIELDS, FormDefinition, Section
from qtrace.forms.registry import Control, FieldDefinition

FIELD_ID = re.compile(r"field_(\d+)")
SECTION_ID = re.compile(r"section_(\d+)")


@dataclass(frozen=True)
class Place:
    """Where a field goes: the section, and before which of the fields asked there; None is the end."""

    section_id: str
    index: int | None = None


def add_field(
    definition: FormDefinition, control: Control, place: Place, options: Mapping[str, object]
) -> tuple[FormDefinition, str]:
    """Return the definition with a new field named after its control, and the field's id."""
    field_id = next_id(FIELD_ID, (field.id for field in definition.all_fields))
    field = FieldDefinition(
        id=field_id, control=control.key, label_zh=control.name_zh, label_en=control.name_en, options=options
    )
    return _insert(definition, field, place), field_id


def copy_field(definition: FormDefinition, field_id: str) -> tuple[FormDefinition, str]:
    """Return the definition with a second field like this one right behind it; a built-in column stays with the first."""
    field, section = find_field(definition, field_id)
    new_id = next_id(FIELD_ID, (known.id for known in definition.all_fields))
    place = Place(section.id, asked_ids(section).index(field_id) + 1) if not field.retired else Place(section.id)
    copy = replace(field, id=new_id, column="", filterable=False, retired=False)
    return _insert(definition, copy, place), new_id


def move_field(definition: FormDefinition, field_id: str, place: Place) -> FormDefinition:
    """Return the definition with the field at another place."""
    field, _section = find_field(definition, field_id)
    return _insert(_without(definition, field_id), field, place)


def shift_field(definition: FormDefinition, field_id: str, *, up: bool) -> FormDefinition:
    """Return the definition with the field one place further, into the neighbouring section at the end of its own."""
    field, section = find_field(definition, field_id)
    asked = asked_ids(section)
    if field.retired:
        raise Refused(_("已停用的字段没有位置。请先恢复它。"))
    index = asked.index(field_id) + (-1 if up else 1)
    if 0 <= index < len(asked):
        return move_field(definition, field_id, Place(section.id, index))
    neighbour = definition.sections.index(section) + (-1 if up else 1)
    if not 0 <= neighbour < len(definition.sections):
        return definition
    return move_field(definition, field_id, Place(definition.sections[neighbour].id, None if up else 0))


def change_field(definition: FormDefinition, field_id: str, changed: FieldDefinition) -> FormDefinition:
    """Return the definition with the field as it is now; its id may be another one nobody else has."""
    find_field(definition, field_id)
    if changed.id != field_id and any(field.id == changed.id for field in definition.all_fields):
        raise Refused(_("字段编号 %(id)s 重复。", id=changed.id), "id")
    return _each_field(definition, lambda field: changed if field.id == field_id else field)


def remove_field(definition: FormDefinition, field_id: str) -> FormDefinition:
    """Return the definition without the field."""
    find_field(definition, field_id)
    return _without(definition, field_id)


def add_section(
    definition: FormDefinition, *, title_zh: str, title_en: str, page_break: bool
) -> tuple[FormDefinition, str]:
    """Return the definition with an empty section at its end, and the section's id."""
    section_id = next_id(SECTION_ID, (section.id for section in definition.sections))
    section = Section(id=section_id, title_zh=title_zh, title_en=title_en, fields=(), page_break=page_break)
    return FormDefinition((*definition.sections, section)), section_id


def change_section(definition: FormDefinition, changed: Section) -> FormDefinition:
    """Return the definition with the section of this id as it is now."""
    find_section(definition, changed.id)
    return FormDefinition(tuple(changed if section.id == changed.id else section for section in definition.sections))


def move_section(definition: FormDefinition, section_id: str, index: int) -> FormDefinition:
    """Return the definition with the section at this place among all sections."""
    section = find_section(definition, section_id)
    others = [other for other in definition.sections if other.id != section_id]
    others.insert(max(0, index), section)
    return FormDefinition(tuple(others))


def remove_section(definition: FormDefinition, section_id: str) -> FormDefinition:
    """Return the definition without the section; its fields go to the end of its neighbour."""
    section = find_section(definition, section_id)
    if len(definition.sections) == 1:
        raise Refused(_("表单至少要有一个分区。"))
    index = definition.sections.index(section)
    heir = definition.sections[index - 1 if index else 1]
    kept = [other for other in definition.sections if other.id != section_id]
    return FormDefinition(
        tuple(
            replace(other, fields=(*other.fields, *section.fields)) if other.id == heir.id else other for other in kept
        )
    )


def find_field(definition: FormDefinition, field_id: str) -> tuple[FieldDefinition, Section]:
    """Return a field and its section; NotFound without it."""
    for section in definition.sections:
        for field in section.fields:
            if field.id == field_id:
                return field, section
    raise NotFound


def find_section(definition: FormDefinition, section_id: str) -> Section:
    """Return a section; NotFound without it."""
    found = next((section for section in definition.sections if section.id == section_id), None)
    if found is None:
        raise NotFound
    return found


def asked_ids(section: Section) -> list[str]:
    """Return the ids of the fields the section asks, in order."""
    return [field.id for field in section.fields if not field.retired]


def next_id(pattern: re.Pattern[str], known: Iterable[str]) -> str:
    """Return the first free numbered id after all that are taken."""
    taken = [int(found[1]) for key in known if (found := pattern.fullmatch(key))]
    return pattern.pattern.replace(r"(\d+)", str(max(taken, default=0) + 1))


def _insert(definition: FormDefinition, field: FieldDefinition, place: Place) -> FormDefinition:
    section = find_section(definition, place.section_id)
    if sum(1 for _known in definition.all_fields) >= MAX_FIELDS:
        raise Refused(_("表单最多 %(most)d 个字段。", most=MAX_FIELDS))
    fields, asked = list(section.fields), asked_ids(section)
    if place.index is None or place.index >= len(asked):
        fields.append(field)
    else:
        before = asked[max(0, place.index)]
        fields.insert(next(at for at, known in enumerate(fields) if known.id == before), field)
    return change_section(definition, replace(section, fields=tuple(fields)))


def _without(definition: FormDefinition, field_id: str) -> FormDefinition:
    return FormDefinition(
        tuple(
            replace(section, fields=tuple(field for field in section.fields if field.id != field_id))
            for section in definition.sections
        )
    )


def _each_field(definition: FormDefinition, change: Callable[[FieldDefinition], FieldDefinition]) -> FormDefinition:
    return FormDefinition(
        tuple(replace(section, fields=tuple(map(change, section.fields))) for section in definition.sections)
    )
