"""Tables for people: .xlsx or .csv, written row by row, in which no cell is a formula."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from rustpy_xlsxwriter import write_worksheet

from qtrace.exchange.headers import column_letter, distinct_names

MAX_CELL = 32_767
EXACT = 10**15  # beyond it a spreadsheet drops digits, so the number is written as a text
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
BAD_IN_TITLE = re.compile(r"[\[\]:*?/\\']")
LONGEST_TITLE = 31

Value = str | int | float | bool | Decimal | datetime | date | None


def write_table(path: Path, title: str, headers: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    """Write the rows under the headers, as the path's suffix says, and return how many there were."""
    return _write_csv(path, headers, rows) if path.suffix.lower() == ".csv" else _write_xlsx(path, title, headers, rows)


def safe_csv_text(text: str) -> str:
    """Return the text so that no spreadsheet runs it as a formula; plain numbers stay numbers."""
    clean = text.replace("\0", "")
    if clean.startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(clean):
        return f"'{clean}"
    return clean


def without_guard(text: str) -> str:
    """Return a text as it was before `safe_csv_text` guarded it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _write_csv(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([safe_csv_text(header) for header in headers])
        for cells in rows:
            count += 1
            writer.writerow([_csv_value(cell) for cell in cells])
    return count


def _csv_value(cell: Value) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None).isoformat(sep=" ")
    return safe_csv_text(cell) if isinstance(cell, str) else str(cell)


def _write_xlsx(path: Path, title: str, headers: Sequence[str], rows: Iterable[Sequence[Value]]) -> int:
    names, _doubled = distinct_names([
        _text(header) or f"{column_letter(at)}列" for at, header in enumerate(headers)
    ])  # fmt: skip
    counted = _Counted(names, rows)
    records = iter(counted)
    first = next(records, None)
    sheet = BAD_IN_TITLE.sub(" ", title)[:LONGEST_TITLE].strip() or "data"
    # The writer takes the headers from the first row; an empty table has a row of nothing.
    given = _chained(first, records) if first is not None else iter([dict.fromkeys(names)])
    write_worksheet(given, str(path), sheet_name=sheet)
    return counted.count


class _Counted:
    """Rows as the writer wants them, counted as they pass; a row longer than the headers keeps its rest."""

    def __init__(self, names: Sequence[str], rows: Iterable[Sequence[Value]]) -> None:
        self.names, self.rows, self.count = names, rows, 0

    def __iter__(self) -> Iterator[dict[str, object]]:
        for cells in self.rows:
            self.count += 1
            yield dict(zip(self.names, map(_xlsx_value, cells), strict=False))


def _chained(first: dict[str, object], rest: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    yield first
    yield from rest


def _xlsx_value(cell: Value) -> object:
    if isinstance(cell, str):
        return _text(cell)
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, Decimal):
        return float(cell) if abs(cell) < EXACT else str(cell)
    return str(cell) if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) >= EXACT else cell


def _text(text: str) -> str:
    return ILLEGAL.sub("", text).encode("utf-8", "replace").decode()[:MAX_CELL]
