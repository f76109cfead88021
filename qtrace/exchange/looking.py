"""A first look at a file: its headers, why they are taken for headers, and some of its values."""

from collections import Counter
from itertools import islice

from qtrace.exchange.queries import RunDetail
from qtrace.exchange.reading import Cell, Table

LOOKED_AT = 2000
SAMPLES = 3
MOST_WORDS = 100  # of a column
MOST_LETTERS = 200  # of a word; what is longer is no word of a choice


def first_look(table: Table) -> RunDetail:
    """Return what a person needs to say what the columns hold; `first` has a few different values of each column."""
    rows = [row.cells for row in islice(table.rows, LOOKED_AT) if not row.reason]
    said = [_words(rows, place) for place in range(len(table.headers))]
    return RunDetail(
        {}, headers=table.headers, first=[_samples(rows, place) for place in range(len(table.headers))], why=table.why,
        header_row=table.header_row, header_rows=table.header_rows, sheet=table.sheet, sheets=table.sheets,
        doubled=table.doubled, epoch_1904=table.epoch_1904, words=[dict(words.most_common(MOST_WORDS)) for words in said],
        more_words=[max(0, len(words) - MOST_WORDS) for words in said], looked_at=len(rows),
    )  # fmt: skip


def _samples(rows: list[list[Cell]], place: int) -> list[str]:
    said = (str(row[place]) for row in rows if place < len(row) and row[place] is not None)
    return list(islice(dict.fromkeys(text for text in said if text.strip()), SAMPLES))


def _words(rows: list[list[Cell]], place: int) -> Counter[str]:
    """Return the different texts of a column with how often each stands in the rows."""
    said = (str(row[place]) for row in rows if place < len(row) and row[place] is not None)
    return Counter(text for text in said if text.strip() and len(text) <= MOST_LETTERS)
