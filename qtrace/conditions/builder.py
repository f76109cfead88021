"""The editor of a condition as rows of field, operator and value, in groups that nest; pure, the piece draws it.

How to include it (a view, a template, and nothing else):

    setup = BuilderSetup((BuilderField("status", _("状态"), FieldKind.TEXT, (("open", _("处理中")),)), …), zone=site_zone())

    GET   builder = builder_of(rule.condition, setup)                     # None starts with one empty row
          render("rules/edit.html", builder=shown(builder, setup))
    POST  form = request.form.to_dict(flat=False)
          if edit := request.form.get("_edit"):                           # a button of the editor: write nothing
              builder, errors = edit_builder(form, edit, setup)
              return render("rules/edit.html", builder=shown(builder, setup, errors))
          condition, errors = read_builder(form, setup)
          if condition is None:
              return render("rules/edit.html", status=422, builder=shown(typed_builder(form, setup), setup, errors))

    {% from "conditions/_builder.html" import condition_builder with context %}
    <form method="post" action="{{ url }}">{{ csrf() }} {{ condition_builder(builder, url) }} <button>…</button></form>

The page needs no script: every change is a button of that form. Two editors in one form have different prefixes.
`url` is where the buttons of the editor post to, the form's own address; htmx then swaps only the editor.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from qtrace.conditions.source import SourceError
from qtrace.conditions.text import parse_text, write_text
from qtrace.conditions.tree import (
    MAX_DEPTH,
    All,
    Any_,
    Clause,
    Condition,
    ConditionError,
    FieldKind,
    Not,
    Operand,
    OtherField,
    Scalar,
    Value,
    operators_of,
    parse,
)

Form = Mapping[str, Sequence[str]]
Errors = Mapping[str, ConditionError | SourceError]
JOINS = ("all", "any", "not_all", "not_any")
NO_ERRORS: Errors = {}
# A form with more rows than this in one group was not made by the editor.
MAX_PLACE = 1000


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


@dataclass(frozen=True, slots=True)
class BuilderField:
    """A field that can be asked about: its choices are offered instead of typing; `is_day` leaves the time out.

    What is referred to and too much to be listed is typed: `refer` finds its id, None when there is none, `spell` says
    what to type for an id. Fields of one `group` stand together in the list.
    """

    id: str
    label: str
    kind: FieldKind
    choices: tuple[tuple[str, str], ...] = ()
    is_day: bool = False
    refer: Callable[[str], int | None] | None = None
    spell: Callable[[int], str] | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class BuilderSetup:
    """What an editor is about; the zone is that of the times typed."""

    fields: tuple[BuilderField, ...]
    prefix: str = "c"
    zone: tzinfo = UTC
    has_history: bool = False
    language: str = "zh"

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """Return the kind of each field."""
        return {item.id: item.kind for item in self.fields}

    @property
    def labels(self) -> dict[str, str]:
        """Return the label of each field."""
        return {item.id: str(item.label) for item in self.fields}

    def field(self, name: str) -> BuilderField | None:
        """Return a field by its id."""
        return next((item for item in self.fields if item.id == name), None)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the editor as it was typed."""

    field: str = ""
    op: str = ""
    values: tuple[str, ...] = ()
    other: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that hold together, all or any of them, or not."""

    join: str = "all"
    items: "tuple[Row | Group, ...]" = ()


@dataclass(frozen=True, slots=True)
class Builder:
    """The state of an editor: its rows, or its text where experts switched to it."""

    rows: Group
    text: str | None = None


@dataclass
class _Names:
    """The inputs below one name of the form."""

    own: dict[str, list[str]] = field(default_factory=dict)
    inner: "dict[int, _Names]" = field(default_factory=dict)


def builder_of(condition: Condition | None, setup: BuilderSetup) -> Builder:
    """Return the editor of a condition; what rows cannot show is shown as text."""
    if condition is None:
        return Builder(Group("all", (Row(),)))
    rows = _spelled(build_rows(condition, setup.zone), setup)
    if _can_be_rows(condition, setup.zone):
        return Builder(rows)
    return Builder(Group(), write_text(condition, setup.labels, setup.language, setup.zone))


def build_rows(condition: Condition, zone: tzinfo = UTC) -> Group:
    """Return a condition as rows in groups; a time is written as the clock of the zone shows it."""
    found = _item_of(condition, zone)
    return found if isinstance(found, Group) else Group("all", (found,))


def _spelled(group: Group, setup: BuilderSetup) -> Group:
    """Return the rows with what to type for each id they refer to."""
    items = (_spelled(item, setup) if isinstance(item, Group) else _spelled_row(item, setup) for item in group.items)
    return replace(group, items=tuple(items))


def _spelled_row(row: Row, setup: BuilderSetup) -> Row:
    found = setup.field(row.field)
    spell = found.spell if found else None
    return row if spell is None else replace(row, values=tuple(spell(int(value)) for value in row.values))


def typed_builder(form: Form, setup: BuilderSetup) -> Builder:
    """Return the editor as it was typed, so that nothing typed is lost."""
    prefix = setup.prefix
    if _first(form.get(f"{prefix}._mode", ())) == "text":
        return Builder(Group(), _first(form.get(f"{prefix}._text", ())))
    rows = _typed(_names_below(form, prefix))
    return Builder(rows if isinstance(rows, Group) else Group("all"))


def read_builder(form: Form, setup: BuilderSetup) -> tuple[Condition | None, Errors]:
    """Return the condition that was typed, or None and each error by the name of the input it belongs to."""
    builder = typed_builder(form, setup)
    if builder.text is not None:
        try:
            return parse_text(builder.text, setup.kinds, setup.labels, has_history=setup.has_history), NO_ERRORS
        except SourceError as error:
            return None, {f"{setup.prefix}._text": error}
    errors: dict[str, ConditionError | SourceError] = {}
    data = _data(builder.rows, setup.prefix, setup, errors)
    if errors:
        return None, errors
    try:
        return parse(data, setup.kinds, has_history=setup.has_history), NO_ERRORS
    except ConditionError as error:
        return None, {setup.prefix: error}


def edit_builder(form: Form, edit: str, setup: BuilderSetup) -> tuple[Builder, Errors]:
    """Return the editor after one of its buttons: `add-row`, `add-group`, `remove`, `refresh`, `text` or `rows`.

    The place follows a colon, as in `remove:c.1.0`. What no button of this editor could say changes nothing.
    """
    builder = typed_builder(form, setup)
    action, _colon, path = edit.partition(":")
    if action in ("text", "rows") and path == setup.prefix:
        return _switched(form, builder, action, setup)
    places = _places(path, setup.prefix)
    if places is None or builder.text is not None or action not in _EDITS:
        return builder, NO_ERRORS
    return Builder(_changed(builder.rows, places, action)), NO_ERRORS


_EDITS = ("add-row", "add-group", "remove")


def _switched(form: Form, builder: Builder, action: str, setup: BuilderSetup) -> tuple[Builder, Errors]:
    """Switch between rows and text, unless what is typed cannot be read."""
    condition, errors = read_builder(form, setup)
    if condition is None:
        return builder, errors
    if action == "text":
        return Builder(
            Group(), "" if condition == All(()) else write_text(condition, setup.labels, setup.language, setup.zone)
        ), {}
    if not _can_be_rows(condition, setup.zone):
        message = _("这个条件只能用文本表示:值里有换行、首尾空格或过细的时间")
        return builder, {f"{setup.prefix}._text": ConditionError(message, "")}
    return Builder(_spelled(build_rows(condition, setup.zone), setup)), NO_ERRORS


def _changed(group: Group, places: Sequence[int], action: str) -> Group:
    """Return the group with the row or group at the place added to or taken out."""
    if not places:
        added: Row | Group = Row() if action == "add-row" else Group("any", (Row(),))
        return group if action == "remove" else replace(group, items=(*group.items, added))
    place, *rest = places
    if place >= len(group.items):
        return group
    before, item, after = group.items[:place], group.items[place], group.items[place + 1 :]
    if not rest and action == "remove":
        return replace(group, items=(*before, *after))
    inner = _changed(item, rest, action) if isinstance(item, Group) else item
    return replace(group, items=(*before, inner, *after))


def _places(path: str, prefix: str) -> list[int] | None:
    """Return the places a name leads through, None when it is no name of this editor."""
    if path != prefix and not path.startswith(f"{prefix}."):
        return None
    steps = path[len(prefix) + 1 :].split(".") if path != prefix else []
    if len(steps) > MAX_DEPTH or not all(_is_place(step) for step in steps):
        return None
    return [int(step) for step in steps]


def _is_place(step: str) -> bool:
    return step.isascii() and step.isdigit() and len(step) <= len(str(MAX_PLACE))


def _first(values: Sequence[str]) -> str:
    return values[0] if values else ""


def _names_below(form: Form, prefix: str) -> _Names:
    """Sort the inputs of the form into a tree by the dots in their names; what is no name of the editor is left out."""
    root = _Names()
    for name, values in form.items():
        path, _dot, last = name.rpartition(".")
        places = _places(path, prefix)
        if places is None or last not in ("join", "field", "op", "value", "other"):
            continue
        node = root
        for place in places:
            node = node.inner.setdefault(place, _Names())
        node.own[last] = list(values)
    return root


def _typed(names: _Names) -> Row | Group:
    own = names.own
    if "field" in own:
        values = tuple(line.strip() for value in own.get("value", ()) for line in value.splitlines() or [""])
        return Row(_first(own["field"]), _first(own.get("op", ())), values, _first(own.get("other", ())))
    join = _first(own.get("join", ()))
    items = tuple(_typed(names.inner[place]) for place in sorted(names.inner))
    return Group(join if join in JOINS else "all", items)


def _data(item: Row | Group, path: str, setup: BuilderSetup, errors: dict[str, ConditionError | SourceError]) -> object:
    """Return what `parse` reads; note the error of every row by the name of its input."""
    if isinstance(item, Row):
        return _row_data(item, path, setup, errors)
    read = [_data(inner, f"{path}.{place}", setup, errors) for place, inner in enumerate(item.items)]
    # A row in which no field was chosen is one not filled in.
    items = [inner for inner in read if inner is not None]
    if item.join.startswith("not_") and len(items) == 1:
        return {"not": items[0]}
    if path == setup.prefix and item.join == "all" and len(items) == 1:
        return items[0]
    group = {item.join.removeprefix("not_"): items}
    return {"not": group} if item.join.startswith("not_") else group


def _row_data(row: Row, path: str, setup: BuilderSetup, errors: dict[str, ConditionError | SourceError]) -> object:
    if not row.field:
        return None
    found = setup.field(row.field)
    data: dict[str, object] = {"field": row.field, "op": row.op}
    if found:
        operators = operators_of(found.kind, has_history=setup.has_history)
        # A field just chosen may come with the operator of the one before.
        data["op"] = op = row.op if row.op in operators else next(iter(operators))
        data |= _operand(row, operators[op], found, setup.zone)
        unknown = _unknown(row, found)
        if unknown:
            message = _("没有找到「%(value)s」。请填编号或代码,和表单里填的一样。")
            errors[f"{path}.value"] = ConditionError(message, "value", value=unknown)
            return data
    try:
        parse(data, setup.kinds, has_history=setup.has_history)
    except ConditionError as error:
        name = error.path.partition("[")[0] or "field"
        errors[f"{path}.{name}"] = error
    return data


def _operand(row: Row, operand: Operand, found: BuilderField, zone: tzinfo) -> dict[str, object]:
    if operand is Operand.NONE:
        return {}
    if operand is Operand.ONE and row.other:
        return {"other": row.other}
    given: list[object] = [_value(value, found, zone) for value in row.values if value]
    if operand is Operand.ONE:
        return {"value": given[0]} if given else {}
    return {"value": given} if given else {}


def _unknown(row: Row, found: BuilderField) -> str:
    """Return the first value typed that refers to nothing; empty when there is none."""
    refer = found.refer
    if refer is None or row.other:
        return ""
    return next((value for value in row.values if value and refer(value) is None), "")


def _value(typed: str, found: BuilderField, zone: tzinfo) -> object:
    """Return a value as `parse` reads it; what is none stays as typed, to be refused in its place."""
    if found.refer is not None:
        return found.refer(typed)
    if found.kind is FieldKind.REF:
        return int(typed) if typed.isascii() and typed.lstrip("-").isdigit() and len(typed) < 20 else typed
    if found.kind is FieldKind.DATETIME:
        try:
            moment = datetime.fromisoformat(typed)
        except ValueError:
            return typed
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()
    return typed


def _item_of(condition: Condition, zone: tzinfo) -> Row | Group:
    match condition:
        case Clause(name, op, value):
            if isinstance(value, OtherField):
                return Row(name, op, (), value.name)
            values = value if isinstance(value, tuple) else () if value is None else (value,)
            return Row(name, op, tuple(_shown_value(one, zone) for one in values))
        case All(items):
            return Group("all", tuple(_item_of(item, zone) for item in items))
        case Any_(items):
            return Group("any", tuple(_item_of(item, zone) for item in items))
        case Not(All(items)):
            return Group("not_all", tuple(_item_of(item, zone) for item in items))
        case Not(Any_(items)):
            return Group("not_any", tuple(_item_of(item, zone) for item in items))
        case Not(item):
            return Group("not_all", (_item_of(item, zone),))


def _shown_value(value: Scalar, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return _on_the_clock(value, zone) or value.isoformat()
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _on_the_clock(moment: datetime, zone: tzinfo) -> str:
    """Return what the clock of the zone shows, or nothing when an input of a browser could not give it back."""
    try:
        local = moment.astimezone(zone).replace(tzinfo=None, fold=0)
        is_same = local.replace(tzinfo=zone).astimezone(UTC) == moment
    except OverflowError:
        return ""
    if not is_same or local.microsecond % 1000:
        return ""
    return local.isoformat(timespec="milliseconds" if local.microsecond else "seconds")


def _can_be_rows(condition: Condition, zone: tzinfo) -> bool:
    """Say whether every operand survives an input, which knows no line breaks, outer blanks or second 2 o'clock."""
    match condition:
        case All(items) | Any_(items):
            return all(_can_be_rows(item, zone) for item in items)
        case Not(item):
            return _can_be_rows(item, zone)
        case Clause(_field, _op, value):
            return all(_can_be_typed(one, zone) for one in (value if isinstance(value, tuple) else (value,)))


def _can_be_typed(value: Value, zone: tzinfo) -> bool:
    if isinstance(value, datetime):
        return bool(_on_the_clock(value, zone))
    return not isinstance(value, str) or value.splitlines() == [value.strip()]
