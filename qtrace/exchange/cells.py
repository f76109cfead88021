"""How a cell of a file is read as a text, a number or a time, alone or with its whole column."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from qtrace.exchange.kinds import FieldType

Cell = str | int | float | bool | datetime | date | None
Parse = Callable[[Cell], Any]
Whole = Callable[[Sequence[str]], Sequence[Any] | None]

EPOCH_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's serial numbers carry no zone
EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - a spreadsheet's serial numbers carry no zone
NAIVE = datetime(2000, 1, 1)  # noqa: DTZ001 - times of files carry no zone
AWARE = datetime(2000, 1, 1, tzinfo=UTC)
SERIAL_YEARS = range(1970, 2100)  # a bare number outside of these is no date
WHOLE_IN_FLOAT = 10**15
LARGEST = 100  # digits before the point; arithmetic with more would overflow
SHOWN = 60
BOOK_MARKS = "\ufeff \t\r\n\u3000\xa0"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\xad"
NOTHING = ("/", "\\", "#", "-", "--", "—", "——", "无", "N/A", "n/a", "#N/A", "NULL", "null")
SEPARATORS = "、,;;,/\n"
YES = frozenset({"是", "有", "对", "√", "✓", "y", "yes", "true", "1"})
NO = frozenset({"否", "无", "没有", "×", "✗", "n", "no", "false", "0"})
TIME_FORMATS = (
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%Y-%m-%d %H:%M", "%Y.%m.%d %H:%M:%S", "%Y.%m.%d",
    "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日",
)  # fmt: skip
WITHOUT_UNSEEN = {ord(mark): None for mark in UNSEEN}
EXPONENT = re.compile(r"\d(\.\d+)?[eE]\+\d+")
MONEY_MARKS = re.compile(r"^(R\$|US\$|CNY|RMB|[\u00a5\uffe5$€£])|元$|\s")


class BadCellError(Exception):
    """A cell cannot be read as its field; the message says why, without naming the column."""


def cell_reader(
    field_type: FieldType, column: Mapping[str, Any], zone: ZoneInfo, *, epoch: datetime = EPOCH_1900
) -> Parse:
    """Return what reads one cell as a field of this type; an empty cell may say None."""
    if field_type == "text":
        return read_text
    if field_type == "flag":
        return _flag
    if field_type in ("whole", "number"):
        comma = bool(column.get("decimal_comma"))
        return (
            (lambda cell: _whole(cell, comma=comma))
            if field_type == "whole"
            else (lambda cell: _number(cell, comma=comma))
        )
    read = _time_reader(zone, column.get("format"), epoch)
    return read if field_type == "time" else (lambda cell: _as_day(read(cell), zone))


def column_reader(field_type: FieldType, column: Mapping[str, Any], zone: ZoneInfo) -> Whole | None:
    """Return what reads a column of texts at once where all have the plainest form, or None where nothing does."""
    if field_type == "text":
        return _bare_texts
    return partial(_iso_times, zone) if field_type == "time" and "format" not in column else None


def split_cell(cell: Cell, separators: str) -> list[str]:
    """Return the several values one cell holds, each once, in their order."""
    text = read_text(cell)
    for mark in separators[1:]:
        text = text.replace(mark, separators[0])
    parts = text.split(separators[0]) if separators else [text]
    return list(dict.fromkeys(part for part in (one.strip(BOOK_MARKS) for one in parts) if part))


def is_empty(cell: Cell) -> bool:
    """Say whether a cell says nothing."""
    return cell is None or (isinstance(cell, str) and not cell.strip(BOOK_MARKS))


def read_text(cell: Cell) -> str:
    """Return the cell as a text; refuse a number that has lost its last digits."""
    if isinstance(cell, str):
        text = cell.strip(BOOK_MARKS)
        if not text.isascii() and any(mark in text for mark in UNSEEN):
            text = text.translate(WITHOUT_UNSEEN)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
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


def _flag(cell: Cell) -> bool | None:
    if isinstance(cell, bool) or cell is None:
        return cell
    text = read_text(cell).lower()
    if text in YES or text in NO:
        return text in YES
    raise BadCellError(_("要写成「是」或「否」,不能是「%(value)s」。", value=text[:SHOWN]))


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
    if number is not None and (not number.is_finite() or number.adjusted() > LARGEST):
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


def _time_reader(zone: ZoneInfo, form: object, epoch: datetime) -> Callable[[Cell], datetime | None]:
    pattern = None if form is None else str(form)

    def read(cell: Cell) -> datetime | None:
        if isinstance(cell, str):
            text = cell.strip(BOOK_MARKS)
            if not text:
                return None
            moment = _by_pattern(text, pattern) if pattern else _by_shape(text, epoch)
        else:
            moment = _by_value(cell, epoch)
        try:
            return moment.astimezone(UTC) if moment.tzinfo else _in_utc(moment, zone)
        except (OverflowError, ValueError):
            raise _bad_time(cell) from None

    return read


def _by_pattern(text: str, pattern: str) -> datetime:
    try:
        if pattern in ("unix", "unix_ms"):
            seconds = int(text) if pattern == "unix" else int(text) / 1000
            return datetime.fromtimestamp(seconds, UTC)
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - the mapping's zone is put on by the caller
    except (ValueError, OverflowError, OSError):
        raise BadCellError(_("「%(value)s」不是 %(format)s 格式的时间。", value=text[:SHOWN], format=pattern)) from None


def _by_shape(text: str, epoch: datetime) -> datetime:
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
        return _by_value(float(text), epoch)
    raise _bad_time(text)


def _by_value(cell: Cell, epoch: datetime) -> datetime:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - the mapping's zone is put on by the caller
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        moment = _by_serial(cell, epoch)
        if moment is not None:
            return moment
    raise _bad_time(cell)


def _by_serial(number: float, epoch: datetime) -> datetime | None:
    """Return the time a bare number stands for: days since the book's epoch, or a date written as 20160522."""
    if 10_000 <= number < 100_000:
        moment = epoch + timedelta(seconds=round(number * 86400))
        return moment if moment.year in SERIAL_YEARS else None
    try:
        moment = datetime.strptime(str(int(number)), "%Y%m%d")  # noqa: DTZ007 - the mapping's zone is put on by the caller
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in SERIAL_YEARS and number >= 10_000_000 else None


def _bad_time(cell: Cell) -> BadCellError:
    return BadCellError(_("「%(value)s」不是能认出的时间,请写成 2026-01-31 10:00:00 这样。", value=str(cell)[:SHOWN]))


def _as_day(moment: datetime | None, zone: ZoneInfo) -> date | None:
    return None if moment is None else moment.astimezone(zone).date()


def _bare_texts(column: Sequence[str]) -> Sequence[str] | None:
    """Return the texts when none has a mark around it or could be a number written short."""
    whole = "".join(column)
    bare = all(column) and "+" not in whole and not any(mark in whole for mark in BOOK_MARKS)
    return column if bare and (whole.isascii() or not any(mark in whole for mark in UNSEEN)) else None


def _iso_times(zone: ZoneInfo, column: Sequence[str]) -> Sequence[datetime] | None:
    """Return the times when all are written the ISO way and none names its zone."""
    try:
        moments = [datetime.fromisoformat(text) for text in column]
        return None if any(moment.tzinfo for moment in moments) else [_in_utc(moment, zone) for moment in moments]
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    # the same as putting the zone on and changing it, several times faster
    return AWARE + (moment - (zone.utcoffset(moment) or timedelta()) - NAIVE)
