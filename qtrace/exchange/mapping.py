"""A mapping says which columns of a file fill which fields; compiled against the headers it turns rows into records.

Its JSON form is documented in docs/user/import.md. A cell that cannot be read becomes a reason that names its column;
columns that nothing uses are listed, so that nothing is ignored silently.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.exchange.kinds import KINDS, Field, FieldType, Kind, normal
from qtrace.orders.frames import DEFAULTS, Frames, filled
from qtrace.sdk.records import Record

Cell = str | int | float | bool | datetime | date | None
Definition = Mapping[str, Any]

EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's serial numbers carry no zone
NAIVE = datetime(2000, 1, 1)  # noqa: DTZ001 - times of files carry no zone
AWARE = datetime(2000, 1, 1, tzinfo=UTC)
EXCEL_DAYS = range(36526, 73051)  # 2000-01-01 to 2100-01-01
WHOLE_IN_FLOAT = 10**15
SHOWN = 60
BOOK_MARKS = "\ufeff \t\r\n\u3000\xa0"
TIME_FORMATS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日",
)  # fmt: skip
EXPONENT = re.compile(r"\d(\.\d+)?[eE]\+\d+")
MONEY_MARKS = re.compile(r"^(R\$|US\$|CNY|RMB|[\u00a5\uffe5$€£])|元$|\s")
COLUMN_KEYS = {"header", "join", "sep", "format", "decimal_comma", "map", "default"}
DEFINITION_KEYS = {"kind", "columns", "zone", "also", "sheet", "header_row", "encoding", "name"}


class BadCellError(Exception):
    """A cell cannot be read as its field; the message says why, without naming the column."""


Parse = Callable[[Cell], Any]
Whole = Callable[[Sequence[str]], Sequence[Any] | None]


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
    places = {header.strip(BOOK_MARKS): place for place, header in enumerate(headers) if header}
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
    parse = _parser(field.type, column, zone)
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
        whole=None if translate else _whole_reader(field.type, column, zone),
    )


def _reader(parse: Parse, separator: str, translate: Mapping[str, str]) -> Callable[[Cell | tuple[Cell, ...]], Any]:
    def read(given: Cell | tuple[Cell, ...]) -> Any:
        cell = separator.join(filter(None, map(_text, given))) if isinstance(given, tuple) else given
        if translate and cell is not None:
            cell = translate.get(_text(cell), cell)
        return None if cell is None or cell == "" else parse(cell)

    return read


def _said(
    part: Part, columns: Sequence[Sequence[Cell]], size: int, reasons: dict[int, list[str]]
) -> tuple[list[int], dict[str, Sequence[Any]]]:
    """Return the rows a part makes records of with the values of their fields; note what cannot be read."""
    numbers = list(range(size))
    if part.when is not None:
        numbers = [row for row in numbers if not _is_empty(columns[part.when][row])]
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


def _whole_reader(field_type: FieldType, column: Mapping[str, Any], zone: ZoneInfo) -> Whole | None:
    if field_type == "text":
        return _bare_texts
    return partial(_iso_times, zone) if field_type == "time" and "format" not in column else None


def _bare_texts(column: Sequence[str]) -> Sequence[str] | None:
    """Return the texts when none has a mark around it or could be a number written short."""
    whole = "".join(column)
    bare = all(column) and "+" not in whole and not any(mark in whole for mark in BOOK_MARKS)
    return column if bare else None


def _iso_times(zone: ZoneInfo, column: Sequence[str]) -> Sequence[datetime] | None:
    """Return the times when all are written the ISO way and none names its zone."""
    try:
        moments = [datetime.fromisoformat(text) for text in column]
        return None if any(moment.tzinfo for moment in moments) else [_in_utc(moment, zone) for moment in moments]
    except (ValueError, OverflowError):
        return None


def _place(header: str, places: Mapping[str, int]) -> int:
    place = places.get(header.strip(BOOK_MARKS))
    if place is None:
        raise Refused(
            _("文件里没有「%(header)s」这一列。文件里的列有:%(headers)s。", header=header, headers="、".join(places)),
            field="mapping",
        )
    return place


def _is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip(BOOK_MARKS))


def _parser(field_type: FieldType, column: Mapping[str, Any], zone: ZoneInfo) -> Parse:
    if field_type == "text":
        return _text
    if field_type in ("whole", "number"):
        comma = bool(column.get("decimal_comma"))
        return (
            (lambda cell: _whole(cell, comma=comma))
            if field_type == "whole"
            else (lambda cell: _number(cell, comma=comma))
        )
    read = _time_reader(zone, column.get("format"))
    return read if field_type == "time" else (lambda cell: _as_day(read(cell), zone))


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        text = cell.strip(BOOK_MARKS)
        if "+" in text and EXPONENT.fullmatch(text):
            raise BadCellError(
                _("%(value)s 是科学计数法,末几位已经丢失。请把这一列设为文本,从后台重新导出。", value=text)
            )
        return text
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        if abs(cell) >= WHOLE_IN_FLOAT:
            raise BadCellError(
                _("%(value)s 太长,表格软件已丢掉末几位。请把这一列设为文本,从后台重新导出。", value=cell)
            )
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    return "" if cell is None else str(cell)


def _number(cell: Cell, *, comma: bool = False) -> Decimal | None:
    if isinstance(cell, (bool, date)):
        raise BadCellError(_("不是数字:「%(value)s」。", value=cell))
    if isinstance(cell, int):
        return Decimal(cell)
    if isinstance(cell, float):
        return Decimal(f"{cell:.15g}")  # what a spreadsheet shows of its binary number
    text = (cell or "").strip(BOOK_MARKS)
    try:
        number: Decimal | None = Decimal(text) if not comma else Decimal(text.replace(".", "").replace(",", "."))
    except InvalidOperation:
        number = _written_number(text, comma=comma)
    if number is not None and not number.is_finite():
        raise BadCellError(_("不是数字:「%(value)s」。", value=text[:SHOWN]))
    return number


def _written_number(text: str, *, comma: bool) -> Decimal | None:
    bare = MONEY_MARKS.sub("", text)
    if not bare:
        return None
    if comma:
        bare = bare.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d*)?", bare):
        bare = bare.replace(",", "")
    try:
        return Decimal(bare)
    except InvalidOperation:
        raise BadCellError(_("不是数字:「%(value)s」。", value=text[:SHOWN])) from None


def _whole(cell: Cell, *, comma: bool = False) -> int | None:
    if isinstance(cell, str) and cell.isascii() and cell.isdigit() and len(cell) < 19:
        return int(cell)
    number = _number(cell, comma=comma)
    if number is None:
        return None
    if abs(number) >= WHOLE_IN_FLOAT or number != number.to_integral_value():
        raise BadCellError(_("要写成整数,不能是「%(value)s」。", value=str(cell)[:SHOWN]))
    return int(number)


def _time_reader(zone: ZoneInfo, form: object) -> Callable[[Cell], datetime | None]:
    pattern = None if form is None else str(form)

    def read(cell: Cell) -> datetime | None:
        if isinstance(cell, str):
            text = cell.strip(BOOK_MARKS)
            if not text:
                return None
            moment = _by_pattern(text, pattern) if pattern else _by_shape(text)
        else:
            moment = _by_value(cell)
        try:
            return moment.astimezone(UTC) if moment.tzinfo else _in_utc(moment, zone)
        except (OverflowError, ValueError):
            raise _bad_time(cell) from None

    return read


def _in_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    # the same as putting the zone on and changing it, several times faster
    return AWARE + (moment - (zone.utcoffset(moment) or timedelta()) - NAIVE)


def _by_pattern(text: str, pattern: str) -> datetime:
    try:
        if pattern in ("unix", "unix_ms"):
            seconds = int(text) if pattern == "unix" else int(text) / 1000
            return datetime.fromtimestamp(seconds, UTC)
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - the mapping's zone is put on by the caller
    except (ValueError, OverflowError, OSError):
        raise BadCellError(_("「%(value)s」不是 %(format)s 格式的时间。", value=text[:SHOWN], format=pattern)) from None


def _by_shape(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for pattern in TIME_FORMATS:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the mapping's zone is put on by the caller
        except ValueError:
            continue
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        return _by_value(float(text))
    raise _bad_time(text)


def _by_value(cell: Cell) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - the mapping's zone is put on by the caller
    if isinstance(cell, (int, float)) and not isinstance(cell, bool) and int(cell) in EXCEL_DAYS:
        return EXCEL_EPOCH + timedelta(seconds=round(cell * 86400))
    raise _bad_time(cell)


def _bad_time(cell: Cell) -> BadCellError:
    return BadCellError(_("「%(value)s」不是能认出的时间,请写成 2026-01-31 10:00:00 这样。", value=str(cell)[:SHOWN]))


def _as_day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    return None if moment is None else moment.astimezone(zone).date()
