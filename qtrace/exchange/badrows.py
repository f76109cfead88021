"""Refused rows go back to the person as a file like the one they sent, with the row number and the reason in front."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flask_babel import gettext as _

from qtrace.exchange.reading import Cell
from qtrace.exchange.returned import in_front, returned_columns
from qtrace.exchange.writing import write_table

SEPARATOR = ";"

BadRow = tuple[int, Sequence[Cell], Sequence[str]]


def write_bad_rows(path: Path, headers: Sequence[str], rows: Iterable[BadRow]) -> int:
    """Write the rows as .csv or .xlsx, by the path's suffix, and return how many there were.

    No cell of the file is a formula, and the file can be mended and sent again.
    """
    # A file that came back from here once already keeps its data columns only.
    start = len(returned_columns(headers))
    return write_table(path, _("错误行"), [*in_front(), *headers[start:]], _lines(rows, start, len(headers)))


def _lines(rows: Iterable[BadRow], start: int, width: int) -> Iterator[list[Cell]]:
    for number, cells, reasons in rows:
        beyond = [str(cell) for cell in cells[width:] if cell is not None]
        more = [_("多出的格:%(cells)s", cells="、".join(beyond))] if beyond else []
        yield [number, SEPARATOR.join([*reasons, *more]), *cells[start:width]]
