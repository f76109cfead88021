"""The child that opens tables somebody sent: finds what they are, where the headers are, and streams judged rows.

It answers a head, then batches of rows, then an end with the counts; codes, not sentences, because the parent alone
knows the reader's language. A row is [number, cells] or, when refused, [number, cells, code, params].
"""

import gc
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from qtrace.core.child import ChildRefused, ChildRequest, serve
from qtrace.exchange.reading_book import open_book
from qtrace.exchange.reading_csv import open_csv
from qtrace.exchange.reading_source import MAX_CELL, MAX_ROW, Cell, RawRow, Source, sniff

BATCH = 500
SEARCHED_FOR_HEADER = 50
MAX_COLUMNS = 2000
EXTRA_CELLS_SHOWN = 50
MAX_BATCH_TEXT = 4_000_000

# What is sent of one row: number, cells, and for a refused one the code and its parameters.
Sent = tuple[int, list[Cell], str, dict[str, Any]] | tuple[int, list[Cell]]


def main(request: ChildRequest) -> Iterator[object]:
    """Yield the head, the batches and the end of one table."""
    # Millions of cells and no cycles: looking for garbage took a fifth of the time.
    gc.disable()
    data = request.data
    path = Path(request.input.name)
    kind = sniff(path, str(data["name"]))
    source = open_csv(path, data["encoding"]) if kind == "csv" else open_book(path, kind, data["sheet"])
    above, header, rest = _split(source.rows, data["header_row"])
    headers = _headers(header)
    skipped = sum(1 for row in above if any(cell not in (None, "") for cell in row[1]))
    yield {
        "headers": headers,
        "kind": kind,
        "encoding": source.encoding,
        "delimiter": source.delimiter,
        "sheet": source.sheet,
        "sheets": source.sheets,
        "header_row": header[0],
        "skipped_above": skipped,
        "estimate": max(0, source.height - header[0]),
        "uncached": source.uncached,
        "uncached_count": source.uncached_count,
    }
    yield from _batches(rest, len(headers), source)


def _split(rows: Iterator[RawRow], wanted: int | None) -> tuple[list[RawRow], RawRow, Iterator[RawRow]]:
    """Return the rows above the header, the header and an iterator over what lies below."""
    if wanted is not None:
        first = list(islice(rows, wanted))
        if len(first) < wanted:
            raise ChildRefused("header_beyond_end", row=wanted, rows=len(first))
        place = wanted - 1
    else:
        first = list(islice(rows, SEARCHED_FOR_HEADER))
        place = _header_place(first)
    return first[:place], first[place], chain(first[place + 1 :], rows)


def _header_place(first: list[RawRow]) -> int:
    filled = [any(cell not in (None, "") for cell in row[1]) for row in first]
    if not any(filled):
        raise ChildRefused("empty")
    # A list of one column has no row with two texts: its first filled row is the header.
    named = (place for place, row in enumerate(first) if sum(map(_is_name, row[1])) >= 2)
    return next(named, filled.index(True))


def _is_name(cell: Cell) -> bool:
    if not isinstance(cell, str) or not cell.strip():
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _headers(header: RawRow) -> list[str]:
    if header[2]:
        raise ChildRefused("bad_header", row=header[0])
    headers = [_title(cell) for cell in header[1]]
    while headers and not headers[-1]:
        headers.pop()
    if not headers:
        raise ChildRefused("blank_header", row=header[0])
    if len(headers) > MAX_COLUMNS:
        raise ChildRefused("too_many_columns", columns=len(headers), limit=MAX_COLUMNS)
    double = [name for name, times in Counter(headers).items() if name and times > 1]
    if double:
        raise ChildRefused("double_headers", names="、".join(name[:40] for name in double[:20]))
    return headers


def _title(cell: Cell) -> str:
    if cell is None:
        return ""
    return cell["d"] if isinstance(cell, dict) else str(cell).strip()


def _batches(rows: Iterator[RawRow], width: int, source: Source) -> Iterator[object]:
    """Yield every row that is not blank in batches, then the counts."""
    blank = read = 0
    batch: list[Sent] = []
    for number, cells, reason in rows:
        while cells and cells[-1] is None:
            cells.pop()
        if reason is None:
            if not cells:
                if number not in source.uncached_rows:
                    blank += 1
                    continue
                reason = ("only_uncached", {})
            elif len(cells) > width:
                reason = ("too_many_cells", {"cells": len(cells), "columns": width})
        read += 1
        if reason is None:
            if len(cells) < width:
                cells.extend([None] * (width - len(cells)))
            batch.append((number, cells))
        else:
            batch.append((number, _shown(cells, width), *reason))
        if len(batch) == BATCH:
            yield from _fitting(batch, width)
            batch = []
    yield from _fitting(batch, width)
    yield {"end": True, "read": read, "blank": blank}


def _shown(cells: list[Cell], width: int) -> list[Cell]:
    """Return of a refused row what a person needs to mend it, never its megabytes."""
    kept = cells[: width + EXTRA_CELLS_SHOWN]
    if sum(len(cell) for cell in kept if isinstance(cell, str)) > MAX_CELL * 4:
        kept = [cell[:200] if isinstance(cell, str) else cell for cell in kept]
    return [cell[:MAX_CELL].replace("\0", "") if isinstance(cell, str) else cell for cell in kept]


def _fitting(batch: list[Sent], width: int) -> Iterator[object]:
    """Yield the batch whole, or halved until a line of it is of a sane size."""
    if not batch:
        return
    if len(batch) > 1 and _texts(batch) > MAX_BATCH_TEXT:
        middle = len(batch) // 2
        yield from _fitting(batch[:middle], width)
        yield from _fitting(batch[middle:], width)
        return
    if len(batch) == 1 and len(batch[0]) == 2 and _texts(batch) > MAX_ROW:
        batch = [(batch[0][0], _shown(batch[0][1], width), "row_too_long", {"limit": MAX_ROW})]
    yield {"rows": batch}


def _texts(batch: list[Sent]) -> int:
    return sum(len(cell) for row in batch for cell in row[1] if isinstance(cell, str))


if __name__ == "__main__":
    serve(main)
