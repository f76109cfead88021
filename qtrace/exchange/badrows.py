"""Refused rows go back to the person as a file like the one they sent, with the row number and the reason in front."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from flask_babel import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from qtrace.exchange.reading import Cell
from qtrace.exchange.returned import in_front, returned_columns

MAX_CELL = 32_767
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
SEPARATOR = ";"

BadRow = tuple[int, Sequence[Cell], Sequence[str]]


def write_bad_rows(path: Path, headers: Sequence[str], rows: Iterable[BadRow]) -> int:
    """Write the rows as .csv or .xlsx, by the path's suffix, and return how many there were.

    No cell of the file is a formula, and the file can be mended and sent again.
    """
    # A file that came back from here once already keeps its data columns only.
    start = len(returned_columns(headers))
    table = _table([*in_front(), *headers[start:]], rows, start)
    if path.suffix.lower() == ".csv":
        return _write_csv(path, table)
    return _write_xlsx(path, table, _("错误行"))


def safe_csv_text(text: str) -> str:
    """Return the text so that no spreadsheet runs it as a formula; plain numbers stay numbers."""
    clean = text.replace("\0", "")
    if clean.startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(clean):
        return f"'{clean}"
    return clean


def _table(titles: list[str], rows: Iterable[BadRow], start: int) -> Iterator[list[Cell]]:
    yield list(titles)
    for number, cells, reasons in rows:
        yield [number, SEPARATOR.join(reasons), *cells[start:]]


def _write_csv(path: Path, table: Iterator[list[Cell]]) -> int:
    count = -1
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        for count, cells in enumerate(table):  # noqa: B007 - the last index is the answer
            writer.writerow([_csv_value(cell) for cell in cells])
    return count


def _csv_value(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return safe_csv_text(cell) if isinstance(cell, str) else str(cell)


def _write_xlsx(path: Path, table: Iterator[list[Cell]], title: str) -> int:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    count = -1
    for count, cells in enumerate(table):  # noqa: B007 - the last index is the answer
        sheet.append([_xlsx_cell(sheet, cell) for cell in cells])
    book.save(path)
    return count


def _xlsx_cell(sheet: WriteOnlyWorksheet, value: Cell) -> object:
    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", value).encode("utf-8", "replace").decode()[:MAX_CELL]
    cell = WriteOnlyCell(sheet, value=text)
    # openpyxl takes "=…" for a formula; the type set afterwards keeps it text.
    cell.data_type = "s"
    return cell
