"""What both kinds of tables have in common inside the reading child, and how they are told apart."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qtrace.core.child import ChildRefused
from qtrace.exchange.headers import Cell, Merge

MAX_CELL = 32_767
MAX_ROW = 2_000_000

# A date crosses the pipe as a cell {"d": "2026-11-22T08:30:00"}.
Reason = tuple[str, dict[str, Any]]
RawRow = tuple[int, list[Cell], Reason | None]

EXTENSIONS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".ods": "ods",
}
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"%PDF-", "pdf"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\x7fELF", "elf"),
    (b"MZ\x90\x00", "exe"),
    (b"PK\x05\x06", "zip"),
)
HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<meta", b"<body", b"<table", b"<script", b"<svg")
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


@dataclass
class Source:
    """An opened table: its raw rows from the first line on, and what was learnt on the way."""

    rows: Iterator[RawRow]
    height: int
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: list[str] = field(default_factory=list)
    first_column: int = 0
    merges: list[Merge] = field(default_factory=list)
    epoch_1904: bool = False
    uncached: list[str] = field(default_factory=list)
    uncached_count: int = 0
    uncached_rows: set[int] = field(default_factory=set)


def sniff(path: Path, name: str) -> str:
    """Return csv, xlsx, xls or ods; refuse a file whose content is not what its name says."""
    said = EXTENSIONS.get(Path(name.lower()).suffix)
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise ChildRefused("empty")
    found = _content(path, start)
    if said is None:
        raise ChildRefused("unknown_extension")
    if found not in ("csv", "xlsx", "xls", "ods"):
        raise ChildRefused("not_a_table", said=said, found=found)
    if found != said:
        raise ChildRefused("name_lies", said=said, found=found)
    return found


def _content(path: Path, start: bytes) -> str:
    for signature, kind in SIGNATURES:
        if start.startswith(signature):
            return kind
    if start.startswith(b"PK\x03\x04"):
        return _zip_content(path)
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "xls"
    text = start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if text.startswith(HTML_STARTS):
        return "html"
    if text.startswith(b"<?xml"):
        return "html" if b"<html" in text else "xml"
    return "csv"


def _zip_content(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "mimetype" in names and archive.getinfo("mimetype").file_size == len(ODS_TYPE):
                return "ods" if archive.read("mimetype").decode("latin-1") == ODS_TYPE else "zip"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise ChildRefused("broken") from error
    if "xl/workbook.xml" in names:
        return "xlsx"
    return "xlsb" if "xl/workbook.bin" in names else "zip"
