"""The registry of field controls: what a control must know before a form may use it.

A control counts only with eight parts: a phone-friendly input, parse and check, a storage kind with filter operators,
list and detail rendering, Excel out and in, print rendering, a word on public forms and a word on sub-tables. Controls
that need a domain live in that domain's package and register through `register_control`.
"""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import gettext as _

from qtrace.conditions.tree import OPERATORS, FieldKind
from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile
from qtrace.core.money import minor_digits

EXTENSION = "qtrace_controls"
MAX_TEXT = 2000

# What a control hands over and what answers keep: plain JSON, so that it is stored as it is; never a float.
Value = None | bool | int | str | Sequence["Value"] | Mapping[str, "Value"]
Cell = None | bool | int | float | str | Decimal | date | datetime


class Storage(StrEnum):
    """How a value is kept."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"
    JSON_LIST = "json_list"
    REF = "ref"
    REFS = "refs"
    FILE_REFS = "file_refs"
    ROWS = "rows"
    COMPUTED = "computed"


FILTER_KINDS: Mapping[Storage, FieldKind | None] = {
    Storage.TEXT: FieldKind.TEXT,
    Storage.NUMBER: FieldKind.NUMBER,
    Storage.MONEY: FieldKind.NUMBER,
    Storage.BOOL: FieldKind.BOOL,
    Storage.DATE: FieldKind.DATETIME,
    Storage.DATETIME: FieldKind.DATETIME,
    Storage.REF: FieldKind.REF,
}
LIST_OPERATORS = ("contains_any", "is_empty", "not_empty")
FAMILIES = (
    "text", "number", "choice", "time", "media", "identity", "commerce", "quality", "people", "place", "relation", "layout",
)  # fmt: skip


def day_start(text: str) -> datetime:
    """Return a day as conditions compare it: its start in UTC."""
    return datetime.combine(date.fromisoformat(text), time(), UTC)


def _amount(value: Value) -> Decimal | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("minor"), int):
        return None
    digits = minor_digits(str(value.get("currency") or "CNY"))
    return Decimal(str(value["minor"])).scaleb(-digits)


def _listed(value: Value) -> tuple[str, ...] | None:
    return tuple(str(item) for item in value) or None if isinstance(value, list) else None


CONDITION_VALUES: Mapping[Storage, Callable[[Value], object]] = {
    Storage.TEXT: lambda value: value if isinstance(value, str) else None,
    Storage.NUMBER: lambda value: Decimal(str(value)) if isinstance(value, int | str) else None,
    Storage.MONEY: _amount,
    Storage.BOOL: lambda value: value if isinstance(value, bool) else None,
    Storage.DATE: lambda value: day_start(value) if isinstance(value, str) else None,
    Storage.DATETIME: lambda value: datetime.fromisoformat(value) if isinstance(value, str) else None,
    Storage.JSON_LIST: _listed,
    Storage.REF: lambda value: value if isinstance(value, int) else None,
    Storage.REFS: _listed,
    Storage.FILE_REFS: _listed,
    Storage.ROWS: lambda _value: None,
    Storage.COMPUTED: lambda _value: None,
}


@dataclass(frozen=True)
class Choice:
    """One thing that can be chosen; `hint` explains it, `group` names the heading it stands under."""

    value: str
    label: str
    hint: str = ""
    group: str = ""
    loud: str = ""  # the chip class: bad, warn or nothing


@dataclass(frozen=True)
class Option:
    """A setting of a control in a form definition."""

    name: str
    kind: type
    required: bool = False


@dataclass(frozen=True)
class FieldDefinition:
    """One field of a form: which control it is and, if any, which built-in column of the record it fills."""

    id: str
    control: str
    label_zh: str
    label_en: str
    required: bool = False
    help_zh: str = ""
    help_en: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    column: str = ""
    default: str = ""  # what a new form is filled with: text as typed, or a word the control knows, like "today"
    filterable: bool = False  # kept in a typed column of its own, so lists filter, sort and group by it
    in_list: bool = False
    retired: bool = False  # asked no more; what records hold stays

    def number(self, name: str, default: int) -> int:
        """Return a whole-number option."""
        value = self.options.get(name, default)
        return value if isinstance(value, int) else default

    def text(self, name: str, default: str = "") -> str:
        """Return a text option."""
        return str(self.options.get(name, default))


@dataclass(frozen=True)
class Sent:
    """What a browser sent: texts by input name, and files that already lie in the store."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Sequence[StoredFile]] = field(default_factory=dict)

    def first(self, name: str) -> str:
        """Return the first text of an input, trimmed; empty when it was not sent."""
        return next(iter(self.values.get(name, ())), "").strip()

    def all(self, name: str) -> list[str]:
        """Return every non-empty text of an input in order, each once."""
        return list(dict.fromkeys(text.strip() for text in self.values.get(name, ()) if text.strip()))


class Control:
    """A field control; a subclass says how its value is read, checked, shown, exchanged and printed."""

    key: ClassVar[str]
    name_zh: ClassVar[str]
    name_en: ClassVar[str]
    storage: ClassVar[Storage]
    options: ClassVar[tuple[Option, ...]] = ()
    family: ClassVar[str] = "text"  # one of FAMILIES: the drawer of the palette it lies in
    basic: ClassVar[bool] = False  # shown to a new company; the rest waits behind "advanced"
    layout: ClassVar[bool] = False  # arranges the page and holds nothing; not counted as a control
    grouped: ClassVar[bool] = False  # several inputs under one label: a fieldset, not a label
    public: ClassVar[bool] = True  # may stand on a form for people without an account
    not_in_rows: ClassVar[LazyString | str] = ""  # why it can't stand in a sub-table; empty when it can

    @property
    def template(self) -> str:
        """Return the piece that draws the input."""
        return f"forms/controls/{self.key}.html"

    @property
    def operators(self) -> tuple[str, ...]:
        """Return the filter operators of the storage kind."""
        kind = FILTER_KINDS.get(self.storage)
        return tuple(OPERATORS[kind]) if kind else LIST_OPERATORS

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return what can be chosen; empty for controls that are typed into."""
        return ()

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the value the browser sent, None for nothing; refuse what is not one."""
        raise LookupError(f"the control {self.key} reads nothing")

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the inputs that would send this value; used to fill a form for editing."""
        return {} if value is None else {field.id: [str(value)]}

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Return what is wrong with a definition's options, one line each."""
        return check_options(self.options, options)

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the value as staff read it in lists and on pages."""
        return "—" if value is None else str(value)

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the value as conditions, rules and the typed columns of lists see it; None when it is missing.

        Text is str, a number int or Decimal, money its Decimal amount, a moment an aware UTC datetime, a day the start of
        it in UTC, a reference its int id, a list a tuple of str. Controls whose storage says otherwise override this.
        """
        return CONDITION_VALUES[self.storage](value)

    def condition_kind(self, field: FieldDefinition) -> FieldKind | None:
        """Return what conditions may ask of this field; None when nothing."""
        return FILTER_KINDS.get(self.storage)

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return the words the full-text search finds the record by."""
        return self.show(field, value) if self.storage in (Storage.TEXT, Storage.REF, Storage.JSON_LIST) else ""

    def to_print(self, field: FieldDefinition, value: Value) -> str:
        """Return the value as it is printed."""
        return self.show(field, value)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the value as an Excel cell."""
        return None if value is None else self.show(field, value)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Return the value an Excel cell holds; the same checks as the form's."""
        text = "" if cell is None else cell_text(cell)
        return self.parse(field, Sent({field.id: [text]}))


def register_control(app: Flask, control: Control) -> None:
    """Make a control usable in forms; a key can be taken once only."""
    known: dict[str, Control] = app.extensions.setdefault(EXTENSION, {})
    if control.key in known:
        raise ValueError(f"the control {control.key} is registered twice")
    known[control.key] = control


def controls() -> Mapping[str, Control]:
    """Return every registered control by its key."""
    known: dict[str, Control] = current_app.extensions.get(EXTENSION, {})
    return known


def cell_text(cell: Cell) -> str:
    """Return an Excel cell as the text a person would have typed; whole floats lose their point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%dT%H:%M") if cell.time().isoformat() != "00:00:00" else cell.date().isoformat()
    return str(cell).strip()


def check_options(known: Sequence[Option], options: Mapping[str, object]) -> list[str]:
    """Return one line for each option that is unknown, missing or of the wrong kind."""
    by_name = {option.name: option for option in known}
    problems = [_("不认识的设置 %(name)s。", name=name) for name in options if name not in by_name]
    for option in known:
        value = options.get(option.name)
        if value is None:
            problems += [_("缺少设置 %(name)s。", name=option.name)] if option.required else []
        elif not isinstance(value, option.kind) or (option.kind is int and isinstance(value, bool)):
            problems.append(_("设置 %(name)s 的格式不对。", name=option.name))
    return problems


def refuse_long(text: str, limit: int) -> str:
    """Return the text; refuse one that is longer than `limit` characters."""
    if len(text) > limit:
        raise Refused(_("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=limit, n=len(text)))
    return text
