"""Workbooks inside the reading child: the zip is judged before it is opened, then calamine reads the cells."""

import datetime
import math
import re
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from qtrace.core.child import ChildRefused
from qtrace.exchange.headers import SEARCHED, Cell, Merge
from qtrace.exchange.reading_source import MAX_CELL, RawRow, Reason, Source

MB = 1024 * 1024
MAX_UNPACKED = 100 * MB
MAX_MEMBERS = 2000
MAX_RATIO = 100
RATIO_MATTERS_FROM = MB
EXACT = 2**53
UNCACHED_SHOWN = 20
WORKBOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
SHEET_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# In a cell the formula comes first and its value after it. An empty value is a saved empty text when the cell says so.
UNCACHED = re.compile(
    rb'<c\b([^>]{0,200}?\br="([A-Z]{1,3}(\d{1,7}))"[^>]{0,200})>\s{0,9}'
    rb"<f\b[^<]{0,20000}(?:</f>)?\s{0,9}(<v\s?/>|<v></v>)?\s{0,9}</c>"
)
TEXT_RESULT = b't="str"'
LONGEST_FORMULA = 21_000


def open_book(path: Path, kind: str, wanted: str | None) -> Source:
    """Open one sheet of a workbook: the one named, else the first visible one that holds anything."""
    if kind != "xls":
        judge_zip(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheets = _sheets(book)
        sheet = _chosen(book, sheets, wanted)
    except PasswordError as error:
        raise ChildRefused("password") from error
    except (CalamineError, OSError, ValueError) as error:
        raise ChildRefused("broken") from error
    source = Source(_rows(sheet), sheet.end[0] + 1 if sheet.end else 0, sheet=sheet.name, sheets=list(sheets))
    source.first_column = sheet.start[1] if sheet.start else 0
    source.merges = _merges(sheet, source.first_column)
    if kind == "xlsx":
        source.epoch_1904 = _counts_from_1904(path)
        _note_uncached(path, source)
    return source


def judge_zip(path: Path) -> None:
    """Refuse an archive that would unpack into more than a table can need."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise ChildRefused("broken") from error
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise ChildRefused("zip_too_big", limit=MAX_UNPACKED // MB)
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in member.filename:
            raise ChildRefused("zip_names")
        if member.flag_bits & 1:
            raise ChildRefused("password")
        big = member.file_size > RATIO_MATTERS_FROM
        if big and member.file_size > MAX_RATIO * max(1, member.compress_size):
            raise ChildRefused("zip_too_big", limit=MAX_UNPACKED // MB)


def _sheets(book: CalamineWorkbook) -> dict[str, bool]:
    """Return the names of the worksheets and whether each is visible."""
    return {
        sheet.name: sheet.visible == SheetVisibleEnum.Visible
        for sheet in book.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet
    }


def _chosen(book: CalamineWorkbook, sheets: dict[str, bool], wanted: str | None) -> CalamineSheet:
    if not sheets:
        raise ChildRefused("no_sheet")
    if wanted is not None:
        if wanted not in sheets:
            raise ChildRefused("unknown_sheet", sheet=wanted[:40], sheets="、".join(list(sheets)[:20]))
        return book.get_sheet_by_name(wanted)
    for name in sorted(sheets, key=lambda name: not sheets[name]):
        sheet = book.get_sheet_by_name(name)
        if sheet.end is not None:
            return sheet
    raise ChildRefused("empty")


def _merges(sheet: CalamineSheet, first_column: int) -> list[Merge]:
    """Return the merged cells near the top, counted in columns as the rows are."""
    return [
        ((top, max(0, first - first_column)), (end, last - first_column))
        for (top, first), (end, last) in sheet.merged_cell_ranges or ()
        if top <= SEARCHED and last >= first_column
    ]


def _counts_from_1904(path: Path) -> bool:
    """Say whether the workbook's days are counted from 1904, as old Macs did."""
    with zipfile.ZipFile(path) as archive:
        book = _parsed(archive, WORKBOOK)
    said = (
        next((e.get("date1904", "") for e in book.iter() if e.tag.endswith("}workbookPr")), "")
        if book is not None
        else ""
    )
    return said in ("1", "true")


def _parsed(archive: zipfile.ZipFile, member: str) -> Element | None:
    try:
        root: Element = ElementTree.fromstring(archive.read(member))
    except (KeyError, ElementTree.ParseError, DefusedXmlException, zipfile.BadZipFile):
        return None
    return root


def _rows(sheet: CalamineSheet) -> Iterator[RawRow]:
    for number, values in enumerate(sheet.iter_rows(), 1):
        reason: Reason | None = None
        cells: list[Cell] = []
        for value in values:
            if isinstance(value, str):
                if not value:
                    cells.append(None)
                    continue
                if len(value) > MAX_CELL:
                    reason = ("cell_too_long", {"limit": MAX_CELL})
                elif "\0" in value:
                    reason = ("nul", {})
                cells.append(value)
            elif isinstance(value, float):
                cells.append(_number(value))
            else:
                cells.append(_moment(value))
        yield number, cells, reason


def _number(value: float) -> Cell:
    if value.is_integer() and -EXACT < value < EXACT:
        return int(value)
    return value if math.isfinite(value) else str(value)


def _moment(value: int | datetime.date | datetime.time | datetime.timedelta) -> Cell:
    if isinstance(value, datetime.datetime):
        return {"d": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"d": f"{value.isoformat()}T00:00:00"}
    return value if isinstance(value, int) else str(value)


def _note_uncached(path: Path, source: Source) -> None:
    """Note the formula cells that were saved without a value; calamine reads them as blank."""
    with zipfile.ZipFile(path) as archive:
        part = _part(archive, source.sheet)
        if part is None:
            return
        for reference, row in _uncached(archive, part):
            source.uncached_count += 1
            source.uncached_rows.add(row)
            if len(source.uncached) < UNCACHED_SHOWN:
                source.uncached.append(reference)
    # Rows at the end that hold nothing else are not in calamine's sheet, yet must be accounted for.
    source.rows = chain(source.rows, _blank(source.height + 1, max(source.uncached_rows, default=0)))


def _blank(first: int, last: int) -> Iterator[RawRow]:
    for number in range(first, last + 1):
        yield number, [], None


def _part(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the archive member that holds the sheet."""
    book, relations = _parsed(archive, WORKBOOK), _parsed(archive, RELATIONS)
    if book is None or relations is None:
        return None
    wanted = next((e.get(SHEET_ID) for e in book.iter() if e.tag.endswith("}sheet") and e.get("name") == sheet), None)
    target = next((e.get("Target", "") for e in relations if wanted and e.get("Id") == wanted), "")
    name = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return name if name in archive.namelist() else None


def _uncached(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, int]]:
    tail = b""
    unpacked = 0
    with archive.open(part) as file:
        while chunk := file.read(MB):
            unpacked += len(chunk)
            if unpacked > MAX_UNPACKED:
                raise ChildRefused("zip_too_big", limit=MAX_UNPACKED // MB)
            text = tail + chunk
            end = 0
            if b"<f" in text:
                for found in UNCACHED.finditer(text):
                    end = found.end()
                    if not (found[4] and TEXT_RESULT in found[1]):
                        yield found[2].decode(), int(found[3])
            tail = text[max(end, len(text) - LONGEST_FORMULA) :]
