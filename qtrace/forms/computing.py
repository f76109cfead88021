"""Work out the computed fields of a form: each after what it reads, from answers that could be read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar

from flask_babel import gettext as _

from qtrace.conditions.formula import Formula
from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import Kind, Type
from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Control, FieldDefinition, Storage, Value, controls

KINDS: Mapping[FieldKind, Type] = {
    FieldKind.TEXT: Type(Kind.TEXT), FieldKind.NUMBER: Type(Kind.NUMBER), FieldKind.BOOL: Type(Kind.BOOL),
    FieldKind.DATETIME: Type(Kind.DATETIME), FieldKind.REF: Type(Kind.NUMBER),
    FieldKind.LIST: Type(Kind.TEXT, is_list=True),
}  # fmt: skip


@dataclass(frozen=True)
class Memory:
    """What is read once for all records of a definition: its formulas by place, and the order of each table's fields."""

    formulas: dict[str, Formula] = field(default_factory=dict)
    orders: dict[str, list[str]] = field(default_factory=dict)
    computes: list[bool] = field(default_factory=list)  # whether there is a computed field at all, once known


@dataclass(frozen=True)
class World:
    """What a computed field may know: the fields there are with their values, and what formulas may know besides."""

    fields: Mapping[str, FieldDefinition]
    environment: Environment
    memory: Memory = field(default_factory=Memory)
    table: str = ""  # `lines.` while a row of that field is worked out; empty for the form itself
    subject: tuple[str, int] | None = None  # the form and the id of the record; None while there is none yet


@dataclass(frozen=True)
class Results:
    """The values with the computed ones among them, and why some could not be worked out, by field."""

    values: dict[str, Value] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


class Computing(Control):
    """A control nobody types: its value follows from other fields whenever the record is saved."""

    storage = Storage.COMPUTED
    assigned: ClassVar[bool] = True
    family = "relation"

    def reads(self, asked: FieldDefinition, fields: Mapping[str, FieldDefinition]) -> frozenset[str]:
        """Return the fields it follows from, columns as `rows.qty`."""
        raise NotImplementedError

    def compute(self, asked: FieldDefinition, values: Mapping[str, Value], world: World) -> Value:
        """Return the value; refuse with the reason where it can't be worked out."""
        raise NotImplementedError


def compute_all(
    definition: FormDefinition, values: Mapping[str, Value], environment: Environment,
    subject: tuple[str, int] | None = None,
) -> Results:  # fmt: skip
    """Return the values with every computed field worked out anew; call it after reading and before the rules."""
    memory = _memory(definition)
    fields = list(definition.fields)
    return compute_fields(fields, values, World({one.id: one for one in fields}, environment, memory, subject=subject))


def compute_fields(
    fields: Sequence[FieldDefinition], values: Mapping[str, Value], world: World,
    given: Mapping[str, Value] | None = None,
) -> Results:  # fmt: skip
    """Work out the computed ones of these fields; those of a row see the values around it, too."""
    known = controls()
    results = Results(dict(values))
    for asked in fields:
        if any(isinstance(known[one.control], Computing) for one in known[asked.control].columns(asked)):
            _compute_rows(asked, results, world)
    try:
        order = world.memory.orders.get(world.table)
        if order is None:
            order = world.memory.orders[world.table] = in_order(fields)
    except Refused as refused:  # published before what it reads was taken away
        results.errors[refused.field or ""] = refused.message
        return results
    for name in order:
        asked = world.fields[name]
        control = known[asked.control]
        results.values.pop(name, None)
        if not isinstance(control, Computing):
            continue
        try:
            value = control.compute(asked, {**(given or {}), **results.values}, world)
        except Refused as refused:
            results.errors[name] = refused.message
            continue
        if value is not None:
            results.values[name] = value
    return results


def computes(definition: FormDefinition) -> bool:
    """Say whether the form, or a row of it, has a computed field."""
    found = _memory(definition).computes
    if not found:
        known = controls()
        found.append(any(
            isinstance(known[one.control], Computing)
            for asked in definition.fields
            for one in (asked, *known[asked.control].columns(asked))
        ))  # fmt: skip
    return found[0]


def _memory(definition: FormDefinition) -> Memory:
    memory: Memory = definition.__dict__.setdefault("computing_memory", Memory())
    return memory


def in_order(fields: Sequence[FieldDefinition]) -> list[str]:
    """Return the computed fields, each after those it reads; refuse a circle and name it."""
    by_id = {one.id: one for one in fields}
    known = controls()
    computed = {one.id: known[one.control] for one in fields if isinstance(known[one.control], Computing)}
    needs = {
        name: sorted(part for part in _above(control.reads(by_id[name], by_id)) if part in computed)
        for name, control in computed.items()
        if isinstance(control, Computing)
    }
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        named = " → ".join(by_id[name].label_zh for name in reversed(error.args[1]))
        raise Refused(_("公式互相引用,算不出来:%(cycle)s", cycle=named), str(error.args[1][0])) from None


def types_of(fields: Iterable[FieldDefinition]) -> dict[str, Type]:
    """Return the types formulas see: fields, and the columns of rows as lists."""
    found: dict[str, Type] = {}
    for asked in fields:
        control = controls()[asked.control]
        kind = type_of(asked, control)
        if kind is not None:
            found[asked.id] = kind
        for one in control.columns(asked):
            inner = type_of(one, controls()[one.control])
            if inner is not None and not inner.is_list:
                found[f"{asked.id}.{one.id}"] = Type(inner.kind, is_list=True)
    return found


def type_of(asked: FieldDefinition, control: Control) -> Type | None:
    """Return the type formulas see in a field; None when they can't see it."""
    kind = control.condition_kind(asked)
    if kind is FieldKind.DATETIME and is_day(asked, control):
        return Type(Kind.DATE)
    return KINDS.get(kind) if kind is not None else None


def is_day(asked: FieldDefinition, control: Control) -> bool:
    """Say whether a field holds days, not moments."""
    return control.storage == Storage.DATE or (control.storage == Storage.COMPUTED and asked.text("result") == "date")


def labels_of(fields: Iterable[FieldDefinition]) -> dict[str, str]:
    """Return {what people call a field, in either language: its id}; a column is `table.column`, names two share stand for none."""
    found: dict[str, str] = {}
    double: set[str] = set()
    for asked in fields:
        names = {(label, asked.id) for label in (asked.label_zh, asked.label_en)}
        for one in controls()[asked.control].columns(asked):
            path = f"{asked.id}.{one.id}"
            names |= {(f"{asked.label_zh}.{one.label_zh}", path), (f"{asked.label_en}.{one.label_en}", path)}
        for label, name in names:
            if found.setdefault(label, name) != name:
                double.add(label)
    return {label: name for label, name in found.items() if label not in double}


def _compute_rows(asked: FieldDefinition, results: Results, world: World) -> None:
    rows = results.values.get(asked.id)
    columns = controls()[asked.control].columns(asked)
    if not isinstance(rows, list):
        return
    done: list[Value] = []
    around = {**world.fields, **{one.id: one for one in columns}}
    inside = World(around, world.environment, world.memory, table=f"{asked.id}.", subject=world.subject)
    for place, row in enumerate(rows):
        found = compute_fields(columns, row if isinstance(row, Mapping) else {}, inside, results.values)
        done.append(found.values)
        results.errors.update({f"{asked.id}.{place}.{name}": text for name, text in found.errors.items()})
    results.values[asked.id] = done


def _above(names: Iterable[str]) -> set[str]:
    """Return the fields that hold these columns, or the fields themselves."""
    return {name.partition(".")[0] for name in names}
