"""A first look at a file: its headers, why they are taken for headers, and some of its values."""

from itertools import islice

from qtrace.exchange.queries import RunDetail
from qtrace.exchange.reading import Cell, Table

LOOKED_AT = 200
SAMPLES = 3


def first_look(table: Table) -> RunDetail:
    """Return what a person needs to say what the columns hold; `first` has a few different values of each column."""
    rows = [row.cells for row in islice(table.rows, LOOKED_AT) if not row.reason]
    return RunDetail(
        {}, headers=table.headers, first=[_samples(rows, place) for place in range(len(table.headers))], why=table.why,
        header_row=table.header_row, header_rows=table.header_rows, sheet=table.sheet, sheets=table.sheets,
        doubled=table.doubled, epoch_1904=table.epoch_1904,
    )  # fmt: skip


def _samples(rows: list[list[Cell]], place: int) -> list[str]:
    said = (str(row[place]) for row in rows if place < len(row) and row[place] is not None)
    return list(islice(dict.fromkeys(text for text in said if text.strip()), SAMPLES))
