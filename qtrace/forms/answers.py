"""Answers to a form: read what was sent against the definition, and fill a form with what is known.

Only fields of the definition are read, so whatever else a browser sends changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.registry import INNER_FILES, Choice, Control, FieldDefinition, Opening, Sent, Storage, Value, controls


class RowErrors(Refused):
    """Rows in which cells can't be read; `cells` says what is wrong by place, like `0.qty`."""

    def __init__(self, cells: Mapping[str, str], labels: Mapping[str, str]) -> None:
        lines = []
        for path, text in cells.items():
            place, _dot, name = path.partition(".")
            lines.append(_("第 %(n)d 行 %(name)s:%(what)s", n=int(place) + 1, name=labels.get(name, name), what=text))
        super().__init__(" ".join(lines))
        self.cells = cells


@dataclass(frozen=True)
class Answers:
    """What a submitted form says: values for built-in columns, further answers, files, and what is wrong per field."""

    columns: dict[str, Value] = field_of(default_factory=dict)
    answers: dict[str, Value] = field_of(default_factory=dict)
    files: dict[str, tuple[StoredFile, ...]] = field_of(default_factory=dict)
    errors: dict[str, str] = field_of(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Say whether every field could be read."""
        return not self.errors


@dataclass(frozen=True)
class Bound:
    """A field ready to be drawn: what was typed, what can be chosen, what is wrong."""

    field: FieldDefinition
    control: Control
    sent: Sent
    choices: Sequence[Choice]
    error: str = ""
    first_error: bool = False
    inner: Mapping[str, str] = field_of(default_factory=dict)  # what is wrong in its rows, like `0.qty`

    @property
    def value(self) -> str:
        """Return the typed text."""
        return self.sent.first(self.field.id)

    @property
    def values(self) -> list[str]:
        """Return every chosen value."""
        return self.sent.all(self.field.id)

    @property
    def files(self) -> Sequence[StoredFile]:
        """Return the files that were sent before and are kept."""
        return self.sent.files.get(self.field.id, ())

    def part(self, name: str) -> str:
        """Return the typed text of one input of a control that has several."""
        return self.sent.first(f"{self.field.id}.{name}")


@dataclass(frozen=True)
class BoundSection:
    """A section ready to be drawn."""

    section: Section
    fields: tuple[Bound, ...]

    @property
    def open(self) -> bool:
        """Say whether it must be open: it is not folded, or something in it is filled or wrong."""
        return not self.section.folded or any(bound.error or bound.value for bound in self.fields)


def read_answers(definition: FormDefinition, sent: Sent, held: Mapping[str, Value] | None = None) -> Answers:
    """Read every field of the definition from what was sent; `held` is what the record that is edited answers so far."""
    read = Answers()
    for asked in definition.fields:
        control = controls()[asked.control]
        if control.layout:
            continue
        try:
            value = read_field(control, asked, sent, (held or {}).get(asked.id))
            if asked.required and not control.assigned and value in (None, False, "", [], {}):
                raise Refused(_("请填写这一项。"))
        except RowErrors as refused:
            read.errors.update({f"{asked.id}.{path}": text for path, text in refused.cells.items()})
            continue
        except Refused as refused:
            read.errors[asked.id] = refused.message
            continue
        _keep(read, asked, control, value, sent)
    return read


def read_field(control: Control, asked: FieldDefinition, sent: Sent, held: Value = None) -> Value:
    """Return one field's value: what was sent, or what is held where nobody types it or it was shown masked."""
    if control.assigned:
        return held
    value = control.parse(asked, sent)
    untouched = value is None and sent.first(f"{asked.id}.held") and not sent.first(f"{asked.id}.clear")
    return held if control.sensitive and untouched else value


def bind(definition: FormDefinition, sent: Sent, errors: Mapping[str, str] | None = None) -> list[BoundSection]:
    """Return the form ready to be drawn with what was typed and what is wrong."""
    wrong = errors or {}
    first = next((asked.id for asked in definition.fields if asked.id in wrong or _inner(asked, wrong)), "")
    return [
        BoundSection(
            section,
            tuple(_bind(asked, sent, wrong, first) for asked in section.fields if not asked.retired),
        )
        for section in definition.sections
    ]


def new_sent(definition: FormDefinition, opening: Opening) -> Sent:
    """Return what a new form is filled with."""
    values: dict[str, list[str]] = {}
    for asked in definition.fields:
        values |= controls()[asked.control].initial(asked, opening)
    return Sent(values)


def sent_from(
    definition: FormDefinition, columns: Mapping[str, Value], answers: Mapping[str, Value], *, reveal: bool = False
) -> Sent:
    """Return what a browser would have sent for these values, to fill a form for editing.

    Sensitive values go out masked, to be kept or typed anew, unless the reader may see them and said why.
    """
    values: dict[str, list[str]] = {}
    for asked in definition.fields:
        value = columns.get(asked.column) if asked.column else answers.get(asked.id)
        control = controls()[asked.control]
        if value is not None and control.sensitive and not reveal:
            values[f"{asked.id}.held"] = [control.masked(asked, value)]
        elif value is not None:
            values |= control.send(asked, value)
    return Sent(values)


def shown(definition: FormDefinition, answers: Mapping[str, Value]) -> list[tuple[FieldDefinition, str]]:
    """Return the further answers as staff read them, empty ones left out."""
    rows = [(asked, answers.get(asked.id)) for asked in definition.fields if not asked.column]
    return [
        (asked, controls()[asked.control].show(asked, value)) for asked, value in rows if value not in (None, "", [])
    ]


def _keep(read: Answers, asked: FieldDefinition, control: Control, value: Value, sent: Sent) -> None:
    if control.holds_files and value:
        read.files[asked.id] = tuple(sent.files.get(asked.id, ()))
    if control.storage == Storage.FILE_REFS:
        return
    inner = [file for one in control.file_fields(asked, sent) for file in sent.files.get(one.id, ())]
    if inner and value:
        read.files[f"{asked.id}.{INNER_FILES}"] = tuple(inner)
    if asked.column:
        read.columns[asked.column] = value
    elif value is not None:
        read.answers[asked.id] = value


def _bind(asked: FieldDefinition, sent: Sent, wrong: Mapping[str, str], first: str) -> Bound:
    control = controls()[asked.control]
    inner = _inner(asked, wrong)
    told = _("标红的格子需要修改。") if control.grouped else " ".join(inner.values())
    error = wrong.get(asked.id, "") or (told if inner else "")
    return Bound(asked, control, sent, control.choices(asked), error, asked.id == first, inner)


def _inner(asked: FieldDefinition, wrong: Mapping[str, str]) -> dict[str, str]:
    start = f"{asked.id}."
    return {path[len(start) :]: text for path, text in wrong.items() if path.startswith(start)}
