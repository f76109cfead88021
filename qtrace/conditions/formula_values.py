"""What a formula computes with: its kinds of value, their limits, and the one way each is checked and written.

* A number is an exact decimal: at most 18 decimals, rounded half up, and at most 1e18 in size.
* A text has at most 20,000 characters. A date and time has its zone.
* An empty value (nothing, or an empty text) is a value too; what each operation makes of it is in `formula_run`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from enum import StrEnum

from qtrace.conditions.source import Word, filled

MAX_NUMBER = Decimal(10) ** 18
MAX_DECIMALS = 18
MAX_TEXT = 20_000
MAX_ITEMS = 10_000
# Wide enough that sums and products of allowed numbers are exact and a quotient is rounded only once.
NUMBERS = Context(
    prec=100, rounding=ROUND_HALF_UP, Emin=-999_999, Emax=999_999, traps=[InvalidOperation, DivisionByZero, Overflow]
)

Scalar = Decimal | str | bool | date | datetime | None
Value = Scalar | tuple[Scalar, ...]


class Kind(StrEnum):
    """What a value is; ANY is known only when the formula runs, EMPTY fits everywhere."""

    NUMBER = "number"
    TEXT = "text"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"
    EMPTY = "empty"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Type:
    """The kind of a value, and whether it is a list of such values."""

    kind: Kind
    is_list: bool = False


class CallError(Exception):
    """A value that cannot be worked with; whoever knows the place in the formula tells it."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(filled(message, values))
        self.template = message
        self.values = values


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


OUT_OF_RANGE = _("日期超出范围(0001 年至 9999 年)")
KIND_NAMES: Mapping[Kind, Word] = {
    Kind.NUMBER: Word(_("数字")),
    Kind.TEXT: Word(_("文字")),
    Kind.BOOL: Word(_("真假值")),
    Kind.DATE: Word(_("日期")),
    Kind.DATETIME: Word(_("日期时间")),
    Kind.EMPTY: Word(_("空")),
    Kind.ANY: Word(_("任意值")),
}


def kind_of(value: Value) -> Kind:
    """Return the kind of a single value."""
    match value:
        case None:
            return Kind.EMPTY
        case bool():
            return Kind.BOOL
        case Decimal():
            return Kind.NUMBER
        case str():
            return Kind.TEXT
        case datetime():
            return Kind.DATETIME
        case date():
            return Kind.DATE
        case _:
            return Kind.ANY


def is_empty(value: Value) -> bool:
    """Say whether the value is nothing, an empty text or a list of nothing else."""
    if isinstance(value, tuple):
        return all(item is None or item == "" for item in value)
    return value is None or value == ""


def settled(number: Decimal) -> Decimal:
    """Return the number rounded to the decimals a formula keeps; refuse what is too large or no number."""
    if not number.is_finite():
        raise CallError(_("公式不能使用这种值"))
    # The magnitude first: what is far outside costs nothing.
    if not number or number.adjusted() < -MAX_DECIMALS - 1:
        return Decimal(0)
    if number.adjusted() > MAX_NUMBER.adjusted() or number.copy_abs() > MAX_NUMBER:
        raise CallError(_("结果超出范围(最大 1e18)"))
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_DECIMALS:
        number = number.quantize(Decimal(1).scaleb(-MAX_DECIMALS), context=NUMBERS)
    if not number:
        return Decimal(0)
    number = number.normalize(NUMBERS)
    exponent = number.as_tuple().exponent
    return number.quantize(Decimal(1), context=NUMBERS) if isinstance(exponent, int) and exponent > 0 else number


def taken(value: object) -> Value:
    """Return a value from outside as formulas know it: whole numbers as decimals, lists as tuples; refuse the rest."""
    if isinstance(value, list | tuple):
        if len(value) > MAX_ITEMS:
            raise CallError(_("一列最多 %(limit)s 个值"), limit=MAX_ITEMS)
        return tuple(_taken_scalar(item) for item in value)
    return _taken_scalar(value)


def _taken_scalar(value: object) -> Scalar:
    match value:
        case None | bool():
            return value
        case Decimal():
            return settled(value)
        case int():
            if abs(value) > MAX_NUMBER:
                raise CallError(_("结果超出范围(最大 1e18)"))
            return Decimal(value)
        case str():
            return fitting(value)
        case datetime() if value.tzinfo is None:
            raise CallError(_("日期时间缺少时区"))
        case date():
            return value
        case _:
            raise CallError(_("公式不能使用这种值"))


def fitting(text: str) -> str:
    """Return the text, or refuse one that is too long."""
    if len(text) > MAX_TEXT:
        raise CallError(_("文字超过 %(limit)s 个字"), limit=MAX_TEXT)
    return text


def written(value: Value) -> str:
    """Return a value as text: a number without needless zeros, a date as 2026-11-02, nothing as an empty text."""
    match value:
        case None:
            return ""
        case bool():
            return "是" if value else "否"
        case Decimal():
            text = format(value, "f")
            return text.rstrip("0").rstrip(".") if "." in text else text
        case datetime():
            return value.isoformat(" ", "minutes")
        case date():
            return value.isoformat()
        case tuple():
            return "、".join(written(item) for item in value if not is_empty(item))
        case str():
            return value
