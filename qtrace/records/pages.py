"""What the pages of records show: the list, one record, the form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import request
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.conditions.describe import describe
from qtrace.conditions.tree import Clause, Condition, FieldKind, Scalar
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import Control, FieldDefinition, Value, controls
from qtrace.forms.slots import slots_of
from qtrace.records.asking import Asked, read_asked
from qtrace.records.bulk import told_reasons
from qtrace.records.fields import STATES, ListField, ListFields, list_fields, stage_words
from qtrace.records.models import Record
from qtrace.records.queries import CAP, count, record_page
from qtrace.records.service import WHOLE
from qtrace.records.statistics import Counting, Measure, by_value

MOST_COLUMNS = 6
MOST_CHOICES = 40
MOST_BARS = 30

MenuOption = tuple[str, str, int | None, bool]  # words, address, how many, whether it is chosen


@dataclass(frozen=True)
class Cell:
    """One answer as a list or a page shows it."""

    field: FieldDefinition
    control: Control
    value: Value
    text: str

    @property
    def html(self) -> Markup:
        """Return the answer as the record's page shows it: a link, a chip, stars, a code."""
        return self.control.to_html(self.field, self.value)


@dataclass(frozen=True)
class Line:
    """One record of a list with the answers it shows."""

    record: Record
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Bar:
    """How many records have one value, and where they are listed."""

    label: str
    value: int
    url: str


@dataclass(frozen=True)
class Menu:
    """A filter that opens a list of choices."""

    label: str
    options: list[MenuOption]


def is_english() -> bool:
    """Say whether the reader reads English."""
    return str(get_locale() or "zh").startswith("en")


def asked_of(form: Form, definition: FormDefinition) -> tuple[Asked, ListFields]:
    """Return what the present address asks of a form's list."""
    fields = list_fields(definition, slots_of(form.id), english=is_english())
    return read_asked(request.args, fields), fields


def list_context(form: Form, definition: FormDefinition, user: User) -> dict[str, Any]:
    """Return what the list page shows."""
    asked, fields = asked_of(form, definition)
    page = record_page(form.id, asked, fields, user, after=request.args.get("after", ""))
    shown = listed(definition)
    return {
        "form": form, "asked": asked, "fields": fields, "shown": shown, "next": page.next, "states": STATES, "stages": stage_words(),
        "lines": [Line(row, cells_of(stored_definition(form.key, row.form_version_id), row, shown)) for row in page.rows],
        "total": count(form.id, asked, fields, user), "cap": CAP, "first": not request.args.get("after"),
        "tabs": _tabs(form, asked, fields, user), "bars": _bars(form, asked, fields, user),
        "sentence": sentence_of(asked.condition, fields), "menus": menus_of(asked, fields, staged=bool(form.flow)),
        "group_options": _group_options(asked, fields), "sort_options": _sort_options(asked, fields),
    }  # fmt: skip


def listed(definition: FormDefinition) -> list[FieldDefinition]:
    """Return the fields a list shows: those marked for it, else the first few that can be shown in a line."""
    known = controls()
    marked = [one for one in definition.fields if one.in_list]
    plain = [one for one in definition.fields if not known[one.control].layout]
    return (marked or plain[:4])[:MOST_COLUMNS]


def cells_of(definition: FormDefinition, record: Record, shown: Sequence[FieldDefinition]) -> tuple[Cell, ...]:
    """Return the answers of a record for the columns of a list; its own version says how they are read."""
    own = {one.id: one for one in definition.all_fields}
    return tuple(_cell(own.get(one.id, one), record.answers.get(one.id)) for one in shown)


def told_notes(definition: FormDefinition, notes: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """Return (what people call the field, warning and reason) of what was let through; "" is the form as a whole."""
    whole = WHOLE if definition.field(WHOLE) is None else None
    return told_reasons(definition, [("" if path == whole else path, text) for path, text in (notes or {}).items()])


def sections_of(definition: FormDefinition, answers: Mapping[str, Value]) -> list[tuple[Any, list[Cell]]]:
    """Return each section with its answered fields."""
    known = controls()
    found = []
    for section in definition.sections:
        cells = [
            _cell(one, answers.get(one.id))
            for one in section.fields
            if not known[one.control].layout and answers.get(one.id) not in (None, "", [], {})
        ]
        if cells:
            found.append((section, cells))
    return found


def _cell(field: FieldDefinition, value: Value) -> Cell:
    control = controls()[field.control]
    return Cell(field, control, value, control.show(field, value))


def _tabs(form: Form, asked: Asked, fields: ListFields, user: User) -> list[tuple[str, str, int, bool]]:
    states = [("", _("全部")), *((key, str(label)) for key, label in STATES.items())]
    found = []
    for state, label in states:
        other = replace(asked, state=state)
        found.append((label, other.query(), count(form.id, other, fields, user), asked.state == state))
    return found


def _bars(form: Form, asked: Asked, fields: ListFields, user: User) -> list[Bar]:
    if not asked.group:
        return []
    field = fields.by_id[asked.group]
    found = by_value(Counting(form.id, asked, fields, user, Measure()), field, most=MOST_BARS)
    words = field.say([group.value for group in found.groups])
    bars = [Bar(words.get(one.value, "—"), one.tally.n, _only(asked, one.condition)) for one in found.groups]
    if found.missing:
        bars.append(Bar(_("未填"), found.missing.tally.n, _only(asked, found.missing.condition)))
    if found.rest:
        rest = ngettext("其余 %(num)s 种", "其余 %(num)s 种", found.rest.groups)
        bars.append(Bar(rest, found.rest.tally.n, _only(asked, found.rest.condition)))
    return bars


def _only(asked: Asked, condition: Condition) -> str:
    """Return the address of the listed records that meet the condition; empty when it is too long to be read back."""
    wanted = asked.and_also(condition)
    return f"?{wanted.query()}" if wanted.readable else ""


def menus_of(asked: Asked, fields: ListFields, *, staged: bool, more: str = "") -> list[Menu]:
    """Return a menu for each field of the form with few enough choices, and for the stage where there is a flow.

    The addresses end in `more`.
    """
    found = []
    for one in (*((fields.by_id["stage"],) if staged else ()), *fields.own):
        choices = [(choice.label, _chosen(one, choice.value)) for choice in one.choices()]
        if one.kind is FieldKind.BOOL:
            choices = [(_("是"), Clause(one.id, "is_true")), (_("否"), Clause(one.id, "is_false"))]
        if 0 < len(choices) <= MOST_CHOICES:
            rest = [(_("未填"), Clause(one.id, "is_empty"))]
            options: list[MenuOption] = [
                (label, f"?{asked.and_also(clause).query()}{more}", None, False) for label, clause in choices + rest
            ]
            found.append(Menu(one.label, options))
    return found


def _chosen(field: ListField, value: str) -> Clause:
    return Clause(field.id, "eq", int(value) if field.kind is FieldKind.REF else value)


def _group_options(asked: Asked, fields: ListFields) -> list[MenuOption]:
    known = [one for one in fields.by_id.values() if one.groupable and one.id not in ("number", "title")]
    options: list[MenuOption] = [
        (one.label, f"?{asked.query(group=one.id)}", None, asked.group == one.id) for one in known
    ]
    return [*options, (_("不统计"), f"?{asked.query(group='')}", None, not asked.group)]


def _sort_options(asked: Asked, fields: ListFields) -> list[MenuOption]:
    options: list[MenuOption] = [(_("最新填写在前"), f"?{asked.query(sort='')}", None, not asked.sort)]
    for one in fields.own:
        for sort, words in (
            (one.id, _("%(name)s 从小到大", name=one.label)),
            (f"-{one.id}", _("%(name)s 从大到小", name=one.label)),
        ):
            options.append((words, f"?{asked.query(sort=sort)}", None, asked.sort == sort))
    return options


def sentence_of(condition: Condition | None, fields: ListFields) -> str:
    if condition is None:
        return ""

    def show(name: str, value: Scalar) -> str:
        words = fields.by_id[name].say([value])
        return words.get(value, str(value))

    return describe(condition, fields.labels, gettext=_, show=show)
