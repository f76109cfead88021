"""What the piece draws of an editor: every input with its name, its choices and its error."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qtrace.conditions.builder import NO_ERRORS, Builder, BuilderField, BuilderSetup, Errors, Group, Row
from qtrace.conditions.tree import OTHER_FIELD_OPERATORS, FieldKind, Operand, operators_of

# Groups deeper than this are typed as text: a phone has no room for more.
MAX_NESTED = 4
# More choices than this stand in a list, not side by side.
MAX_CHIPS = 12
MIDNIGHT = "T00:00:00"


def _(message: str) -> str:
    """Mark a message for the catalogue; the piece translates it."""
    return message


OPERATOR_LABELS: Mapping[str, str] = {
    "eq": _("等于"), "ne": _("不等于"), "lt": _("小于"), "le": _("不大于"), "gt": _("大于"), "ge": _("不小于"), "between": _("在…之间"),
    "in": _("是其中之一"), "not_in": _("不是其中任何一个"), "contains": _("包含"), "not_contains": _("不包含"), "starts_with": _("开头是"),
    "contains_any": _("包含其中之一"), "has_any": _("有其中之一"), "has_all": _("全都有"), "has_none": _("一个也没有"),
    "is_empty": _("为空"), "not_empty": _("不为空"), "is_true": _("为是"), "is_false": _("为否"), "has_been": _("曾经是"),
    "has_never_been": _("从未是"), "changed_from": _("刚从…改为别的"), "changed": _("改过"),
}  # fmt: skip
MOMENT_LABELS: Mapping[str, str] = {"lt": _("早于"), "le": _("不晚于"), "gt": _("晚于"), "ge": _("不早于")}
JOIN_LABELS: Mapping[str, str] = {
    "all": _("全部满足"), "any": _("满足任意一条"), "not_all": _("不全满足"), "not_any": _("一条也不满足"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row to draw: `input` says which kind of input its values have, none when it needs no value."""

    name: str
    row: Row
    field: BuilderField | None
    operators: tuple[tuple[str, str], ...]
    op: str
    input: str
    several: bool
    choices: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    errors: Errors

    @property
    def values(self) -> tuple[str, ...]:
        """Return the values as their inputs take them, two for a range."""
        found = tuple(value.removesuffix(MIDNIGHT) if self.input == "date" else value for value in self.row.values)
        return (*found, "", "")[: max(2, len(found))] if self.op == "between" else found

    @property
    def first(self) -> str:
        """Return the first value."""
        return self.values[0] if self.values else ""

    def error(self, part: str) -> object:
        """Return the error of one of its inputs, if it has one."""
        return self.errors.get(f"{self.name}.{part}")


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group to draw."""

    name: str
    join: str
    items: "tuple[ShownRow | ShownGroup, ...]"
    is_root: bool
    can_nest: bool


@dataclass(frozen=True, slots=True)
class ShownBuilder:
    """An editor to draw."""

    name: str
    root: ShownGroup
    text: str | None
    errors: Errors
    fields: tuple[BuilderField, ...]
    joins: tuple[tuple[str, str], ...] = tuple(JOIN_LABELS.items())

    @property
    def groups(self) -> list[tuple[str, list[BuilderField]]]:
        """Return the fields under the names they stand together under, in order."""
        found: dict[str, list[BuilderField]] = {}
        for item in self.fields:
            found.setdefault(item.group, []).append(item)
        return list(found.items())

    @property
    def error(self) -> object:
        """Return the error of the whole, if it has one."""
        return self.errors.get(self.name)

    @property
    def text_error(self) -> object:
        """Return the error of the text, if it has one."""
        return self.errors.get(f"{self.name}._text")


def shown(builder: Builder, setup: BuilderSetup, errors: Errors = NO_ERRORS) -> ShownBuilder:
    """Return an editor as the piece draws it."""
    root = _group(builder.rows, setup.prefix, setup, errors, 1)
    return ShownBuilder(setup.prefix, root, builder.text, errors, setup.fields)


def inputs_of(group: ShownGroup) -> Iterator[tuple[str, str]]:
    """Yield the name and value of every input the piece draws for a group, as a browser would send them."""
    yield f"{group.name}.join", group.join
    for item in group.items:
        if isinstance(item, ShownGroup):
            yield from inputs_of(item)
            continue
        yield f"{item.name}.field", item.row.field
        yield f"{item.name}.op", item.op
        yield f"{item.name}.other", item.row.other
        yield from ((f"{item.name}.value", value) for value in item.values)


def _group(group: Group, name: str, setup: BuilderSetup, errors: Errors, depth: int) -> ShownGroup:
    items = tuple(
        _group(item, f"{name}.{place}", setup, errors, depth + 1)
        if isinstance(item, Group)
        else _row(item, f"{name}.{place}", setup, errors)
        for place, item in enumerate(group.items)
    )
    return ShownGroup(name, group.join, items, depth == 1, depth < MAX_NESTED)


def _row(row: Row, name: str, setup: BuilderSetup, errors: Errors) -> ShownRow:
    found = setup.field(row.field)
    if found is None:
        return ShownRow(name, row, None, (), row.op, "", False, (), (), errors)
    operators = operators_of(found.kind, has_history=setup.has_history)
    op = row.op if row.op in operators else next(iter(operators))
    labels = {**OPERATOR_LABELS, **(MOMENT_LABELS if found.kind is FieldKind.DATETIME else {})}
    is_compared = op in OTHER_FIELD_OPERATORS.get(found.kind, ())
    others = [(item.id, item.label) for item in setup.fields if item.kind is found.kind and item.id != found.id]
    return ShownRow(
        name, row, found, tuple((each, labels[each]) for each in operators), op, _input(found, row, operators[op]),
        operators[op] is Operand.LIST, _choices(found, row), tuple(others) if is_compared else (), errors,
    )  # fmt: skip


def _input(found: BuilderField, row: Row, operand: Operand) -> str:
    if operand is Operand.NONE:
        return ""
    is_typed_part = found.kind is FieldKind.TEXT and row.op in (
        "contains",
        "not_contains",
        "starts_with",
        "contains_any",
    )
    if found.choices and not is_typed_part:
        return "choices" if operand is not Operand.LIST or len(found.choices) > MAX_CHIPS else "chips"
    if operand is Operand.LIST:
        return "lines"
    if found.kind is FieldKind.DATETIME:
        is_day = found.is_day and all("T" not in value or value.endswith(MIDNIGHT) for value in row.values)
        return "date" if is_day else "datetime-local"
    if found.refer is not None:
        return "text"
    return "number" if found.kind in (FieldKind.NUMBER, FieldKind.REF) else "text"


def _choices(found: BuilderField, row: Row) -> tuple[tuple[str, str], ...]:
    """Return what can be chosen, with what was chosen before and is no choice any more."""
    known = {value for value, _label in found.choices}
    return (*found.choices, *((value, value) for value in row.values if value and value not in known))
