"""Rows of cells under one label: each cell is a field of its own, drawn and read by its own control.

A row is sent as `<field>.<row>.<column>`, with `<field>.<row>.on` beside it so that an empty one stays on the page. Rows
that hold nothing are left out when they are read. In a sheet a row is a line (or ends with ;), its cells stand between |,
and a backslash takes a sign by its word.
"""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup, escape

from qtrace.core.errors import Refused
from qtrace.forms.answers import Bound, RowErrors
from qtrace.forms.registry import (
    ROWS_ASKED,
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Sent,
    Storage,
    Value,
    cell_text,
    controls,
)
from qtrace.web.filters import localised

MOST_ROWS = 200
ON = "on"
BLANK = "__i__"  # where a script writes the number of a new row
ASKED = re.compile(r"(add|drop):([\w.]+?)(?::(\d{1,4}))?", re.ASCII)
NOT_IN_ROWS = lazy_gettext("一行里放不下一张表。请把它直接放在表单上。")

Row = dict[str, Value]
Drawn = Callable[[FieldDefinition, Value], Markup]  # what shows a cell


@dataclass(frozen=True)
class DrawnRow:
    """A row ready to be drawn: its number in the inputs' names, its place on the page, its cells and what is wrong."""

    index: str
    place: int
    cells: Sequence[Bound]
    error: str = ""


def column(
    key: str, control: str, zh: str, en: str, *, required: bool = False, options: Mapping[str, object] | None = None
) -> FieldDefinition:
    """Return a column of fixed rows."""
    return FieldDefinition(key, control, zh, en, required=required, options=options or {})


class Rows(Control):
    """Any number of rows; a subclass says which columns they have and what must hold of all of them."""

    storage = Storage.JSON_LIST
    grouped = True
    wide = True
    not_in_rows = NOT_IN_ROWS
    quiet: ClassVar[frozenset[str]] = frozenset()  # columns that alone make no row: they begin with a value
    sums: ClassVar[str] = ""  # the column whose sum stands below the rows

    @property
    def template(self) -> str:
        """Return the piece all rows share."""
        return "forms/controls/rows.html"

    def finish(self, field: FieldDefinition, rows: list[Row]) -> Value:
        """Return what is kept of rows that could be read; refuse what does not hold of them together."""
        return list(rows)

    def rows_in(self, value: Value) -> list[Row]:
        """Return the rows of a kept value."""
        return [dict(row) for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []

    def least(self, field: FieldDefinition) -> int:
        """Return how many rows there must be if there is any."""
        return field.number("min_rows", 0)

    def most(self, field: FieldDefinition) -> int:
        """Return how many rows there may be."""
        return min(field.number("max_rows", MOST_ROWS), MOST_ROWS)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the rows that hold something; refuse them naming each cell that can't be read."""
        found = [
            self.read_row(field, index, sent) for index in indexes(field.id, sent) if self.holds(field, index, sent)
        ]
        return self.checked(field, found)

    def checked(self, field: FieldDefinition, found: Sequence[tuple[Row, Mapping[str, str]]]) -> Value:
        """Return rows with what is wrong in their cells as they are kept; refuse them where anything is."""
        wrong = {f"{place}.{name}": text for place, (_row, cells) in enumerate(found) for name, text in cells.items()}
        if wrong:
            raise RowErrors(wrong, {one.id: localised(one, "label") for one in self.columns(field)})
        if not found:
            return None
        if not self.least(field) <= len(found) <= self.most(field):
            raise Refused(
                _(
                    "要 %(least)d 到 %(most)d 行,现在 %(n)d 行。",
                    least=max(self.least(field), 1),
                    most=self.most(field),
                    n=len(found),
                )
            )
        return self.finish(field, [row for row, _cells in found])

    def holds(self, field: FieldDefinition, index: str, sent: Sent) -> bool:
        """Say whether anything was put into a row."""
        start = f"{field.id}.{index}."
        silent = {start + ON, *(start + name for name in self.quiet)}
        return any(
            text.strip() for name, texts in sent.values.items() if name.startswith(start) and name not in silent
            for text in texts
        )  # fmt: skip

    def read_row(self, field: FieldDefinition, index: str, sent: Sent) -> tuple[Row, dict[str, str]]:
        """Return a row's cells, and what is wrong by column."""
        row: Row = {}
        wrong: dict[str, str] = {}
        for one in self.columns(field):
            if controls()[one.control].assigned:
                continue  # worked out when the record is saved
            try:
                value = controls()[one.control].parse(cell_field(field, index, one), sent)
                _put(row, one, value)
            except Refused as refused:
                wrong[one.id] = refused.message
        return row, wrong

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return every cell's inputs."""
        found: dict[str, list[str]] = {}
        for place, row in enumerate(self.rows_in(value)):
            found |= {f"{field.id}.{place}.{ON}": ["1"]} | self.send_row(field, str(place), row)
        return found

    def send_row(self, field: FieldDefinition, index: str, row: Row) -> dict[str, list[str]]:
        """Return one row's inputs."""
        found: dict[str, list[str]] = {}
        for one in self.columns(field):
            if row.get(one.id) is not None:
                found |= controls()[one.control].send(cell_field(field, index, one), row[one.id])
        return found

    def texts(self, field: FieldDefinition, row: Row) -> list[tuple[FieldDefinition, str]]:
        """Return the cells of a row that hold something, as staff read them."""
        return [
            (one, controls()[one.control].show(one, row[one.id]))
            for one in self.columns(field)
            if row.get(one.id) not in (None, "", [], {}, False)
        ]

    def row_text(self, field: FieldDefinition, row: Row) -> str:
        """Return a row in a line."""
        return " · ".join(text for _one, text in self.texts(field, row))

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return a line for each row."""
        return "\n".join(self.row_text(field, row) for row in self.rows_in(value)) or "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the rows as a table; on a phone each is a card."""
        return self._table(field, value, lambda control: control.to_html)

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the rows as a table of printed words."""
        return self._table(field, value, lambda control: control.on_paper)

    def foot(self, field: FieldDefinition, value: Value) -> Markup:
        """Return what stands below the rows, like a total."""
        return Markup("")

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return each row's line, so that conditions can ask whether there are any."""
        return tuple(self.row_text(field, row) for row in self.rows_in(value)) or None

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return every word in the rows."""
        return "" if value is None else self.show(field, value)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return a line for each row, its cells between |."""
        return "\n".join(self.cell_line(field, row) for row in self.rows_in(value)) or None

    def cell_line(self, field: FieldDefinition, row: Row) -> str:
        """Return one row as a sheet holds it."""
        texts = [_sheet_text(one, row.get(one.id)) for one in self.columns(field)]
        return " | ".join(without_tail([escaped(text) for text in texts]))

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a line for each row; its cells stand between |, in the order of the columns."""
        lines = split_rows("" if cell is None else cell_text(cell))
        return self.checked(field, [self.read_line(field, line) for line in lines])

    def read_line(self, field: FieldDefinition, texts: Sequence[str]) -> tuple[Row, dict[str, str]]:
        """Return the cells of one line of a sheet, and what is wrong by column."""
        row: Row = {}
        wrong: dict[str, str] = {}
        listed = list(self.columns(field))
        for place, one in enumerate(listed):
            try:
                _put(row, one, controls()[one.control].from_cell(one, texts[place] if place < len(texts) else ""))
            except Refused as refused:
                wrong[one.id] = refused.message
        if len(texts) > len(listed) and listed:
            wrong[listed[-1].id] = _("这一行多了几格:最多 %(n)d 格,用 | 隔开。", n=len(listed))
        return row, wrong

    def drawn(self, bound: Bound) -> list[DrawnRow]:
        """Return the rows that were sent, or an empty one to begin with."""
        found, held = [], 0
        for place, index in enumerate(indexes(bound.field.id, bound.sent) or ["0"], start=1):
            holds = self.holds(bound.field, index, bound.sent)
            found.append(self.drawn_row(bound, index, place, str(held) if holds else ""))
            held += holds
        return found

    def blank(self, bound: Bound) -> DrawnRow:
        """Return the empty row a script copies."""
        return self.drawn_row(bound, BLANK, 0, "")

    def drawn_row(self, bound: Bound, index: str, place: int, held: str) -> DrawnRow:
        """Return one row with what is wrong in it; `held` is its number among the rows that hold something."""
        cells = []
        for one in self.columns(bound.field):
            asked, control = cell_field(bound.field, index, one), controls()[one.control]
            error = bound.inner.get(f"{held}.{one.id}", "") if held else ""
            cells.append(Bound(asked, control, bound.sent, self.cell_choices(bound, asked, one), error))
        return DrawnRow(index, place, cells, bound.inner.get(held, "") if held else "")

    def cell_choices(self, bound: Bound, asked: FieldDefinition, one: FieldDefinition) -> Sequence[Choice]:
        """Return what can be chosen in a cell."""
        return controls()[one.control].choices(asked)

    def _table(self, field: FieldDefinition, value: Value, drawn: Callable[[Control], Drawn]) -> Markup:
        rows = self.rows_in(value)
        if not rows:
            return escape("—")
        shown = [one for one in self.columns(field) if any(row.get(one.id) not in (None, "", False) for row in rows)]
        head = Markup("").join(Markup("<th>{}</th>").format(localised(one, "label")) for one in shown)
        body = Markup("").join(self._line(shown, row, drawn) for row in rows)
        return Markup(
            '<table class="cards plain rows-shown"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>{}'
        ).format(head, body, self.foot(field, value))

    def _line(self, shown: Sequence[FieldDefinition], row: Row, drawn: Callable[[Control], Drawn]) -> Markup:
        known = controls()
        cells = (
            Markup('<td data-label="{}">{}</td>').format(
                localised(one, "label"), drawn(known[one.control])(one, row.get(one.id))
            )
            for one in shown
        )
        return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def cell_field(field: FieldDefinition, index: str, one: FieldDefinition) -> FieldDefinition:
    """Return a column as the field of one cell; nothing is required of a row nobody filled in, so no browser asks."""
    return replace(one, id=f"{field.id}.{index}.{one.id}", required=False)


def indexes(name: str, sent: Sent) -> list[str]:
    """Return the numbers of the rows that were sent, in order."""
    start = f"{name}."
    found = {key[len(start) :].partition(".")[0] for key in sent.values if key.startswith(start)}
    return sorted((index for index in found if index.isascii() and index.isdigit() and len(index) < 5), key=int)


def rearranged(values: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return what was sent with the row added or dropped that a button asked for; other rows keep their numbers."""
    found = {name: list(texts) for name, texts in values.items()}
    asked = ASKED.fullmatch(next(iter(values.get(ROWS_ASKED, ())), ""))
    if asked is None:
        return found
    deed, name, index = asked.groups()
    if deed == "drop" and index:
        start = f"{name}.{index}."
        return {key: texts for key, texts in found.items() if not key.startswith(start)}
    last = max((int(one) for one in indexes(name, Sent(found))), default=-1)
    return found | {f"{name}.{last + 1}.{ON}": ["1"]}


def escaped(text: str) -> str:
    """Return a text whose signs between cells and rows are taken by their word."""
    return re.sub(r"([\\|;；])", r"\\\1", text).replace("\n", "\\n")


def split_rows(text: str) -> list[list[str]]:
    """Return the rows of a sheet's cell, each as its cells; empty rows are left out."""
    rows: list[list[str]] = [[""]]
    signs = iter(text.replace("\r\n", "\n"))
    for sign in signs:
        if sign == "\\":
            following = next(signs, "")
            rows[-1][-1] += "\n" if following == "n" else following
        elif sign in ";；\n":
            rows.append([""])
        elif sign in "||":
            rows[-1].append("")
        else:
            rows[-1][-1] += sign
    stripped = [[cell.strip() for cell in row] for row in rows]
    return [row for row in stripped if any(row)]


def without_tail(texts: list[str]) -> list[str]:
    """Return the texts without the empty ones at the end."""
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _put(row: Row, one: FieldDefinition, value: Value) -> None:
    """Keep a cell; refuse an empty one that is needed."""
    if one.required and value in (None, "", [], {}):
        raise Refused(_("请填写这一项。"))
    if value is not None:
        row[one.id] = value


def _sheet_text(one: FieldDefinition, value: Value) -> str:
    cell = controls()[one.control].to_cell(one, value) if value is not None else None
    return "" if cell is None else cell_text(cell)
