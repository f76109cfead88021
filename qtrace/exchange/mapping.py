"""A mapping says which columns of a file fill which fields; compiled against the headers it turns rows into records.

Its JSON form is documented in docs/user/import.md. A cell that cannot be read becomes a reason that names its column;
columns that nothing uses are listed, so that nothing is ignored silently.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.exchange.cells import (
    EPOCH_1900,
    EPOCH_1904,
    NOTHING,
    SEPARATORS,
    SHOWN,
    BadCellError,
    Cell,
    Parse,
    Whole,
    cell_reader,
    column_reader,
    is_empty,
    read_text,
    split_cell,
)
from qtrace.exchange.headers import tidy_title
from qtrace.exchange.kinds import KINDS, Choice, Field, Kind, normal
from qtrace.orders.frames import DEFAULTS, Frames, filled
from qtrace.sdk.records import Record

Definition = Mapping[str, Any]
Read = Callable[[Cell | tuple[Cell, ...]], Any]

COLUMN_KEYS = {"header", "join", "sep", "format", "decimal_comma", "map", "default", "split"}
DEFINITION_KEYS = {
    "kind", "columns", "zone", "also", "sheet", "header_row", "header_rows", "encoding", "name", "keep_totals", "empty",
    "epoch", "key",
}  # fmt: skip
EPOCHS = {"1900": EPOCH_1900, "1904": EPOCH_1904}
ALIKE = 0.74  # of two headers that are nearly the same


@dataclass(frozen=True)
class Unread:
    """Stands where a value would, and says why there is none; `unknown` are the words no choice is known by."""

    why: str
    unknown: tuple[str, ...] = ()


class UnknownWordError(BadCellError):
    """A cell names something that is none of its field's choices."""

    def __init__(self, message: str, words: tuple[str, ...]) -> None:
        super().__init__(message)
        self.words = words


@dataclass(frozen=True)
class Step:
    """How one field is filled: `read` turns a cell, or the cells to be joined, into a value.

    What says nothing becomes `default`; `whole` reads a column of texts at once where all have the plainest form.
    """

    field: str
    title: str
    places: tuple[int, ...]
    read: Read
    default: Any
    required: bool
    whole: Whole | None

    def values(self, columns: Sequence[Sequence[Cell]], size: int) -> Sequence[Any]:
        """Return what every row says; equal cells are read once."""
        if len(self.places) != 1:
            joined = [columns[place] for place in self.places]
            return self._distinct(list(zip(*joined, strict=True)) if joined else [()] * size)
        column = columns[self.places[0]]
        kinds = set(map(type, column))
        if self.whole is not None and kinds == {str}:
            values = self.whole(cast(Sequence[str], column))
            if values is not None:
                return values
        # True equals 1, but is no number
        return [self._value(cell) for cell in column] if bool in kinds else self._distinct(column)

    def _distinct(self, column: Sequence[Cell | tuple[Cell, ...]]) -> list[Any]:
        known = {cell: self._value(cell) for cell in set(column)}
        return [known[cell] for cell in column]

    def _value(self, cell: Cell | tuple[Cell, ...]) -> Any:
        try:
            value = self.read(cell)
        except UnknownWordError as error:
            return Unread(_("「%(column)s」%(why)s", column=self.title, why=error), error.words)
        except BadCellError as error:
            return Unread(_("「%(column)s」%(why)s", column=self.title, why=error))
        if value is not None and value != "" and value != ():
            return value
        if self.required and self.default is None:
            return Unread(_("「%(column)s」是空的。", column=self.title))
        return self.default


@dataclass(frozen=True)
class Part:
    """One record made of every row; `when` is the cell that must not be empty for it to be made."""

    kind: str
    steps: tuple[Step, ...]
    when: int | None = None


@dataclass(frozen=True)
class Filled:
    """What many rows say: their records, and by row the reasons why it cannot be read.

    The record that part p makes of row r stands at place r * `parts` + p of the batch. Rows of a kind that is no fact of
    the shop are in `said` as (row, {field: value}) instead. `unknown` counts by field the words no choice is known by.
    """

    parts: int
    frames: Frames
    reasons: Mapping[int, list[str]]
    said: Sequence[tuple[int, dict[str, Any]]] = ()
    unknown: Mapping[str, Counter[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A mapping compiled against a file's headers."""

    kind: str
    parts: tuple[Part, ...]
    ignored: tuple[str, ...]
    width: int
    empty: frozenset[Cell] = frozenset()

    def apply(self, cells: Sequence[Cell]) -> tuple[list[Record], list[str]]:
        """Return the row's records, or the reasons why it cannot be read."""
        filled = self.fill([cells])
        made = [record for frame in filled.frames.frames for record in frame.records()]
        return made, filled.reasons.get(0, [])

    def fill(self, rows: Sequence[Sequence[Cell]]) -> Filled:
        """Return what the rows say, read column by column; a row that cannot be read makes no record at all."""
        whole = [row if len(row) >= self.width else [*row, *[None] * (self.width - len(row))] for row in rows]
        columns = [_emptied(column, self.empty) for column in zip(*whole, strict=False)]
        reasons: dict[int, list[str]] = {}
        unknown: dict[str, Counter[str]] = {}
        said = [_said(part, columns, len(rows), reasons, unknown) for part in self.parts]
        if self.kind not in KINDS:
            [(numbers, values)] = said
            kept, values = _without(reasons, numbers, values)
            taken = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
            return Filled(1, Frames(len(rows), []), reasons, list(zip(kept, taken, strict=True)), unknown)
        frames = [
            filled(part.kind, [row * len(self.parts) + place for row in kept], columns)
            for place, (part, (numbers, values)) in enumerate(zip(self.parts, said, strict=True))
            for kept, columns in [_without(reasons, numbers, values)]
        ]
        return Filled(len(self.parts), Frames(len(rows) * len(self.parts), frames), reasons, unknown=unknown)


def compile_mapping(
    definition: Definition,
    headers: Sequence[str],
    *,
    zone: str,
    kind: Kind | None = None,
    epoch_1904: bool = False,
) -> Plan:
    """Return the plan that reads rows under these headers; refuse a mapping that does not fit, with one clear line.

    `kind` describes what the rows become where its choices matter or the kind is no fact of the shop.
    """
    check_definition(definition, kind)
    kind = kind or KINDS[str(definition["kind"])]
    places = {tidy_title(header): place for place, header in enumerate(headers) if header}
    epoch = EPOCHS.get(str(definition.get("epoch", ""))) or (EPOCH_1904 if epoch_1904 else EPOCH_1900)
    source = _Source(places, _zone(definition, zone), epoch, set())
    parts = [_part(kind, definition, source)]
    for extra in definition.get("also", ()):
        extra_zone = _zone(extra, str(definition.get("zone") or zone))
        parts.append(_part(KINDS[str(extra["kind"])], extra, replace(source, zone=extra_zone)))
    ignored = tuple(header for place, header in enumerate(headers) if header and place not in source.used)
    return Plan(kind.name, tuple(parts), ignored, len(headers), _marks(definition.get("empty", ())))


def check_definition(definition: Definition, kind: Kind | None = None) -> None:
    """Refuse a definition that is not a mapping; `kind` describes its records where they are no facts of the shop."""
    if not isinstance(definition, Mapping) or (definition.get("kind") not in KINDS and kind is None):
        known = "、".join(KINDS)
        raise Refused(_("映射要写明 kind,可用的有:%(known)s。", known=known), field="kind")
    unknown = set(definition) - DEFINITION_KEYS - {"when"}
    if unknown:
        raise Refused(_("映射里有不认识的项:%(names)s。", names="、".join(sorted(unknown))), field="mapping")
    columns = definition.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        raise Refused(_("映射里没有 columns,不知道哪一列对应哪个字段。"), field="mapping")
    kind = kind or KINDS[str(definition["kind"])]
    for name, column in columns.items():
        _check_column(kind, name, column)
    for extra in definition.get("also", ()):
        check_definition(extra)


def suggest(kind: str | Kind, headers: Sequence[str], *, alike: bool = False) -> dict[str, str]:
    """Return {field: header} as far as the headers say it; every header is used once.

    With `alike` what nearly matches is proposed too, for a person to look at.
    """
    free = {normal(header): header for header in reversed(headers) if header}
    described = KINDS[kind] if isinstance(kind, str) else kind
    found: dict[str, str] = {}
    for own in (True, False):  # a header that is a field's own name is not given to another that may be called so, too
        for one in described.fields:
            words = one.synonyms[:1] if own else one.synonyms
            match = None if one.name in found else next((word for word in words if word in free), None)
            if match is not None:
                found[one.name] = free.pop(match)
    if alike:
        found |= _alike([one for one in described.fields if one.name not in found], free)
    return found


def _alike(fields: Sequence[Field], free: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs of fields and headers that are most alike, each header and field once."""
    scored = sorted(
        (
            (max((_likeness(word, said) for word in one.synonyms), default=0.0), one.name, said)
            for one in fields
            for said in free
        ),
        reverse=True,
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for score, name, said in scored:
        if score >= ALIKE and name not in found and said not in taken:
            found[name] = free[said]
            taken.add(said)
    return found


def _likeness(word: str, said: str) -> float:
    if len(word) >= 2 and (said.endswith(word) or said.startswith(word)):
        return ALIKE + len(word) / (len(said) * 4)
    return SequenceMatcher(None, word, said, autojunk=False).ratio()


def sample_values(
    kind: Kind, name: str, header: str, samples: Sequence[Cell], definition: Definition, *, zone: str
) -> list[str]:
    """Return what the samples of a column would be read as: the value in words, or why there is none."""
    one = kind.field(name)
    if one is None:
        return ["" for _sample in samples]
    labels = {choice.value: choice.label for choice in one.choices}
    return [
        _in_words(value, labels, ZoneInfo(zone))
        for value in _sampled(kind, one, header, samples, definition, zone=zone)
    ]


def unknown_samples(
    kind: Kind, one: Field, header: str, counts: Mapping[str, int], definition: Definition, *, zone: str
) -> Counter[str]:
    """Return the words among a column's texts that none of the field's choices is known by, with how often each is said."""
    found: Counter[str] = Counter()
    values = _sampled(kind, one, header, list(counts), definition, zone=zone)
    for value, count in zip(values, counts.values(), strict=True):
        if isinstance(value, Unread):
            found.update(dict.fromkeys(value.unknown, count))
    return found


def _sampled(
    kind: Kind, one: Field, header: str, samples: Sequence[Cell], definition: Definition, *, zone: str
) -> Sequence[Any]:
    epoch = EPOCHS.get(str(definition.get("epoch", "")), EPOCH_1900)
    source = _Source({tidy_title(header): 0}, ZoneInfo(zone), epoch, set())
    step = _step(kind, replace(one, required=False), {"header": header}, source)
    return step.values([_emptied(samples, _marks(definition.get("empty", ())))], len(samples))


def _in_words(value: object, labels: Mapping[str, str], zone: ZoneInfo) -> str:
    if isinstance(value, Unread):
        return value.why
    if isinstance(value, tuple):
        return "、".join(labels.get(str(part), str(part)) for part in value)
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else labels.get(str(value), str(value))


def suggest_definition(kind: Kind, headers: Sequence[str]) -> dict[str, Any]:
    """Return a mapping made from the headers alone."""
    return {
        "kind": kind.name,
        "columns": {name: {"header": header} for name, header in suggest(kind, headers).items()},
        "empty": list(NOTHING),
    }


def detect_kinds(headers: Sequence[str]) -> list[str]:
    """Return the kinds whose required fields the headers give, the best fit first; ties mean nobody can tell."""
    scores: dict[str, int] = {}
    for name, kind in KINDS.items():
        found = suggest(name, headers)
        if all(one.name in found for one in kind.required):
            scores[name] = len(found)
    return sorted(scores, key=lambda name: -scores[name])


def detect_kind(headers: Sequence[str]) -> str | None:
    """Return the one kind that fits the headers best, or None when nothing or several fit."""
    fitting = detect_kinds(headers)
    best = [name for name in fitting if len(suggest(name, headers)) == len(suggest(fitting[0], headers))]
    return best[0] if len(best) == 1 else None


def _check_column(kind: Kind, name: object, column: object) -> None:
    if kind.field(str(name)) is None:
        known = "、".join(one.name for one in kind.fields)
        raise Refused(
            _("「%(kind)s」没有字段 %(name)s,可用的有:%(known)s。", kind=kind.label, name=name, known=known),
            field="mapping",
        )
    if not isinstance(column, Mapping) or not (set(column) & {"header", "join", "default"}):
        raise Refused(_("字段 %(name)s 要写 header、join 或 default。", name=name), field="mapping")
    unknown = set(column) - COLUMN_KEYS
    if unknown:
        raise Refused(
            _("字段 %(name)s 里有不认识的项:%(names)s。", name=name, names="、".join(sorted(unknown))), field="mapping"
        )


def _zone(definition: Definition, fallback: str) -> ZoneInfo:
    name = str(definition.get("zone") or fallback)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise Refused(_("不认识时区 %(zone)s,例如 Asia/Shanghai。", zone=name), field="zone") from error


@dataclass(frozen=True)
class _Source:
    """What a file's columns are read by; `used` collects the places of the columns that are."""

    places: Mapping[str, int]
    zone: ZoneInfo
    epoch: datetime
    used: set[int]


def _part(kind: Kind, definition: Definition, source: _Source) -> Part:
    columns: Mapping[str, Mapping[str, Any]] = definition["columns"]
    missing = [one.label for one in kind.fields if one.required and one.name not in columns]
    if missing:
        raise Refused(
            _(
                "还没有指定这些必需字段的列:%(fields)s。文件里的列有:%(headers)s。",
                fields="、".join(map(str, missing)), headers="、".join(source.places),
            ),
            field="mapping",
        )  # fmt: skip
    steps = []
    for one in kind.fields:
        if one.name in columns:
            step = _step(kind, one, columns[one.name], source)
            source.used.update(step.places)
            steps.append(step)
    when = definition.get("when")
    if when is not None:
        source.used.add(_place(str(when), source.places))
    return Part(kind.name, tuple(steps), None if when is None else _place(str(when), source.places))


def _step(kind: Kind, one: Field, column: Mapping[str, Any], source: _Source) -> Step:
    names = [str(name) for name in column.get("join", ())] or ([str(column["header"])] if "header" in column else [])
    parse = cell_reader(one.type, column, source.zone, epoch=source.epoch)
    read = _reader(parse, str(column.get("sep", " ")))
    if translate := {tidy_title(str(raw)).casefold(): str(to) for raw, to in column.get("map", {}).items()}:
        read = _translated(read, translate)
    if one.choices:
        read = _chosen(one, str(column.get("split", SEPARATORS)), translate)
    elif one.many:
        separators = str(column.get("split", SEPARATORS))
        read = _listed(parse, separators)
    default = column.get("default")
    try:
        value = None if default in (None, "") else read(str(default))
    except BadCellError as error:
        raise Refused(_("字段 %(name)s 的默认值不对:%(why)s", name=one.name, why=error), field="mapping") from error
    return Step(
        field=one.name,
        title="+".join(names) or str(one.label),
        places=tuple(_place(name, source.places) for name in names),
        read=read,
        default=DEFAULTS.get(kind.name, {}).get(one.name) if value is None or value == "" else value,
        required=one.required,
        whole=None if translate or one.choices or one.many else column_reader(one.type, column, source.zone),
    )


def _reader(parse: Parse, separator: str) -> Read:
    def read(given: Cell | tuple[Cell, ...]) -> Any:
        cell = separator.join(filter(None, map(read_text, given))) if isinstance(given, tuple) else given
        return None if cell is None or cell == "" else parse(cell)

    return read


def _translated(read: Read, translate: Mapping[str, str]) -> Read:
    """Read a cell by the words it was given for; other words stay as they are."""

    def translated(given: Cell | tuple[Cell, ...]) -> Any:
        if isinstance(given, tuple) or given is None:
            return read(given)
        return read(translate.get(tidy_title(read_text(given)).casefold(), given))

    return translated


def _chosen(one: Field, separators: str, translate: Mapping[str, str]) -> Read:
    """Read a cell as one of the field's choices, or as several where it may have several."""
    known = {word.casefold(): choice.value for choice in reversed(one.choices) for word in _words(choice)}
    known |= {said: known.get(to.casefold(), to) for said, to in translate.items()}

    def chosen(given: Cell | tuple[Cell, ...]) -> Any:
        text = read_text(given) if not isinstance(given, tuple) else " ".join(filter(None, map(read_text, given)))
        whole = tidy_title(text).casefold()
        if whole in known:
            return (known[whole],) if one.many and known[whole] else known[whole]
        words = split_cell(text, separators) if one.many else [text] if text else []
        said = [tidy_title(word).casefold() for word in words]
        strange = tuple(word for word, key in zip(words, said, strict=True) if key not in known)
        if strange:
            shown = "、".join(word[:SHOWN] for word in strange)
            raise UnknownWordError(_("的「%(words)s」没有对应的选项。", words=shown), strange)
        values = tuple(dict.fromkeys(known[key] for key in said if known[key]))
        return values if one.many else values[0] if values else None

    return chosen


def _words(choice: Choice) -> tuple[str, ...]:
    return tuple(tidy_title(word) for word in (*choice.words, choice.label, choice.value))


def _listed(parse: Parse, separators: str) -> Read:
    """Read a cell as several values, each read by itself."""

    def listed(given: Cell | tuple[Cell, ...]) -> Any:
        cells = given if isinstance(given, tuple) else (given,)
        return tuple(dict.fromkeys(parse(part) for cell in cells for part in split_cell(cell, separators)))

    return listed


def _emptied(column: Sequence[Cell], marks: frozenset[Cell]) -> Sequence[Cell]:
    """Return the column without the marks that stand for nothing."""
    if marks.isdisjoint(column):
        return column
    return [None if cell in marks else cell for cell in column]


def _marks(said: Iterable[object]) -> frozenset[Cell]:
    """Return the marks as cells hold them, a space beside them or not."""
    return frozenset(f"{before}{mark}{after}" for mark in said for before in ("", " ") for after in ("", " ") if mark)


def _said(
    part: Part,
    columns: Sequence[Sequence[Cell]],
    size: int,
    reasons: dict[int, list[str]],
    unknown: dict[str, Counter[str]],
) -> tuple[list[int], dict[str, Sequence[Any]]]:
    """Return the rows a part makes records of with the values of their fields; note what cannot be read."""
    numbers = list(range(size))
    if part.when is not None:
        numbers = [row for row in numbers if not is_empty(columns[part.when][row])]
        columns = [[column[row] for row in numbers] for column in columns]
    said = {step.field: step.values(columns, len(numbers)) for step in part.steps}
    for name, values in said.items():
        if Unread in set(map(type, values)):
            for row, value in zip(numbers, values, strict=True):
                if isinstance(value, Unread):
                    reasons.setdefault(row, []).append(value.why)
                    if value.unknown:
                        unknown.setdefault(name, Counter()).update(value.unknown)
    return numbers, said


def _without(
    refused: Iterable[int], numbers: list[int], said: dict[str, Sequence[Any]]
) -> tuple[list[int], dict[str, Sequence[Any]]]:
    """Return the rows and their values without those that were refused."""
    kept = [at for at, row in enumerate(numbers) if row not in refused]
    if len(kept) == len(numbers):
        return numbers, said
    return [numbers[at] for at in kept], {name: [values[at] for at in kept] for name, values in said.items()}


def _place(header: str, places: Mapping[str, int]) -> int:
    place = places.get(tidy_title(header))
    if place is None:
        raise Refused(
            _("文件里没有「%(header)s」这一列。文件里的列有:%(headers)s。", header=header, headers="、".join(places)),
            field="mapping",
        )
    return place
