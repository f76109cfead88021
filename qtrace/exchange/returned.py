"""Refused rows that came back mended: the file is known by the two columns put in front and by its headers."""

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from qtrace.exchange.reading import Row
from qtrace.exchange.writing import without_guard

NUMBER_WORDS = ("行号", "Row number")
REASON_WORDS = ("原因", "Cause")
READING = {"sheet", "header_row", "header_rows", "encoding", "keep_totals"}  # what of a mapping says how a file is read


def in_front() -> list[str]:
    """Return the titles of the two columns put in front of refused rows."""
    return [_("行号"), _("原因")]


def returned_columns(headers: Sequence[str]) -> tuple[str, ...]:
    """Return the two columns in front when the file is one of refused rows, in whichever language it was made."""
    pairs = [[number, reason] for number, reason in zip(NUMBER_WORDS, REASON_WORDS, strict=True)]
    front = list(headers[:2])
    return tuple(front) if front in [*pairs, in_front()] else ()


def without_guards(rows: Generator[Row, None, None]) -> Generator[Row, None, None]:
    """Yield the rows of a mended CSV file as they were before our own guard against formulas."""
    for row in rows:
        yield row._replace(cells=[without_guard(cell) if isinstance(cell, str) else cell for cell in row.cells])


def of_returned(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping as it reads a file of refused rows: one sheet, one row of headers, in our own encoding."""
    return {name: value for name, value in definition.items() if name not in READING}


def headers_digest(headers: Sequence[str]) -> str:
    """Return what tells tables of other columns apart; the columns in front of refused rows do not count."""
    own = [header for header in headers[len(returned_columns(headers)) :] if header]
    return hashlib.sha256(json.dumps(own, ensure_ascii=False).encode()).hexdigest()
