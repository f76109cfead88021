"""Controls that hold other things: rows a company's own columns make, and links to records of forms."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from flask import Flask, current_app
from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.core.errors import Refused
from qtrace.forms.controls.identity import half_width
from qtrace.forms.controls.rows import Rows
from qtrace.forms.controls.text import PLACEHOLDER, Line
from qtrace.forms.definition import DefinitionError, Vocabulary, parse_field
from qtrace.forms.registry import (
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Names,
    Option,
    Samples,
    Sent,
    Shape,
    Storage,
    Value,
    cell_text,
    controls,
)

LINKS = "qtrace_link_source"
COLUMNS = "_columns"  # where a field remembers them
MOST_COLUMNS = 20
MAX_NUMBER = 40


class SubTable(Rows):
    """Rows whose columns the form's designer chooses; each column is a field with a control of its own."""

    key, name_zh, name_en = "sub_table", "子表", "Sub-table"
    family = "relation"
    icon = "table"
    storage = Storage.ROWS
    options = (
        Option("fields", list, required=True, shape=Shape.FIELDS, label_zh="列", label_en="Columns"),
        Option("min_rows", int, label_zh="至少几行", label_en="Fewest rows", least=0, most=200),
        Option("max_rows", int, label_zh="最多几行", label_en="Most rows", default=200, least=1, most=200),
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return two columns to be changed."""
        return {
            "fields": [
                {"id": "item", "control": "text", "label_zh": "项目", "label_en": "Item", "required": True},
                {"id": "qty", "control": "integer", "label_zh": "数量", "label_en": "Quantity"},
            ]
        }

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return the columns that are asked, read once for each field; one whose control is gone is left out."""
        if COLUMNS not in field.__dict__:
            listed = field.options.get("fields")
            rows = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
            known = controls()
            field.__dict__[COLUMNS] = tuple(
                _column(row) for row in rows if row.get("control") in known and row.get("retired") is not True
            )
        found: Sequence[FieldDefinition] = field.__dict__[COLUMNS]
        return found

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that every column can be read, stands once, and has a control that fits into a row."""
        problems = super().check_options(options)
        listed = options.get("fields")
        if problems or not isinstance(listed, list):
            return problems
        known = controls()
        try:
            columns = [parse_field(row, f"fields[{i}]", Vocabulary(known, {})) for i, row in enumerate(listed)]
        except DefinitionError as error:
            return [_("子表的列 %(place)s:%(what)s", place=error.field or "", what=error.message)]
        if not 1 <= len(columns) <= MOST_COLUMNS:
            return [_("子表要有 1 到 %(most)d 列。", most=MOST_COLUMNS)]
        unfit = [one for one in columns if not _fits_a_row(known[one.control])]
        if unfit:
            return [_("「%(name)s」不能放在子表里。", name=unfit[0].label_zh)]
        ids = [one.id for one in columns]
        double = next((name for name in ids if ids.count(name) > 1), None)
        return [_("字段编号 %(id)s 重复。", id=double)] if double else _check_counts(options)

    def check_together(self, field: FieldDefinition, fields: Sequence[FieldDefinition]) -> list[str]:
        """Return what is wrong with computed columns."""
        columns = self.columns(field)
        ids = {one.id for one in columns}
        around = [*(one for one in fields if one.id not in ids and one.id != field.id), *columns]
        return [line for one in columns for line in controls()[one.control].check_together(one, around)]

    def samples(self, field: FieldDefinition) -> Samples:
        """Return rows with a gap and an empty one, and rows with a cell that can't be read."""
        start = f"{field.id}."
        right = {
            f"{start}0.item": ["泵头"],
            f"{start}0.qty": ["3"],
            f"{start}1.on": ["1"],
            f"{start}4.item": ["瓶身;带盖"],
        }
        wrong: list[Mapping[str, list[str]]] = [
            {f"{start}0.item": ["泵头"], f"{start}0.qty": ["三"]}, {f"{start}0.qty": ["3"]},
        ]  # fmt: skip
        return Samples([Sent(right)], [Sent(one) for one in wrong])

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return how many rows and the first of them."""
        rows = self.rows_in(value)
        if not rows:
            return "—"
        first = self.row_text(field, rows[0])
        return first if len(rows) == 1 else _("%(first)s 等 %(n)d 行", first=first, n=len(rows))

    def to_print(self, field: FieldDefinition, value: Value) -> str:
        """Return every row."""
        return super().show(field, value)

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return every word in the rows."""
        return "" if value is None else super().show(field, value)


@dataclass(frozen=True)
class Linked:
    """A record a link names: its number, what it is called, and where it is."""

    id: int
    number: str
    title: str
    url: str


class LinkSource(Protocol):
    """Where the records are that links name; the package that owns them registers it."""

    def find(self, form: str, text: str, *, limit: int) -> Sequence[Linked]:
        """Return the records the reader may see whose number or title the text begins; every form's for ""."""
        ...

    def by_number(self, form: str, number: str) -> Linked | None:
        """Return the record with this number, None when there is none of the form."""
        ...

    def label(self, record_id: int) -> Linked | None:
        """Return a record by its id."""
        ...


class Link(Line):
    """A record of a form, named by its number."""

    key, name_zh, name_en = "link", "关联记录", "Link to a record"
    family = "relation"
    icon = "link"
    storage = Storage.REF
    public = False  # outsiders must not try numbers
    options = (
        Option("form", str, label_zh="哪张表单", label_en="Which form", names=Names.FORM, help_zh="不选就是任何表单。", help_en="Any form when none is chosen."),
        PLACEHOLDER,
    )  # fmt: skip

    def longest(self, field: FieldDefinition) -> int:
        """Return room for a number."""
        return MAX_NUMBER

    def after(self, field: FieldDefinition) -> str:
        """Return nothing: numbers have no unit."""
        return ""

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a record there is, and numbers no record has."""
        found = link_source().find(field.text("form"), "", limit=1)
        right = [Sent({field.id: [one.number]}) for one in found]
        return Samples(right, [Sent({field.id: [text]}) for text in ("IQC-0000-0000", "没有")])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the record's id; refuse a number no record of the form has."""
        number = half_width(sent.first(field.id)).upper()
        if not number:
            return None
        found = link_source().by_number(field.text("form"), number)
        if found is None:
            raise Refused(_("没有编号为「%(number)s」的记录。请检查编号,或清空后提交。", number=number[:MAX_NUMBER]))
        return found.id

    def find(self, field: FieldDefinition, text: str) -> Sequence[Choice]:
        """Return the records whose number or title begins like this."""
        return [Choice(one.number, one.title) for one in link_source().find(field.text("form"), text, limit=8)]

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the number."""
        found = linked(value)
        return {field.id: [found.number]} if found else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number; what it is called is for those who may read it."""
        found = linked(value)
        return found.number if found else "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return a link to the record's page, which asks who reads it."""
        found = linked(value)
        return Markup('<a href="{}">{}</a>').format(found.url, found.number) if found else escape("—")

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the number."""
        found = linked(value)
        return found.number if found else None

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read the number."""
        return self.parse(field, Sent({field.id: ["" if cell is None else cell_text(cell)]}))


def register_links(app: Flask, source: LinkSource) -> None:
    """Say where the records are that links name."""
    app.extensions[LINKS] = source


def link_source() -> LinkSource:
    """Return where the records are."""
    source: LinkSource = current_app.extensions[LINKS]
    return source


def linked(value: Value) -> Linked | None:
    """Return the record a kept link names, None when there is none any more."""
    return link_source().label(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _fits_a_row(control: Control) -> bool:
    """Say whether a row may have such a cell; what is given while the record is saved is given to the record only."""
    given = control.assigned and control.storage != Storage.COMPUTED
    return not (control.not_in_rows or control.layout or given)


def _check_counts(options: Mapping[str, object]) -> list[str]:
    fewest, most = options.get("min_rows"), options.get("max_rows")
    return (
        [_("最少行数不能大于最多行数。")] if isinstance(fewest, int) and isinstance(most, int) and fewest > most else []
    )


def _column(row: Mapping[str, object]) -> FieldDefinition:
    options = row.get("options")
    return FieldDefinition(
        id=str(row.get("id", "")), control=str(row["control"]), label_zh=str(row.get("label_zh", "")),
        label_en=str(row.get("label_en") or row.get("label_zh", "")), required=row.get("required") is True,
        help_zh=str(row.get("help_zh") or ""), help_en=str(row.get("help_en") or ""),
        options=options if isinstance(options, dict) else {}, default=str(row.get("default") or ""),
    )  # fmt: skip
