"""The empty table of a kind: headers that need no mapping, drop-down lists, notes, and a frozen first row."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

from flask_babel import gettext as _
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from qtrace.exchange.cells import NOTHING
from qtrace.exchange.headers import tidy_title
from qtrace.exchange.kinds import KINDS, Field, FieldType, Kind

ROWS = 5000  # for which the drop-down lists hold
LISTS = "lists"
NEED = PatternFill("solid", fgColor="FFF2CC")
FORMATS: dict[FieldType, str] = {"text": "@", "day": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm"}


def template_file(kind: Kind) -> bytes:
    """Return the workbook; it comes back filled in without a mapping."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = sheet_title(kind)
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    titles = titles_of(kind)
    for place, one in enumerate(kind.fields, 1):
        _head(page, place, one, titles[place - 1])
        if one.choices or one.type == "flag":
            _offer(page, lists, place, one)
    page.freeze_panes = "A2"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_title(kind: Kind) -> str:
    """Return what the sheet is called, by which the file is recognised when it comes back."""
    return "".join(" " if mark in "[]:*?/\\" else mark for mark in str(kind.label))[:31].strip("' ") or LISTS.upper()


def filled_template(sheet: str, headers: Sequence[str], known: Iterable[Kind]) -> dict[str, Any] | None:
    """Return the mapping of a file that was made from a template; columns may have been taken out or moved."""
    for kind in known:
        titles = dict(zip(map(tidy_title, titles_of(kind)), (one.name for one in kind.fields), strict=True))
        given = [header for header in headers if header]
        needed = {title for title, name in titles.items() if (one := kind.field(name)) and one.required}
        if sheet == sheet_title(kind) and given and set(given) <= titles.keys() and needed <= set(given):
            columns = {titles[header]: {"header": header} for header in given}
            return {"kind": kind.name, "columns": columns, "empty": list(NOTHING)} | _key(kind, columns)
    return None


def _key(kind: Kind, columns: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the field by which an own form's records are known again: its first required one that can be."""
    fitting = [name for name in kind.keys if name in columns and (one := kind.field(name)) and one.required]
    return {"key": fitting[0]} if fitting and kind.name not in KINDS else {}


def titles_of(kind: Kind) -> list[str]:
    """Return the headers: what staff call the fields, or their names where two are called alike."""
    labels = [str(one.label) for one in kind.fields]
    return [one.name if labels.count(label) > 1 else label for one, label in zip(kind.fields, labels, strict=True)]


def _head(page: Worksheet, place: int, one: Field, title: str) -> None:
    cell = page.cell(1, place)
    cell.value, cell.data_type = title, "s"  # a label that begins with "=" stays a text
    cell.font = Font(bold=True)
    if one.required:
        cell.fill = NEED
    note = _note(one)
    if note:
        cell.comment = Comment(note, "qtrace")
    letter = get_column_letter(place)
    page.column_dimensions[letter].width = max(12, min(40, 2 * len(title) + 4))
    if one.type in FORMATS:
        page.column_dimensions[letter].number_format = FORMATS[one.type]


def _note(one: Field) -> str:
    parts = [_("必填") if one.required else "", one.help]
    if one.type == "day":
        parts.append(_("写成 2026-01-31"))
    elif one.type == "time":
        parts.append(_("写成 2026-01-31 10:00"))
    if one.many:
        parts.append(_("可以写几个,用顿号隔开"))
    elif one.choices:
        parts.append(_("从下拉列表里选"))
    return "\n".join(part for part in parts if part)


def _offer(page: Worksheet, lists: Worksheet, place: int, one: Field) -> None:
    """Offer the choices as a drop-down list; the list lies on a hidden sheet, where it may be of any length."""
    words = [choice.label for choice in one.choices] or [_("是"), _("否")]
    for row, word in enumerate(words, 1):
        cell = lists.cell(row, place)
        cell.value, cell.data_type = word, "s"
    letter = get_column_letter(place)
    source = f"{quote_sheetname(LISTS)}!${letter}$1:${letter}${len(words)}"
    # several values in one cell are none of the list, so they may be typed
    offered = DataValidation(type="list", formula1=source, allow_blank=True, showErrorMessage=not one.many)
    offered.error, offered.errorTitle = _("请从列表里选。"), _("没有这个选项")
    offered.add(f"{letter}2:{letter}{ROWS + 1}")
    page.add_data_validation(offered)
