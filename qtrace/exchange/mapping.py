"""A mapping says which columns of a file fill which fields; compiled against the headers it turns rows into records.

Its JSON form is documented in docs/user/import.md. A cell that cannot be read becomes a reason that names its column;
columns that nothing uses are listed, so that nothing is ignored silently.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.exchange.cells import (
    BadCellError,
    Cell,
    Parse,
    Whole,
    cell_reader,
    column_reader,
    is_empty,
    read_text,
)
from qtrace.exchange.headers import tidy_title
from qtrace.exchange.kinds import KINDS, Field, Kind, normal
from qtrace.orders.frames import DEFAULTS, Frames, filled
from qtrace.sdk.records import Record

Definition = Mapping[str, Any]

COLUMN_KEYS = {"header", "join", "sep", "format", "decimal_comma", "map", "default"}
DEFINITION_KEYS = {
    "kind",
    "columns",
    "zone",
    "also",
    "sheet",
    "header_row",
    "header_rows",
    "encoding",
    "name",
    "keep_totals",
}


@dataclass(frozen=True)
class Unread:
    """Stands where a value would, and says why there is none."""

    why: str


@dataclass(frozen=True)
class Step:
    """How one field is filled: `read` turns a cell, or the cells to be joined, into a value.

    What says nothing becomes `default`; `whole` reads a column of texts at once where all have the plainest form.
    """

    field: str
    title: str
    places: tuple[int, ...]
    read: Callable[[Cell | tuple[Cell, ...]], Any]
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
        except BadCellError as error:
            return Unread(_("「%(column)s」%(why)s", column=self.title, why=error))
        if value is not None and value != "":
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

    The record that part p makes of row r stands at place r * `parts` + p of the batch.
    """

    parts: int
    frames: Frames
    reasons: Mapping[int, list[str]]


@dataclass(frozen=True)
class Plan:
    """A mapping compiled against a file's headers."""

    kind: str
    parts: tuple[Part, ...]
    ignored: tuple[str, ...]
    width: int

    def apply(self, cells: Sequence[Cell]) -> tuple[list[Record], list[str]]:
        """Return the row's records, or the reasons why it cannot be read."""
        filled = self.fill([cells])
        made = [record for frame in filled.frames.frames for record in frame.records()]
        return made, filled.reasons.get(0, [])

    def fill(self, rows: Sequence[Sequence[Cell]]) -> Filled:
        """Return what the rows say, read column by column; a row that cannot be read makes no record at all."""
        whole = [row if len(row) >= self.width else [*row, *[None] * (self.width - len(row))] for row in rows]
        columns: list[Sequence[Cell]] = list(zip(*whole, strict=False))
        reasons: dict[int, list[str]] = {}
        said = [_said(part, columns, len(rows), reasons) for part in self.parts]
        frames = [
            filled(part.kind, [row * len(self.parts) + place for row in kept], columns)
            for place, (part, (numbers, values)) in enumerate(zip(self.parts, said, strict=True))
            for kept, columns in [_without(reasons, numbers, values)]
        ]
        return Filled(len(self.parts), Frames(len(rows) * len(self.parts), frames), reasons)


def compile_mapping(definition: Definition, headers: Sequence[str], *, zone: str) -> Plan:
    """Return the plan that reads rows under these headers; refuse a mapping that does not fit, with one clear line."""
    check_definition(definition)
    places = {tidy_title(header): place for place, header in enumerate(headers) if header}
    used: set[int] = set()
    parts = [_part(definition, places, _zone(definition, zone), used)]
    for extra in definition.get("also", ()):
        parts.append(
            _part({**extra, "zone": extra.get("zone") or definition.get("zone")}, places, _zone(definition, zone), used)
        )
    ignored = tuple(header for place, header in enumerate(headers) if header and place not in used)
    return Plan(str(definition["kind"]), tuple(parts), ignored, len(headers))


def check_definition(definition: Definition) -> None:
    """Refuse a definition that is not a mapping."""
    if not isinstance(definition, Mapping) or definition.get("kind") not in KINDS:
        known = "、".join(KINDS)
        raise Refused(_("映射要写明 kind,可用的有:%(known)s。", known=known), field="kind")
    unknown = set(definition) - DEFINITION_KEYS - {"when"}
    if unknown:
        raise Refused(_("映射里有不认识的项:%(names)s。", names="、".join(sorted(unknown))), field="mapping")
    columns = definition.get("columns")
    if not isinstance(columns, Mapping) or not columns:
        raise Refused(_("映射里没有 columns,不知道哪一列对应哪个字段。"), field="mapping")
    kind = KINDS[str(definition["kind"])]
    for name, column in columns.items():
        _check_column(kind, name, column)
    for extra in definition.get("also", ()):
        check_definition(extra)


def suggest(kind_name: str, headers: Sequence[str]) -> dict[str, str]:
    """Return {field: header} as far as the headers say it; every header is used once."""
    free = {normal(header): header for header in reversed(headers) if header}
    found: dict[str, str] = {}
    for field in KINDS[kind_name].fields:
        match = next((word for word in field.synonyms if word in free), None)
        if match is not None:
            found[field.name] = free.pop(match)
    return found


def suggest_definition(kind_name: str, headers: Sequence[str]) -> dict[str, Any]:
    """Return a mapping made from the headers alone."""
    return {
        "kind": kind_name,
        "columns": {name: {"header": header} for name, header in suggest(kind_name, headers).items()},
    }


def detect_kinds(headers: Sequence[str]) -> list[str]:
    """Return the kinds whose required fields the headers give, the best fit first; ties mean nobody can tell."""
    scores: dict[str, int] = {}
    for name, kind in KINDS.items():
        found = suggest(name, headers)
        if all(field.name in found for field in kind.required):
            scores[name] = len(found)
    return sorted(scores, key=lambda name: -scores[name])


def detect_kind(headers: Sequence[str]) -> str | None:
    """Return the one kind that fits the headers best, or None when nothing or several fit."""
    fitting = detect_kinds(headers)
    best = [name for name in fitting if len(suggest(name, headers)) == len(suggest(fitting[0], headers))]
    return best[0] if len(best) == 1 else None


def _check_column(kind: Kind, name: object, column: object) -> None:
    if kind.field(str(name)) is None:
        known = "、".join(field.name for field in kind.fields)
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


def _part(definition: Definition, places: Mapping[str, int], zone: ZoneInfo, used: set[int]) -> Part:
    kind = KINDS[str(definition["kind"])]
    columns: Mapping[str, Mapping[str, Any]] = definition["columns"]
    missing = [field.label for field in kind.required if field.name not in columns]
    if missing:
        raise Refused(
            _(
                "还没有指定这些必需字段的列:%(fields)s。文件里的列有:%(headers)s。",
                fields="、".join(map(str, missing)), headers="、".join(places),
            ),
            field="mapping",
        )  # fmt: skip
    steps = []
    for field in kind.fields:
        if field.name in columns:
            step = _step(kind, field, columns[field.name], places, zone)
            used.update(step.places)
            steps.append(step)
    when = definition.get("when")
    if when is not None:
        used.add(_place(str(when), places))
    return Part(kind.name, tuple(steps), None if when is None else _place(str(when), places))


def _step(kind: Kind, field: Field, column: Mapping[str, Any], places_of: Mapping[str, int], zone: ZoneInfo) -> Step:
    names = [str(name) for name in column.get("join", ())] or ([str(column["header"])] if "header" in column else [])
    parse = cell_reader(field.type, column, zone)
    default = column.get("default")
    try:
        value = None if default in (None, "") else parse(str(default))
    except BadCellError as error:
        raise Refused(_("字段 %(name)s 的默认值不对:%(why)s", name=field.name, why=error), field="mapping") from error
    places = tuple(_place(name, places_of) for name in names)
    translate = {str(raw): str(to) for raw, to in column.get("map", {}).items()}
    return Step(
        field=field.name,
        title="+".join(names) or str(field.label),
        places=places,
        read=_reader(parse, str(column.get("sep", " ")), translate),
        default=DEFAULTS[kind.name].get(field.name) if value is None or value == "" else value,
        required=field.required,
        whole=None if translate else column_reader(field.type, column, zone),
    )


def _reader(parse: Parse, separator: str, translate: Mapping[str, str]) -> Callable[[Cell | tuple[Cell, ...]], Any]:
    def read(given: Cell | tuple[Cell, ...]) -> Any:
        cell = separator.join(filter(None, map(read_text, given))) if isinstance(given, tuple) else given
        if translate and cell is not None:
            cell = translate.get(read_text(cell), cell)
        return None if cell is None or cell == "" else parse(cell)

    return read


def _said(
    part: Part, columns: Sequence[Sequence[Cell]], size: int, reasons: dict[int, list[str]]
) -> tuple[list[int], dict[str, Sequence[Any]]]:
    """Return the rows a part makes records of with the values of their fields; note what cannot be read."""
    numbers = list(range(size))
    if part.when is not None:
        numbers = [row for row in numbers if not is_empty(columns[part.when][row])]
        columns = [[column[row] for row in numbers] for column in columns]
    said = {step.field: step.values(columns, len(numbers)) for step in part.steps}
    for values in said.values():
        if Unread in set(map(type, values)):
            for row, value in zip(numbers, values, strict=True):
                if isinstance(value, Unread):
                    reasons.setdefault(row, []).append(value.why)
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
