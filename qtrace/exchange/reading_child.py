"""The child that opens tables somebody sent: finds what they are, where the headers are, and streams judged rows.

It answers a head, then batches of rows, then an end with the counts; codes, not sentences, because the parent alone
knows the reader's language. A row is [number, cells] or, when refused, [number, cells, code, params].
"""

import gc
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from qtrace.core.child import ChildRefused, ChildRequest, serve
from qtrace.exchange.headers import (
    SEARCHED,
    TOTALS,
    Cell,
    Headers,
    find_headers,
    looks_like_total,
    looks_signed,
    take_headers,
)
from qtrace.exchange.reading_book import open_book
from qtrace.exchange.reading_csv import open_csv
from qtrace.exchange.reading_source import MAX_CELL, MAX_ROW, RawRow, Source, sniff

BATCH = 500
TOP_SHOWN = 20
FOOTER_MARKS = frozenset({beginning[0] for beginning in TOTALS} | set("制填编审批复校经负打导备注说TGS"))
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
    first, headers, rest = _split(source, data["header_row"], data["header_rows"])
    above = first[: headers.rows[0]] if headers.rows else []
    yield {
        "headers": list(headers.names),
        "doubled": list(headers.doubled),
        "why": headers.why,
        "kind": kind,
        "encoding": source.encoding,
        "delimiter": source.delimiter,
        "sheet": source.sheet,
        "sheets": source.sheets,
        "header_row": headers.rows[0] + 1 if headers.rows else 0,
        "header_rows": len(headers.rows),
        "epoch_1904": source.epoch_1904,
        "skipped_above": sum(1 for row in above if _is_filled(row)),
        "top": [row[1][:MAX_COLUMNS] for row in first[:TOP_SHOWN]] if data["top"] else [],
        "estimate": max(0, source.height - headers.end),
        "uncached": source.uncached,
        "uncached_count": source.uncached_count,
    }
    yield from _batches(rest, len(headers.names), source, keep_totals=bool(data["keep_totals"]))


def _split(source: Source, wanted: int | None, count: int | None) -> tuple[list[RawRow], Headers, Iterator[RawRow]]:
    """Return the first rows, the headers among them, and an iterator over the rows below those."""
    first = list(islice(source.rows, max(SEARCHED, (wanted or 0) + (count or 1))))
    top = [row[1][: MAX_COLUMNS + 1] for row in first]
    if wanted is not None:
        if len(first) < wanted:
            raise ChildRefused("header_beyond_end", row=wanted, rows=len(first))
        taken = 1 if count is None else count
        headers = take_headers(top, wanted - 1, taken, source.merges, first_column=source.first_column)
    else:
        headers = find_headers(top, source.merges, first_column=source.first_column)
    if not any(_is_filled(row) for row in first):
        raise ChildRefused("empty")
    _judge(headers, first)
    return first, headers, chain(first[headers.end :], source.rows)


def _judge(headers: Headers, first: list[RawRow]) -> None:
    row = headers.rows[0] + 1 if headers.rows else 1
    if any(first[at][2] for at in headers.rows):
        raise ChildRefused("bad_header", row=row)
    if not any(headers.names) or (headers.rows and not any(_is_filled(first[at]) for at in headers.rows)):
        raise ChildRefused("blank_header", row=row)
    if len(headers.names) > MAX_COLUMNS:
        columns = max(len(first[at][1]) for at in headers.rows) if headers.rows else len(headers.names)
        raise ChildRefused("too_many_columns", columns=columns, limit=MAX_COLUMNS)


def _is_filled(row: RawRow) -> bool:
    return any(cell not in (None, "") for cell in row[1])


def _batches(rows: Iterator[RawRow], width: int, source: Source, *, keep_totals: bool) -> Iterator[object]:
    """Yield every row that is neither blank nor a line of totals in batches, then the counts."""
    blank = read = 0
    totals: list[int] = []
    unused = set(range(width))
    batch: list[Sent] = []
    for number, cells, reason in rows if keep_totals else _without_totals(rows, width, totals):
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
            unused -= _used(batch, unused)
            yield from _fitting(batch, width)
            batch = []
    unused -= _used(batch, unused)
    yield from _fitting(batch, width)
    yield {"end": True, "read": read, "blank": blank, "totals": totals, "unused": sorted(unused)}


def _without_totals(rows: Iterator[RawRow], width: int, totals: list[int]) -> Iterator[RawRow]:
    """Yield the rows without lines of totals and without what is signed below the last row; their numbers are noted."""
    held: list[RawRow] = []
    for row in rows:
        cells = row[1]
        first = next(filter(None, cells), None)
        if first.__class__ is str and first[:1] in FOOTER_MARKS:
            if looks_like_total(cells):
                totals.append(row[0])
                continue
            if looks_signed([*cells, *[None] * (width - len(cells))]):
                held.append(row)
                continue
        if held and first is not None:
            yield from held
            held.clear()
        yield row
    totals += [number for number, _cells, _reason in held]


def _used(batch: list[Sent], unused: set[int]) -> set[int]:
    """Return which of the columns nothing was seen in so far this batch fills."""
    good = [row[1] for row in batch if len(row) == 2] if unused else []
    return {at for at in unused if any(cells[at] is not None for cells in good)}


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
