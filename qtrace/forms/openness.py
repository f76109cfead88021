"""What people without an account are asked: what tells nothing, and of the rest only what the maker of a link opened.

A field that reads master data or records tells or lets try what the company knows, so it is not asked unless opened. One
that names persons, suppliers or buyers, or looks something like that up, is never asked.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from qtrace.forms.computing import Computing
from qtrace.forms.controls.compute import Lookup, sources
from qtrace.forms.controls.relation import SubTable
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Control, FieldDefinition, controls


class Openness(Enum):
    """Whether strangers may be asked a field."""

    OPEN = "open"
    OPENED = "opened"  # only where a link says so
    CLOSED = "closed"


@dataclass(frozen=True)
class Place:
    """A field of a form or a column of a sub-table, with the fields it stands among."""

    path: str
    asked: FieldDefinition
    around: Mapping[str, FieldDefinition]

    @property
    def table(self) -> str:
        """Return the field whose rows it stands in, empty for a field of the form."""
        return self.path.partition(".")[0] if "." in self.path else ""


def places_of(definition: FormDefinition) -> dict[str, Place]:
    """Return every field that is asked, and the columns a company made, as `table.column`."""
    fields = {one.id: one for one in definition.fields}
    found = {}
    for asked in definition.fields:
        found[asked.id] = Place(asked.id, asked, fields)
        control = controls()[asked.control]
        columns = control.columns(asked) if isinstance(control, SubTable) else ()
        around = {**fields, **{one.id: one for one in columns}}
        found |= {f"{asked.id}.{one.id}": Place(f"{asked.id}.{one.id}", one, around) for one in columns}
    return found


def openness_of(place: Place) -> Openness:
    """Say whether strangers may be asked this field."""
    control = controls().get(place.asked.control)
    if control is None or not control.public:
        return Openness.CLOSED
    if isinstance(control, Lookup):
        return _of_lookup(place)
    return Openness.OPENED if control.reads_company(place.asked) else Openness.OPEN


def usual_openness(control: Control) -> Openness:
    """Say whether strangers may be asked a control as it is newly laid on a form; what it looks up decides the rest."""
    if not control.public:
        return Openness.CLOSED
    laid = FieldDefinition("field", control.key, control.name_zh, control.name_en, options=control.starter())
    return Openness.OPENED if isinstance(control, Lookup) or control.reads_company(laid) else Openness.OPEN


def may_be_opened(definition: FormDefinition) -> list[Place]:
    """Return the fields strangers are asked only where a link says so."""
    return [one for one in places_of(definition).values() if openness_of(one) is Openness.OPENED]


def asked_paths(definition: FormDefinition, held: Collection[str], opened: Collection[str]) -> set[str]:
    """Return what strangers are asked; a computed field only if all it follows from is asked too."""
    places = places_of(definition)

    def is_shown(place: Place) -> bool:
        openness = openness_of(place)
        may = openness is Openness.OPEN or (openness is Openness.OPENED and place.path in opened)
        return may and place.path.partition(".")[0] not in held

    found = {one.path for one in places.values() if is_shown(one) and not _computes(one)}
    return with_computed(places, found, is_shown)


def kept_paths(definition: FormDefinition, held: Collection[str], opened: Collection[str]) -> set[str]:
    """Return all a record of strangers may hold: what they are asked, what the link brings along, what follows from it."""
    places = places_of(definition)
    brought = {one.path for one in places.values() if one.path.partition(".")[0] in held}
    return with_computed(places, asked_paths(definition, held, opened) | brought, lambda _place: True)


def with_computed(places: Mapping[str, Place], known: set[str], wanted: Callable[[Place], bool]) -> set[str]:
    """Return the paths with those of computed fields whose every source is among them."""
    waiting = {one.path: set(_needs(one, places)) for one in places.values() if _computes(one) and wanted(one)}
    found = set(known)
    while more := {path for path, needs in waiting.items() if path not in found and needs <= found}:
        found |= more
    return found


def narrowed(definition: FormDefinition, paths: Collection[str]) -> FormDefinition:
    """Return the form with these fields alone, and in sub-tables these columns."""
    found = []
    for section in definition.sections:
        fields = [_with_columns(one, paths) for one in section.fields if one.id in paths and not one.retired]
        left = tuple(one for one in fields if one is not None)
        if left:
            found.append(replace(section, fields=left))
    return FormDefinition(tuple(found))


def _with_columns(asked: FieldDefinition, paths: Collection[str]) -> FieldDefinition | None:
    control, listed = controls()[asked.control], asked.options.get("fields")
    if not isinstance(control, SubTable) or not isinstance(listed, list):
        return asked
    left = [row for row in listed if isinstance(row, Mapping) and f"{asked.id}.{row.get('id')}" in paths]
    return replace(asked, options={**asked.options, "fields": left}) if left else None


def _of_lookup(place: Place) -> Openness:
    through = place.around.get(place.asked.text("through"))
    taken = sources().get(through.control, {}).get(place.asked.text("take")) if through is not None else None
    if through is None or taken is None or taken.private or not controls()[through.control].public:
        return Openness.CLOSED
    return Openness.OPENED if controls()[through.control].reads_company(through) else Openness.OPEN


def _computes(place: Place) -> bool:
    return isinstance(controls().get(place.asked.control), Computing)


def _needs(place: Place, places: Mapping[str, Place]) -> Iterator[str]:
    """Yield the paths a computed field follows from; inside rows a column is named alone."""
    control = controls()[place.asked.control]
    for name in control.reads(place.asked, place.around) if isinstance(control, Computing) else ():
        inside = f"{place.table}.{name}"
        path = inside if inside in places else name
        yield path if path in places else path.partition(".")[0]
