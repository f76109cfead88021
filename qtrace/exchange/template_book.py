"""Draw the empty table of a kind: headers, drop-down lists, notes, and a frozen first row."""

from collections.abc import Sequence
from io import BytesIO

from flask_babel import gettext as _
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from qtrace.exchange.kinds import Field, FieldType, Kind

ROWS = 5000  # for which the drop-down lists hold
LISTS = "lists"
NEED = PatternFill("solid", fgColor="FFF2CC")
FORMATS: dict[FieldType, str] = {"text": "@", "day": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm"}


def draw_template(kind: Kind, name: str, titles: Sequence[str]) -> bytes:
    """Return the workbook whose sheet has this name and these headers."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = name
    lists = book.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    for place, one in enumerate(kind.fields, 1):
        _head(page, place, one, titles[place - 1])
        if one.choices or one.type == "flag":
            _offer(page, lists, place, one)
    page.freeze_panes = "A2"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


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
