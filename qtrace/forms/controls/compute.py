"""Controls nobody types: formulas, values looked up in what another field names, and figures over rows."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from operator import is_
from typing import Protocol

from flask import Flask, current_app
from flask_babel import gettext as _

from qtrace.conditions.formula import Formula, evaluate_formula, parse_formula
from qtrace.conditions.formula_tree import FormulaError
from qtrace.conditions.formula_values import Kind, Scalar, Type
from qtrace.conditions.tree import OPERATORS, FieldKind
from qtrace.core.errors import Refused
from qtrace.forms.answers import Bound
from qtrace.forms.computing import Computing, World, in_order, labels_of, type_of, types_of
from qtrace.forms.controls.number import number_cell
from qtrace.forms.registry import (
    CONDITION_VALUES,
    MOST_DIGITS,
    MOST_NUMBER,
    Cell,
    Control,
    FieldDefinition,
    Names,
    Option,
    OptionChoice,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
    controls,
)

SOURCES, LINKED = "qtrace_lookup_sources", "qtrace_linked_records"
READ = "_read_formula"  # where a field remembers its formula, with the very fields it was read against
LONGEST = 2000
RESULTS: Mapping[str, tuple[FieldKind, Storage, Kind, str]] = {
    "number": (FieldKind.NUMBER, Storage.NUMBER, Kind.NUMBER, "decimal"),
    "text": (FieldKind.TEXT, Storage.TEXT, Kind.TEXT, "textarea"),
    "bool": (FieldKind.BOOL, Storage.BOOL, Kind.BOOL, "switch"),
    "date": (FieldKind.DATETIME, Storage.DATE, Kind.DATE, "date"),
    "datetime": (FieldKind.DATETIME, Storage.DATETIME, Kind.DATETIME, "datetime"),
}
RESULT = Option(
    "result", str, label_zh="结果是", label_en="Result", default="number",
    choices=(
        OptionChoice("number", "数字", "Number"), OptionChoice("text", "文字", "Text"), OptionChoice("bool", "是或否", "Yes or no"),
        OptionChoice("date", "日期", "Date"), OptionChoice("datetime", "日期时间", "Date and time"),
    ),
)  # fmt: skip
UNIT = Option("unit", str, label_zh="单位", label_en="Unit")
DIGITS = Option("digits", int, label_zh="小数位数", label_en="Decimals", default=2, least=0, most=MOST_DIGITS)
SAMPLES: Mapping[str, tuple[str, str]] = {
    "number": ("12.50", "abc"), "text": ("护肤", "长" * 2001), "bool": ("1", ""), "date": ("2026-11-22", "明天"),
    "datetime": ("2026-11-22T09:30", "刚才"),
}  # fmt: skip
HOW = (
    OptionChoice("sum", "合计", "Sum"), OptionChoice("count", "行数", "Rows"), OptionChoice("avg", "平均", "Mean"),
    OptionChoice("min", "最小", "Least"), OptionChoice("max", "最大", "Greatest"),
)  # fmt: skip


class Computed(Computing):
    """A computed value of the type the field declares; it is shown, filtered and exported as that type."""

    @property
    def template(self) -> str:
        """Return the piece that shows the value."""
        return "forms/controls/computed.html"

    def result(self, field: FieldDefinition) -> str:
        """Return which type the value has."""
        named = field.text("result", "number")
        return named if named in RESULTS else "number"

    def like(self, field: FieldDefinition) -> tuple[Control, FieldDefinition]:
        """Return the plain control that shows and reads such a value."""
        key = RESULTS[self.result(field)][3]
        plain = {"digits": MOST_DIGITS, "max_length": LONGEST} | (
            {"unit": field.text("unit")} if field.text("unit") else {}
        )
        options = {
            name: value for name, value in plain.items() if name in {option.name for option in controls()[key].options}
        }
        if key == "decimal":
            options.pop("digits", None)
        return controls()[key], replace(field, control=key, options=options)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a value as a sheet brings it, and one of another type."""
        right, wrong = SAMPLES[self.result(field)]
        return Samples([Sent({field.id: [right]})], [Sent({field.id: [wrong]})])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return a value of the type; only sheets bring one, and it is worked out anew when the record is saved."""
        if not sent.first(field.id):
            return None
        control, like = self.like(field)
        return control.parse(like, sent)

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the value as it is shown, for the page to keep showing it."""
        control, like = self.like(field)
        return control.send(like, value) if value is not None else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the value as its type is shown."""
        control, like = self.like(field)
        return "—" if value is None else control.show(like, value)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the value as its type is written."""
        if self.result(field) == "number" and isinstance(value, int | str):
            return number_cell(str(value))
        control, like = self.like(field)
        return None if value is None else control.to_cell(like, value)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a value of the type."""
        if cell is None or not cell_text(cell):
            return None
        control, like = self.like(field)
        return control.from_cell(like, cell)

    def condition_kind(self, field: FieldDefinition) -> FieldKind | None:
        """Return the type as conditions ask of it."""
        return RESULTS[self.result(field)][0]

    @property
    def operators(self) -> tuple[str, ...]:
        """Return those of a number; a field of another type has its own."""
        return tuple(OPERATORS[FieldKind.NUMBER])

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the value as its type is compared."""
        return None if value is None else CONDITION_VALUES[RESULTS[self.result(field)][1]](value)

    def shown_text(self, bound: Bound) -> str:
        """Return the value an earlier saving left, as it is shown; empty while there is none."""
        try:
            value = self.parse(bound.field, bound.sent)
        except Refused:
            return ""
        return "" if value is None else self.show(bound.field, value)

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return texts only."""
        return value if isinstance(value, str) and self.result(field) == "text" else ""


class FormulaField(Computed):
    """The result of a formula over the record's other fields."""

    key, name_zh, name_en = "formula", "公式", "Formula"
    icon = "sliders"
    options = (
        Option("formula", str, required=True, label_zh="公式", label_en="Formula", rows=3,
               help_zh="用花括号写字段名,如 {数量} * {单价};子表的列用 sum({明细.金额})。", help_en="Fields in braces: {Qty} * {Price}; columns of rows as sum({Lines.Amount})."),
        RESULT, DIGITS, UNIT,
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return a formula that is always right."""
        return {"formula": "0", "result": "number"}

    def check_together(self, field: FieldDefinition, fields: Sequence[FieldDefinition]) -> list[str]:
        """Return why the formula can't be worked out on this form: its words, its types, a circle."""
        try:
            self.read(field, fields)
            in_order(fields)
        except FormulaError as error:
            return [_("公式写错了:%(why)s", why=error.message)]
        except Refused as refused:
            return [refused.message]
        return []

    def read(self, field: FieldDefinition, fields: Sequence[FieldDefinition]) -> Formula:
        """Return the formula read against the fields of the form: once, for a batch asks again for every record."""
        read = field.__dict__.get(READ)
        if read is not None and len(read[0]) == len(fields) and all(map(is_, read[0], fields)):
            before: Formula = read[1]
            return before
        others = [one for one in fields if one.id != field.id]
        own = [field] if any(one.id == field.id for one in fields) else []
        wanted = RESULTS[self.result(field)][2]
        found = parse_formula(
            field.text("formula"), types_of([*others, *own]), labels_of([*others, *own]), wanted=wanted
        )
        field.__dict__[READ] = (list(fields), found)
        return found

    def reads(self, asked: FieldDefinition, fields: Mapping[str, FieldDefinition]) -> frozenset[str]:
        """Return the fields the formula names; one that can't be read needs none."""
        try:
            return self.read(asked, list(fields.values())).fields
        except FormulaError:
            return frozenset()

    def compute(self, asked: FieldDefinition, values: Mapping[str, Value], world: World) -> Value:
        """Return the formula's result as it is kept; refuse with the reason where there is none."""
        try:
            place = f"{world.table}{asked.id}"
            formula = world.memory.formulas.get(place)
            if formula is None:
                formula = world.memory.formulas[place] = self.read(asked, list(world.fields.values()))
            seen = {name: _seen(name, kind, values, world) for name, kind in formula.types.items()}
            return self.kept(asked, evaluate_formula(formula, seen, world.environment))
        except FormulaError as error:
            raise Refused(_("算不出来:%(why)s", why=error.message)) from None

    def kept(self, field: FieldDefinition, result: Scalar) -> Value:
        """Return a result as it is kept; refuse one that does not fit."""
        if isinstance(result, Decimal):
            return settled(result, field.number("digits", 2))
        if isinstance(result, datetime):
            return result.isoformat()
        if isinstance(result, date):
            return result.isoformat()
        return result[:LONGEST] or None if isinstance(result, str) else result


class Lookup(Computed):
    """A value of what another field names: the supplier of the SKU, the amount of the order."""

    key, name_zh, name_en = "lookup", "引用", "Lookup"
    icon = "corner-down-right"
    options = (
        Option("through", str, required=True, label_zh="看哪个字段", label_en="Through the field", names=Names.FIELD),
        Option("take", str, required=True, label_zh="取什么", label_en="Take"),
        replace(RESULT, default="text"),
        UNIT,
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return the article's name."""
        return {"through": "sku", "take": "name", "result": "text"}

    @property
    def operators(self) -> tuple[str, ...]:
        """Return those of a text; a field of another type has its own."""
        return tuple(OPERATORS[FieldKind.TEXT])

    def result(self, field: FieldDefinition) -> str:
        """Return which type the value has."""
        named = field.text("result", "text")
        return named if named in RESULTS else "text"

    def panel(self) -> Sequence[Option]:
        """Return the settings with everything that can be taken."""
        known = {name: taken for source in sources().values() for name, taken in source.items()}
        choices = tuple(OptionChoice(name, taken.name_zh, taken.name_en) for name, taken in known.items())
        through, take, *rest = self.options
        return [replace(through, fits=tuple(sources())), replace(take, choices=choices), *rest]

    def check_together(self, field: FieldDefinition, fields: Sequence[FieldDefinition]) -> list[str]:
        """Return why nothing can be looked up on this form."""
        through = next((one for one in fields if one.id == field.text("through")), None)
        if through is None:
            return [_("表单里没有字段 %(name)s。", name=field.text("through"))]
        taken = sources().get(through.control, {}).get(field.text("take"))
        if taken is None:
            words = "、".join(f"{name}({one.name_zh})" for name, one in sources().get(through.control, {}).items())
            return [_("从「%(name)s」可以取:%(words)s。", name=through.label_zh, words=words or "—")]
        return (
            []
            if taken.result == self.result(field)
            else [_("「%(name)s」的结果类型应是 %(kind)s。", name=taken.name_zh, kind=taken.result)]
        )

    def reads(self, asked: FieldDefinition, fields: Mapping[str, FieldDefinition]) -> frozenset[str]:
        """Return the field that names the row."""
        return frozenset({asked.text("through")})

    def compute(self, asked: FieldDefinition, values: Mapping[str, Value], world: World) -> Value:
        """Return the value in what the field names now."""
        through = world.fields.get(asked.text("through"))
        taken = sources().get(through.control, {}).get(asked.text("take")) if through else None
        value = values.get(asked.text("through"))
        return taken.read(value) if taken is not None and value is not None else None


class LinkedRecords(Protocol):
    """What there is in the records that link to a record; the package that owns them registers it."""

    def values(self, form: str, subject: tuple[str, int], field: str) -> Sequence[object]:
        """Return what the field holds in each record of the form that links to the subject, as conditions see it."""
        ...

    def problem(self, form: str, field: str, how: str) -> str:
        """Return why nothing can be made of the form's field; empty when all is well."""
        ...


class Rollup(Computed):
    """A figure over the rows of a table, or over the records that link to this one: how many, their sum, mean or ends."""

    key, name_zh, name_en = "rollup", "汇总", "Rollup"
    icon = "bar-chart"
    options = (
        Option("over", str, label_zh="汇总哪一列", label_en="Over", names=Names.COLUMN,
               help_zh="只数行数就选子表;只数别的表单的记录就不选。", help_en="Choose the table alone to count its rows; nothing to count records of another form."),
        Option("how", str, label_zh="怎么算", label_en="How", default="sum", choices=HOW),
        Option("form", str, label_zh="汇总哪张表单的记录", label_en="Of the records of", advanced=True,
               help_zh="填表单的编号,汇总那里关联到这条记录的记录;不填就汇总本表单的子表。", help_en="The key of a form whose records link to this one; a table of this form when empty."),
        DIGITS, UNIT,
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return the sum of a column that is still to be named."""
        return {"over": "lines.qty", "how": "sum"}

    def result(self, field: FieldDefinition) -> str:
        """Return that figures are numbers."""
        return "number"

    def check_together(self, field: FieldDefinition, fields: Sequence[FieldDefinition]) -> list[str]:
        """Return why there is no such column of numbers on this form, or on the one that links here."""
        if field.text("form"):
            problem = linked_records().problem(field.text("form"), field.text("over"), field.text("how", "sum"))
            return [problem] if problem else []
        table, _dot, column = field.text("over").partition(".")
        asked = next((one for one in fields if one.id == table), None)
        columns = controls()[asked.control].columns(asked) if asked is not None else ()
        if not columns:
            return [_("表单里没有子表 %(name)s。", name=table)]
        if field.text("how", "sum") == "count":
            return []
        numbers = [one.id for one in columns if type_of(one, controls()[one.control]) == Type(Kind.NUMBER)]
        return (
            []
            if column in numbers
            else [
                _(
                    "「%(name)s」里能汇总的列:%(columns)s。",
                    name=asked.label_zh if asked else table,
                    columns="、".join(numbers) or "—",
                )
            ]
        )

    def reads(self, asked: FieldDefinition, fields: Mapping[str, FieldDefinition]) -> frozenset[str]:
        """Return the column; nothing of this form where other records are summed up."""
        return frozenset() if asked.text("form") else frozenset({asked.text("over")})

    def compute(self, asked: FieldDefinition, values: Mapping[str, Value], world: World) -> Value:
        """Return the figure; a mean or an end of nothing is empty, the sum of nothing is 0."""
        if asked.text("form"):
            return self.over_linked(asked, world)
        table, _dot, column = asked.text("over").partition(".")
        rows, how = _rows(values.get(table)), asked.text("how", "sum")
        if how == "count":
            return len(rows)
        fields = (
            {one.id: one for one in controls()[world.fields[table].control].columns(world.fields[table])}
            if table in world.fields
            else {}
        )
        one = fields.get(column)
        seen = [controls()[one.control].to_condition(one, row.get(column)) for row in rows] if one is not None else []
        return self.settled_figure(asked, seen)

    def over_linked(self, asked: FieldDefinition, world: World) -> Value:
        """Return the figure over the records that link to this one; none does while it is not stored yet."""
        subject, name = world.subject, asked.text("over")
        seen = linked_records().values(asked.text("form"), subject, name) if subject else ()
        return len(seen) if asked.text("how", "sum") == "count" else self.settled_figure(asked, seen)

    def settled_figure(self, asked: FieldDefinition, seen: Sequence[object]) -> Value:
        """Return the figure of the numbers among what was seen, rounded; empty where nothing makes none."""
        numbers = [
            Decimal(number) for number in seen if isinstance(number, int | Decimal) and not isinstance(number, bool)
        ]
        how = asked.text("how", "sum")
        return settled(figure(how, numbers), asked.number("digits", 2)) if numbers or how == "sum" else None


@dataclass(frozen=True)
class Taken:
    """Something that can be looked up in a row: its names, its type, and reading it from what the field holds."""

    name_zh: str
    name_en: str
    result: str
    read: Callable[[Value], Value]
    private: bool = False  # about a person or a supplier: never told to people without an account


def register_linked(app: Flask, source: LinkedRecords) -> None:
    """Say what there is in the records that link to a record."""
    app.extensions[LINKED] = source


def linked_records() -> LinkedRecords:
    """Return what there is in the records that link to a record."""
    source: LinkedRecords = current_app.extensions[LINKED]
    return source


def register_lookup(app: Flask, control: str, taken: Mapping[str, Taken]) -> None:
    """Say what can be looked up in the rows a control names."""
    app.extensions.setdefault(SOURCES, {})[control] = taken


def sources() -> Mapping[str, Mapping[str, Taken]]:
    """Return what can be looked up, by control."""
    known: Mapping[str, Mapping[str, Taken]] = current_app.extensions.get(SOURCES, {})
    return known


def figure(how: str, numbers: Sequence[Decimal]) -> Decimal:
    """Return the sum, mean, least or greatest of exact numbers."""
    total = sum(numbers, Decimal(0))
    return {
        "sum": lambda: total,
        "avg": lambda: total / len(numbers),
        "min": lambda: min(numbers),
        "max": lambda: max(numbers),
    }[how]()


def settled(number: Decimal, digits: int) -> str:
    """Return a result with the field's decimals, rounded half up; refuse one too large to be kept."""
    if abs(number) >= MOST_NUMBER:
        raise Refused(_("结果太大了。最多 12 位整数。"))
    return f"{number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP) + 0:f}"


def _seen(name: str, kind: Type, values: Mapping[str, Value], world: World) -> object:
    """Return a field, or a column of rows, as formulas see it."""
    top, _dot, column = name.partition(".")
    asked = world.fields[top]
    if not column:
        return _typed(asked, values.get(top), kind)
    one = next(one for one in controls()[asked.control].columns(asked) if one.id == column)
    return tuple(_typed(one, row.get(column), kind) for row in _rows(values.get(top)))


def _typed(asked: FieldDefinition, value: Value, kind: Type) -> object:
    seen = None if value is None else controls()[asked.control].to_condition(asked, value)
    return seen.date() if kind.kind is Kind.DATE and isinstance(seen, datetime) else seen


def _rows(value: Value) -> list[Mapping[str, Value]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
