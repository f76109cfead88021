"""Turn a definition and answers into what the engine judges."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from qtrace.conditions.tree import FieldKind
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Control, FieldDefinition, Storage, Value, controls
from qtrace.rules.engine import FieldFact
from qtrace.sdk.rules import Holds, Limits
from qtrace.sdk.text import Text

HOLDS: Mapping[Storage, Holds] = {
    Storage.TEXT: "text", Storage.NUMBER: "number", Storage.MONEY: "money", Storage.BOOL: "yes", Storage.DATE: "day",
    Storage.DATETIME: "moment", Storage.JSON_LIST: "list", Storage.REF: "ref", Storage.REFS: "refs",
    Storage.FILE_REFS: "files", Storage.ROWS: "rows", Storage.COMPUTED: "other",
}  # fmt: skip
COMPARED: Mapping[FieldKind, Holds] = {
    FieldKind.TEXT: "text", FieldKind.NUMBER: "number", FieldKind.BOOL: "yes", FieldKind.DATETIME: "moment",
    FieldKind.REF: "ref", FieldKind.LIST: "list",
}  # fmt: skip


def field_facts(definition: FormDefinition) -> dict[str, FieldFact]:
    """Return what rules may know of each field that is asked."""
    known = controls()
    return {asked.id: _fact(asked, known) for asked in definition.fields if not known[asked.control].layout}


def condition_kinds(facts: Mapping[str, FieldFact]) -> dict[str, FieldKind]:
    """Return what conditions may ask of a form: its fields, and the columns of its sub-tables as `rows.column`."""
    kinds = {name: fact.kind for name, fact in facts.items()}
    for name, fact in facts.items():
        kinds |= {f"{name}.{column}": inner.kind for column, inner in fact.columns.items()}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def columns_of(asked: FieldDefinition) -> tuple[FieldDefinition, ...]:
    """Return the fields of a sub-table's rows."""
    known = controls()
    return tuple(one for one in known[asked.control].columns(asked) if one.control in known)


def seen_value(asked: FieldDefinition, value: Value) -> object:
    """Return one answer as conditions and rules see it."""
    return _sight(asked, controls())(value)


class Sight:
    """How conditions and rules see the answers of one definition; made once for many records."""

    def __init__(self, definition: FormDefinition) -> None:
        known = controls()
        self._fields = [(asked.id, asked.column, _sight(asked, known)) for asked in definition.fields]

    def of(self, columns: Mapping[str, Value], answers: Mapping[str, Value]) -> dict[str, object]:
        """Return every answer as conditions and rules see it."""
        return {
            name: see(columns.get(column) if column else answers.get(name)) for name, column, see in self._fields
        }  # fmt: skip


def _sight(asked: FieldDefinition, known: Mapping[str, Control]) -> Callable[[Value], object]:
    control = known[asked.control]
    if control.storage == Storage.ROWS:
        inner = [(one.id, _sight(one, known)) for one in columns_of(asked)]

        def rows(value: Value) -> object:
            found = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
            return tuple({name: see(row.get(name)) for name, see in inner} for row in found)

        return rows
    if control.storage == Storage.REF:  # named by a number that is not here yet: an import brings it along
        return lambda value: (value or None) if isinstance(value, str) else control.to_condition(asked, value)
    return lambda value: control.to_condition(asked, value)


def seen_numbers(asked: FieldDefinition, column: str, value: Value, same: Mapping[str, object]) -> list[Decimal]:
    """Return the number a field holds, or those a column has in the rows whose other columns are the same."""
    seen = seen_value(asked, value)
    rows = [row for row in seen if isinstance(row, Mapping)] if isinstance(seen, tuple) else []
    alike = [row for row in rows if all(row.get(name) == wanted for name, wanted in same.items())]
    found = [row.get(column) for row in alike] if column else [seen]
    return [Decimal(one) for one in found if isinstance(one, int | Decimal) and not isinstance(one, bool)]


def split_same(table: str, same: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Return what must be the same of the record, and of the row, whose columns are written `table.column`."""
    inside = {name: value for name, value in same.items() if name.startswith(f"{table}.")}
    outside = {name: value for name, value in same.items() if name not in inside}
    return outside, {name.partition(".")[2]: value for name, value in inside.items()}


def _fact(asked: FieldDefinition, known: Mapping[str, Control]) -> FieldFact:
    control = known[asked.control]
    kind = control.condition_kind(asked)
    inner = {one.id: _fact(one, known) for one in columns_of(asked)} if control.storage == Storage.ROWS else {}
    limits = Limits(_decimal(asked.options.get("low")), _decimal(asked.options.get("high")), asked.text("unit"))
    return FieldFact(Text(asked.label_zh, asked.label_en), _holds(control, kind), kind, limits, inner)


def _holds(control: Control, kind: FieldKind | None) -> Holds:
    if control.storage in (Storage.COMPUTED, Storage.JSON_LIST) and kind is not None:
        return COMPARED[kind]
    return HOLDS[control.storage]


def _decimal(value: object) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, int | str | Decimal) and str(value).strip() else None
