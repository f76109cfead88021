"""Functions of formulas that choose between values; they work out only what they need."""

from collections.abc import Sequence

from qtrace.conditions.formula_check import common
from qtrace.conditions.formula_tree import Environment, Later
from qtrace.conditions.formula_values import CallError, Kind, Type, Value, is_empty, kind_of


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


def choose(given: Sequence[Later]) -> Value:
    """Return the value after the first condition that holds, the rest value when none does."""
    for place in range(0, len(given) - 1, 2):
        if _holds(given[place]()):
            return given[place + 1]()
    return given[-1]() if len(given) % 2 else None


def switch(given: Sequence[Later]) -> Value:
    """Return the value after the first case that equals the first value, the rest value when none does."""
    subject = given[0]()
    for place in range(1, len(given) - 1, 2):
        case = given[place]()
        if kind_of(case) is kind_of(subject) and case == subject:
            return given[place + 1]()
    return given[-1]() if len(given) % 2 == 0 else None


def coalesce(given: Sequence[Later]) -> Value:
    """Return the first value that is not empty."""
    for later in given:
        value = later()
        if not is_empty(value):
            return value
    return None


def is_blank(_environment: Environment, given: Sequence[Value]) -> Value:
    """Say whether a value is empty."""
    return is_empty(given[0])


def chosen(types: Sequence[Type]) -> Type | None:
    """Return the type of what `choose` can give."""
    return common([*types[1::2], *(types[-1:] if len(types) % 2 else [])])


def switched(types: Sequence[Type]) -> Type | None:
    """Return the type of what `switch` can give; its cases have the type of what they are compared with."""
    rest = types[-1:] if len(types) % 2 == 0 else []
    cases = types[1 : len(types) - len(rest) : 2]
    if common([types[0], *cases]) is None:
        return None
    return common([*types[2::2], *rest])


def _holds(value: Value) -> bool:
    if not is_empty(value) and kind_of(value) is not Kind.BOOL:
        raise CallError(_("条件应是一个比较,例如 数量 > 3"))
    return value is True
