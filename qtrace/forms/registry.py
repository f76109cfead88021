"""The registry of field controls: what a control must know before a form may use it.

A control counts only with eight parts: a phone-friendly input, parse and check, a storage kind with filter operators,
list and detail rendering, Excel out and in, print rendering, a word on public forms and a word on sub-tables. Controls
that need a domain live in that domain's package and register through `register_control`.
"""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.conditions.tree import OPERATORS, FieldKind
from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile
from qtrace.core.money import minor_digits

EXTENSION = "qtrace_controls"
INNER_FILES = "files"  # the files of inputs inside a field are kept under `<field>.files`
ROWS_ASKED = "_rows"  # the input of the buttons that add and drop rows: `add:<field>`, `drop:<field>:<row>`
MAX_TEXT = 2000
MAX_SPELLING = 40

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
    Storage.REFS: FieldKind.LIST,
    Storage.JSON_LIST: FieldKind.LIST,
}
LIST_OPERATORS = ("contains_any", "is_empty", "not_empty")
MOST_NUMBER = 10**12  # exclusive: scaled by 10**6 every number still fits 64 bits, so any field can be filtered by
MOST_DIGITS = 6
MASK = "•"


@dataclass(frozen=True)
class Family:
    """A drawer of the palette: its names and its icon."""

    name_zh: str
    name_en: str
    icon: str


FAMILIES: Mapping[str, Family] = {
    "text": Family("文字", "Text", "file-text"),
    "number": Family("数字", "Number", "hash"),
    "choice": Family("选择", "Choice", "list-checks"),
    "time": Family("日期与时间", "Date and time", "calendar"),
    "media": Family("照片与文件", "Photos and files", "camera"),
    "identity": Family("编号与条码", "Numbers and codes", "scan-line"),
    "commerce": Family("订单与商品", "Orders and goods", "package"),
    "quality": Family("质量", "Quality", "shield"),
    "people": Family("人员", "People", "users"),
    "place": Family("地点", "Place", "map-pin"),
    "relation": Family("关联与计算", "Relation and computing", "link"),
    "layout": Family("版面", "Layout", "columns"),
}


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
class OptionChoice:
    """One value an option may have."""

    value: str
    name_zh: str
    name_en: str


class Shape(StrEnum):
    """What the entries of a list option are, so that a property panel can draw it."""

    WORDS = "words"  # plain texts
    CHOICES = "choices"  # {value, zh, en, retired}
    TREE = "tree"  # the same, with `children`
    FIELDS = "fields"  # field definitions, as in a section
    MAPS = "maps"  # {from, to}
    CELLS = "cells"  # lines whose cells stand between |, as `cells` of the option names them


class Names(StrEnum):
    """What the text of an option names, so that a property panel offers what there is on this form."""

    FIELD = "field"  # a field beside this one
    COLUMN = "column"  # a table of the form, or one of its columns of numbers
    FORM = "form"  # another form


@dataclass(frozen=True)
class OptionCell:
    """One cell of a line of a list: typed freely, or chosen where it has choices."""

    label_zh: str
    label_en: str
    choices: tuple[OptionChoice, ...] = ()


@dataclass(frozen=True)
class Option:
    """A setting of a control in a form definition, described so fully that a property panel draws it from this alone.

    `kind` is bool, int, str, list or Decimal (kept as an int or the number's spelling, never a float). `default` is what
    holds when a definition leaves it out; `choices` are all values there are; an advanced one waits behind "advanced".
    """

    name: str
    kind: type
    required: bool = False
    label_zh: str = ""
    label_en: str = ""
    help_zh: str = ""
    help_en: str = ""
    choices: tuple[OptionChoice, ...] = ()
    default: object = None
    advanced: bool = False
    shape: Shape | None = None  # of a list
    least: int | None = None
    most: int | None = None
    of_site: Callable[[], tuple[OptionChoice, ...]] | None = None  # choices the company itself makes
    names: Names | None = None
    fits: tuple[str, ...] = ()  # the controls a named field may have; empty means any
    rows: int = 1  # lines of the box a text is typed in
    cells: tuple[OptionCell, ...] = ()

    @property
    def known_choices(self) -> tuple[OptionChoice, ...]:
        """Return all values there are, empty when any will do."""
        return self.of_site() if self.of_site else self.choices


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

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a yes-or-no option."""
        value = self.options.get(name, default)
        return value if isinstance(value, bool) else default

    def decimal(self, name: str) -> Decimal | None:
        """Return an option that is an exact number; None when it is not set."""
        value = self.options.get(name)
        return as_decimal(value) if isinstance(value, int | str) else None

    def words(self, name: str) -> list[str]:
        """Return an option that lists texts."""
        value = self.options.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []


@dataclass(frozen=True)
class Sent:
    """What a browser sent: texts by input name, and files that already lie in the store."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, Sequence[StoredFile]] = field(default_factory=dict)

    def first(self, name: str) -> str:
        """Return the first text of an input, trimmed; empty when it was not sent."""
        return next(iter(self.values.get(name, ())), "").strip()

    @property
    def rearranges(self) -> bool:
        """Say whether a button was pressed that adds or drops a row: nothing is to be saved, the form is to be shown."""
        return bool(self.first(ROWS_ASKED))

    def all(self, name: str) -> list[str]:
        """Return every non-empty text of an input in order, each once."""
        return list(dict.fromkeys(text.strip() for text in self.values.get(name, ()) if text.strip()))


@dataclass(frozen=True)
class Opening:
    """Who opens a new form and when; default words like "today" and "me" are read against it."""

    now: datetime
    today: date
    user_id: int | None = None
    department_id: int | None = None


@dataclass(frozen=True)
class Saving:
    """What a control may know while its record is saved: inside the transaction that writes it."""

    form: str
    now: datetime
    zone: str = "Asia/Shanghai"
    address: str = ""  # of the record's page
    values: Mapping[str, Value] = field(default_factory=dict)  # what the other fields hold


@dataclass(frozen=True)
class Samples:
    """What a control reads and what it refuses; `reads_all` says why nothing is refused."""

    valid: Sequence[Sent]
    invalid: Sequence[Sent] = ()
    reads_all: str = ""


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
    wide: ClassVar[bool] = False  # takes the whole row where fields stand side by side
    icon: ClassVar[str] = ""  # of the sprite; empty means the family's
    compared_as: ClassVar[FieldKind | None] = None  # what conditions see, where the storage kind alone does not say
    sensitive: ClassVar[bool] = False  # shown masked; the plain text needs data.unmask, a reason and an audit row
    assigned: ClassVar[bool] = False  # nobody types it: it is set while the record is saved and kept ever after
    holds_files: ClassVar[bool] = False  # its files come with the form and belong to the record
    default_words: ClassVar[tuple[str, ...]] = ()  # words a default may be, beside what can be typed

    @property
    def template(self) -> str:
        """Return the piece that draws the input."""
        return f"forms/controls/{self.key}.html"

    @property
    def operators(self) -> tuple[str, ...]:
        """Return the filter operators of what conditions see."""
        kind = self.compared_as or FILTER_KINDS.get(self.storage)
        return tuple(OPERATORS[kind]) if kind else LIST_OPERATORS

    def panel(self) -> Sequence[Option]:
        """Return the settings as a property panel offers them now: choices that live in the database are filled in."""
        return self.options

    def starter(self) -> dict[str, object]:
        """Return the options a field of this control begins with when it is laid on a form; they are always right."""
        return {}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return inputs that are read and inputs that are refused, for a field with the starter options."""
        raise LookupError(f"the control {self.key} gives no samples")

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Return the inputs a new form is filled with."""
        return {field.id: [field.default]} if field.default else {}

    def at_save(self, field: FieldDefinition, value: Value, saving: Saving) -> Value:
        """Return what is stored; an assigned control that has no value yet takes one here, inside the transaction."""
        return value

    def unique_with(self, field: FieldDefinition) -> tuple[str, ...] | None:
        """Return the fields within whose values this one stands only once; () is the whole form, None any number."""
        return None

    def masked(self, field: FieldDefinition, value: Value) -> str:
        """Return the value as those read it who may not see a sensitive one."""
        return self.show(field, value)

    def revealed(self, field: FieldDefinition, value: Value) -> str:
        """Return the plain value, for a reader whose reason is on record."""
        return self.show(field, value)

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return what can be chosen; empty for controls that are typed into."""
        return ()

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return the fields each row of this one has; empty for controls that hold no rows."""
        return ()

    def reads_company(self, field: FieldDefinition) -> bool:
        """Say whether the field offers, tells or lets try master data or records; strangers are then asked it only if opened."""
        return False

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the value the browser sent, None for nothing; refuse what is not one."""
        raise LookupError(f"the control {self.key} reads nothing")

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the inputs that would send this value; used to fill a form for editing."""
        return {} if value is None else {field.id: [str(value)]}

    def file_fields(self, field: FieldDefinition, sent: Sent) -> Sequence[FieldDefinition]:
        """Return the inputs of this one that take files, each as a field of its own; none for most controls."""
        return [field] if self.holds_files else []

    def captions(self, field: FieldDefinition, value: Value) -> Mapping[str, str]:
        """Return what each file of the value shows, by the file's id, where the value says so."""
        return {}

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Return what is wrong with a definition's options, one line each."""
        return check_options(self.options, options)

    def check_together(self, field: FieldDefinition, fields: Sequence[FieldDefinition]) -> list[str]:
        """Return what is wrong with a field among the fields it stands with, one line each."""
        return []

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the value as staff read it in lists and on pages."""
        return "—" if value is None else str(value)

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the value as a record's page shows it; never more than `show` where the value is sensitive."""
        return escape(self.show(field, value))

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the value as conditions, rules and the typed columns of lists see it; None when it is missing.

        Text is str, a number int or Decimal, money its Decimal amount, a moment an aware UTC datetime, a day the start of
        it in UTC, a reference its int id, a list a tuple of str. Controls whose storage says otherwise override this.
        """
        return CONDITION_VALUES[self.storage](value)

    def condition_kind(self, field: FieldDefinition) -> FieldKind | None:
        """Return what conditions may ask of this field; None when nothing."""
        return self.compared_as or FILTER_KINDS.get(self.storage)

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return the words the full-text search finds the record by."""
        found_by = (Storage.TEXT, Storage.REF, Storage.JSON_LIST)
        return "" if self.sensitive or value is None or self.storage not in found_by else self.show(field, value)

    def to_print(self, field: FieldDefinition, value: Value) -> str:
        """Return the value as it is printed."""
        return self.show(field, value)

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return what a printed record shows: the printed words; tables and drawings where a control has them."""
        return escape(self.to_print(field, value))

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the value as an Excel cell."""
        return None if value is None else self.show(field, value)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Return the value an Excel cell holds; the same checks as the form's."""
        text = "" if cell is None else cell_text(cell)
        return self.parse(field, Sent({field.id: [text]}))


@runtime_checkable
class Finding(Protocol):
    """A control that can say what a text may mean while it is typed."""

    def find(self, field: FieldDefinition, text: str) -> Sequence[Choice]:
        """Return the first few things meant by the text, each with what to type for it."""
        ...


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
        elif not _fits(option, value):
            problems.append(_("设置 %(name)s 的格式不对。", name=option.name))
    return problems


def as_decimal(spelling: int | str) -> Decimal | None:
    """Return the exact number this spells, None when it spells none we can keep."""
    try:
        number = Decimal(spelling) if len(str(spelling)) <= MAX_SPELLING else Decimal("NaN")
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    kept = isinstance(exponent, int) and -exponent <= MOST_DIGITS and abs(number) < MOST_NUMBER
    return number if kept and not isinstance(spelling, bool) else None


def _fits(option: Option, value: object) -> bool:
    if option.kind is Decimal:
        return isinstance(value, int | str) and as_decimal(value) is not None
    if not isinstance(value, option.kind) or (option.kind is int and isinstance(value, bool)):
        return False
    allowed = [choice.value for choice in option.known_choices]
    if allowed and not all(item in allowed for item in (value if isinstance(value, list) else [value])):
        return False
    if isinstance(value, int) and option.kind is int:
        low = -MOST_NUMBER + 1 if option.least is None else option.least
        high = MOST_NUMBER - 1 if option.most is None else option.most
        return low <= value <= high
    return option.shape not in (Shape.WORDS, Shape.CELLS) or (
        isinstance(value, list) and all(isinstance(item, str) for item in value)
    )


def refuse_long(text: str, limit: int) -> str:
    """Return the text; refuse one that is longer than `limit` characters."""
    if len(text) > limit:
        raise Refused(_("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=limit, n=len(text)))
    return text
