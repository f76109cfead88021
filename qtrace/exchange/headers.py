"""Where a sheet's headers are and what its columns are called: title rows above, headers of two rows, no headers.

Every row near the top is scored by how much it looks like a header; the answer says why, in codes, because it is
computed where nobody's language is known. A person may name the rows instead.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Cell = str | int | float | bool | dict[str, str] | None
Rows = Sequence[Sequence[Cell]]
# ((first row, first column), (last row, last column)), counted from 0
Merge = tuple[tuple[int, int], tuple[int, int]]

SEARCHED = 50
LONG_TITLE = 40  # a header rarely has more characters
NEARLY_BEST = 0.2  # of rows that score alike the uppermost is the header
TITLE_SHARE = 0.75
JOINED = " / "
VALUE = re.compile(
    r"[-+]?[\d\uff10-\uff19,]*\.?\d+%?|\d{2,4}[-/.\u5e74]\d{1,2}([-/.\u6708]\d{1,2}\u65e5?)?([T ]\d{1,2}:\d{2}(:\d{2})?.*)?"
    r"|\d{1,2}:\d{2}(:\d{2})?"
)
TOTALS = frozenset(
    {"合计", "总计", "小计", "共计", "总合计", "本页合计", "累计", "total", "grandtotal", "subtotal", "sum"}
)
SIGNED = re.compile(r"(制表|制单|填表|编制|审核|批准|复核|校对|经办|负责|打印|导出|备注|注|说明)(人|日期|时间)?\s*[::]")


@dataclass(frozen=True)
class Headers:
    """The rows that hold the headers (places counted from 0, none when there are no headers) and the columns' names.

    A column nothing names is called by its letter when it holds anything, and "" when it does not. `why` is a code.
    """

    rows: tuple[int, ...]
    names: tuple[str, ...]
    doubled: tuple[str, ...]
    why: str
    score: float

    @property
    def end(self) -> int:
        """Return the place of the first row below the headers."""
        return self.rows[-1] + 1 if self.rows else 0


def find_headers(rows: Rows, merges: Sequence[Merge] = (), *, first_column: int = 0) -> Headers:
    """Find the headers among the first rows of a sheet; `first_column` is where on the sheet its first cell lies."""
    top = [_filled(row) for row in rows[:SEARCHED]]
    width = _width(top)
    scores = {at: _score(row, width, _spans(merges, at)) for at, row in enumerate(top) if row}
    if not scores:
        return Headers((), (), (), "empty", 0.0)
    best = max(scores.values())
    place = next(at for at, score in scores.items() if score >= best - NEARLY_BEST)
    if _is_data(top, place, width):
        return _named(rows, (), merges, first_column, "headerless", scores[place])
    if _has_second_row(rows, place, merges):
        return _named(rows, (place, place + 1), merges, first_column, "two_rows", scores[place])
    above = any(row for row in top[:place])
    return _named(rows, (place,), merges, first_column, "below_title" if above else "first_row", scores[place])


def take_headers(rows: Rows, place: int, count: int, merges: Sequence[Merge] = (), *, first_column: int = 0) -> Headers:
    """Return the headers a person named: `count` rows from `place` on, or none at all."""
    taken = tuple(range(place, min(place + count, len(rows))))
    return _named(rows, taken, merges, first_column, "chosen", 1.0)


def distinct_names(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names with doubles numbered, "名称 (2)", and which names were double."""
    times = Counter(name for name in names if name)
    taken, seen = set(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        if name and seen[name] > 1:
            number = seen[name]
            while f"{name} ({number})" in taken:
                number += 1
            name = f"{name} ({number})"
            taken.add(name)
        found.append(name)
    return tuple(found), tuple(name for name, count in times.items() if count > 1)


def tidy_title(text: str) -> str:
    """Return a header on one line, without what nobody sees."""
    return re.sub(r"[\s\u200b-\u200d\u2060\ufeff]+", " ", text).strip()


def column_letter(place: int) -> str:
    """Return a column's letter on the sheet: A, B, …, Z, AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def looks_like_total(cells: Sequence[Cell]) -> bool:
    """Say whether a row is a line of totals: such a word, then nothing but numbers."""
    filled = [cell for cell in cells if _is_filled(cell)]
    first = filled[0] if filled else None
    word = re.sub(r"[\s:::]+", "", first).lower() if isinstance(first, str) and len(first) <= LONG_TITLE else ""
    return word in TOTALS and all(not _is_name(cell) for cell in filled[1:])


def looks_signed(cells: Sequence[Cell]) -> bool:
    """Say whether a row stands under a table as who made it and when: few cells, the first one such a word."""
    filled = [cell for cell in cells if _is_filled(cell)]
    few = len(cells) >= 3 and len(filled) * 2 <= len(cells)
    return bool(few and isinstance(filled[0], str) and SIGNED.match(filled[0].strip()))


def _is_filled(cell: Cell) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def _is_name(cell: Cell) -> bool:
    if not isinstance(cell, str):
        return False
    text = cell.strip()
    return bool(text) and (len(text) > LONG_TITLE or not VALUE.fullmatch(text))


def _filled(row: Sequence[Cell]) -> Mapping[int, Cell]:
    return {at: cell for at, cell in enumerate(row) if _is_filled(cell)}


def _width(top: Sequence[Mapping[int, Cell]]) -> int:
    """Return how many columns hold anything in more than one row, or in any where there is only one."""
    held = Counter(at for row in top for at in row)
    often = sum(1 for times in held.values() if times > 1)
    return often if often > 1 else max((len(row) for row in top), default=0)


def _spans(merges: Sequence[Merge], row: int) -> list[range]:
    """Return the columns that cells merged sideways cover in this row."""
    return [range(first, last + 1) for (top, first), (end, last) in merges if top <= row <= end and last > first]


def _score(row: Mapping[int, Cell], width: int, spans: Sequence[range]) -> float:
    covered = {at for span in spans for at in span}
    if any(len(row) == 1 or len(span) >= width * TITLE_SHARE for span in spans):
        return 0.0  # a title across the table
    names = [str(cell).strip() for cell in row.values() if _is_name(cell)]
    fill = min(1.0, len(row.keys() | covered) / max(1, width))
    values = (len(row) - len(names)) / len(row)
    distinct = len(set(names)) / len(names) if names else 0.0
    long = sum(len(name) > LONG_TITLE for name in names) / len(row)
    return 0.5 * fill + 0.3 * max(0.0, 1 - 2 * values) + 0.2 * distinct - 0.3 * long


def _is_data(top: Sequence[Mapping[int, Cell]], place: int, width: int) -> bool:
    """Say whether the best row is no header: mostly values, each above a value of its kind."""
    row = top[place]
    values = [at for at, cell in row.items() if not _is_name(cell)]
    if len(values) * 2 <= len(row) and not (len(row) == 1 and values):
        return False
    below = [one for one in top[place + 1 :] if len(one) * 2 >= width]
    like = [one for one in below if all(at not in one or not _is_name(one[at]) for at in values)]
    return bool(below) and len(like) * 2 > len(below) and not _is_series(row, values)


def _is_series(row: Mapping[int, Cell], values: Sequence[int]) -> bool:
    """Say whether the values count on by one, as years and weeks in headers do."""
    numbers = [row[at] for at in values]
    whole = [int(str(cell)) for cell in numbers if re.fullmatch(r"\d{1,4}", str(cell))]
    return len(whole) == len(numbers) > 1 and all(b - a == 1 for a, b in pairwise(whole))


def _has_second_row(rows: Rows, place: int, merges: Sequence[Merge]) -> bool:
    """Say whether the row below goes on with the headers: parts of a merged or repeated cell, or what a blank leaves."""
    if place + 1 >= len(rows):
        return False
    upper, lower = _filled(rows[place]), _filled(rows[place + 1])
    if not lower or not all(_is_name(cell) for cell in lower.values()):
        return False
    if any(top <= place < end for (top, _first), (end, _last) in merges):
        return True
    groups = [group for group in _groups(rows[place], merges, place) if len(group) > 1 and group[0] in upper]
    spread = {at for group in groups for at in group}
    parts = {str(lower[at]) for at in spread if at in lower}
    if len(parts) < 2 or not all(at in spread or at not in upper for at in lower):
        return False
    merged = any(_spans(merges, place))
    repeated = any(at in upper for group in groups for at in group[1:])
    # Without merged cells a row of data could look the same: parts have no digits, and rows follow.
    plain = len(rows) > place + 2 and not any(re.search(r"\d", part) for part in parts)
    return merged or (plain and (repeated or any(at not in lower for at in upper)))


def _groups(row: Sequence[Cell], merges: Sequence[Merge], place: int) -> list[list[int]]:
    """Return the columns in groups that share one upper cell: merged, repeated, or left blank after it."""
    spans = _spans(merges, place)
    groups: list[list[int]] = []
    for at, cell in enumerate(row):
        merged = any(at in span and at > span.start for span in spans)
        same = bool(groups) and _is_filled(cell) and cell == row[groups[-1][0]]
        blank = not merges and not _is_filled(cell) and bool(groups)
        if groups and (merged or same or blank):
            groups[-1].append(at)
        else:
            groups.append([at])
    return groups


def _named(
    rows: Rows, taken: tuple[int, ...], merges: Sequence[Merge], first_column: int, why: str, score: float
) -> Headers:
    below = rows[taken[-1] + 1 :] if taken else rows
    width = max((len(row) for row in rows), default=0) if not taken else max(_extent(rows[at]) for at in taken)
    lines = [_spread(rows[at], merges, at, width, last=at == taken[-1]) for at in taken]
    titles = [_joined([line[at] for line in lines]) for at in range(width)]
    used = {at for row in below for at, cell in enumerate(row) if _is_filled(cell)}
    names = [
        title or (f"{column_letter(first_column + at)}列" if at in used else "") for at, title in enumerate(titles)
    ]
    while names and not names[-1]:
        names.pop()
    found, doubled = distinct_names(names)
    return Headers(taken, found, doubled, why, score)


def _extent(row: Sequence[Cell]) -> int:
    return max((at + 1 for at, cell in enumerate(row) if _is_filled(cell)), default=0)


def _spread(row: Sequence[Cell], merges: Sequence[Merge], place: int, width: int, *, last: bool) -> list[str]:
    """Return the row's titles; an upper one stands over every column of its group."""
    cells = [*row[:width], *[None] * (width - len(row))]
    titles = [_title(cell) for cell in cells]
    if last:
        return titles
    for group in _groups(cells, merges, place):
        for at in group:
            titles[at] = titles[group[0]]
    return titles


def _title(cell: Cell) -> str:
    if cell is None:
        return ""
    return tidy_title(cell["d"] if isinstance(cell, dict) else str(cell))


def _joined(titles: Sequence[str]) -> str:
    """Return "上 / 下"; what is blank or the same is said once."""
    return JOINED.join(dict.fromkeys(title for title in titles if title))
