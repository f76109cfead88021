"""Exact arithmetic for formulas; every result is rounded half up to the decimals a formula keeps."""

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import cast

from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import MAX_DECIMALS, NUMBERS, CallError, Value, is_empty, settled

MAX_EXPONENT = 100
_UNIT = 10**MAX_DECIMALS


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


def divide(left: Decimal, right: Decimal) -> Decimal:
    """Return the quotient."""
    if not right:
        raise CallError(_("除数为 0;请先用 if(除数 = 0, …) 排除"))
    return settled(NUMBERS.divide(left, right))


def remainder(left: Decimal, right: Decimal) -> Decimal:
    """Return what remains, with the sign of the divisor: -7 % 3 is 2."""
    if not right:
        raise CallError(_("除数为 0;请先用 if(除数 = 0, …) 排除"))
    return settled(Decimal(_scaled(left) % _scaled(right)).scaleb(-MAX_DECIMALS, NUMBERS))


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """Return the base to a whole exponent."""
    if exponent != exponent.to_integral_value() or abs(exponent) > MAX_EXPONENT:
        raise CallError(_("乘方的指数应是 -%(limit)s 到 %(limit)s 的整数"), limit=MAX_EXPONENT)
    if not base and exponent < 0:
        raise CallError(_("除数为 0;请先用 if(除数 = 0, …) 排除"))
    exact = Fraction(base) ** int(exponent)
    # Half up means away from zero, as everywhere here.
    doubled = abs(exact.numerator) * _UNIT * 2 // exact.denominator
    size = (doubled + 1) // 2
    if size.bit_length() > 400:
        raise CallError(_("结果超出范围(最大 1e18)"))
    return settled(Decimal(size if exact >= 0 else -size).scaleb(-MAX_DECIMALS, NUMBERS))


ARITHMETIC: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": lambda left, right: settled(NUMBERS.add(left, right)),
    "-": lambda left, right: settled(NUMBERS.subtract(left, right)),
    "*": lambda left, right: settled(NUMBERS.multiply(left, right)),
    "/": divide,
    "%": remainder,
    "^": power,
}


def round_half_up(_environment: Environment, given: Sequence[Value]) -> Value:
    """Round to so many decimals, or to tens and hundreds when negative."""
    number = cast(Decimal, given[0])
    decimals = whole(given[1], -MAX_DECIMALS, MAX_DECIMALS) if len(given) > 1 else 0
    return settled(number.quantize(Decimal(1).scaleb(-decimals), context=NUMBERS))


def floor(_environment: Environment, given: Sequence[Value]) -> Value:
    """Round down."""
    return cast(Decimal, given[0]).to_integral_value(ROUND_FLOOR)


def ceil(_environment: Environment, given: Sequence[Value]) -> Value:
    """Round up."""
    return cast(Decimal, given[0]).to_integral_value(ROUND_CEILING)


def absolute(_environment: Environment, given: Sequence[Value]) -> Value:
    """Drop the sign."""
    return cast(Decimal, given[0]).copy_abs()


def least(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the least value, nothing of nothing."""
    return min(cast(list[Decimal], _alike(given)), default=None)


def greatest(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the greatest value, nothing of nothing."""
    return max(cast(list[Decimal], _alike(given)), default=None)


def total(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the sum, 0 of nothing."""
    return settled(_sum(_items(given)))


def mean(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the mean, nothing of nothing."""
    items = _items(given)
    return divide(_sum(items), Decimal(len(items))) if items else None


def count(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return how many values are not empty."""
    return Decimal(len(_items(given)))


def whole(value: Value, least_allowed: int, most_allowed: int) -> int:
    """Return a whole number between the two, or refuse."""
    number = cast(Decimal, value)
    if number != number.to_integral_value() or not least_allowed <= number <= most_allowed:
        raise CallError(_("应是 %(low)s 到 %(high)s 的整数"), low=least_allowed, high=most_allowed)
    return int(number)


def _items(given: Sequence[Value]) -> list[Value]:
    """Return every value that is not empty, of lists each item."""
    spread = [item for value in given for item in (value if isinstance(value, tuple) else (value,))]
    return [item for item in spread if not is_empty(item)]


def _alike(given: Sequence[Value]) -> list[Value]:
    items = _items(given)
    if len({type(item) for item in items}) > 1:
        raise CallError(_("数字与日期不能放在一起比较"))
    return items


def _sum(items: Sequence[Value]) -> Decimal:
    found = Decimal(0)
    for item in items:
        found = NUMBERS.add(found, cast(Decimal, item))
    return found


def _scaled(number: Decimal) -> int:
    """Return the number as a whole count of the smallest decimal a formula keeps."""
    return int(NUMBERS.scaleb(number, MAX_DECIMALS))
