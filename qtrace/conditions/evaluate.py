"""Ask a condition of one row in Python; the meaning is written in `qtrace.conditions.tree`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

from qtrace.conditions.tree import All, Any_, Clause, Condition, Not, OtherField, asks_history

# The earlier values of a field, oldest first and without the value now.
History = Mapping[str, Sequence[object]]
NO_CHANGES: History = {}


def evaluate(condition: Condition, values: Mapping[str, object], history: History = NO_CHANGES) -> bool:
    """Say whether the condition is true of a row; a field the row does not name is missing."""
    match condition:
        case All(items):
            return all(evaluate(item, values, history) for item in items)
        case Any_(items):
            return any(evaluate(item, values, history) for item in items)
        case Not(item):
            return not evaluate(item, values, history)
        case Clause(name, op, value) if asks_history(op):
            return _held(op, value, values.get(name), history.get(name, ()))
        case Clause():
            return _holds(condition, values)


def failing(condition: Condition, values: Mapping[str, object], history: History = NO_CHANGES) -> list[Clause]:
    """Return the clauses that make the condition false, in reading order; under a `not` those that hold."""
    return _blamed(condition, values, history, wanted=True)


def is_missing(value: object) -> bool:
    """Say whether a value counts as missing."""
    return value is None or value in ("", (), [])


def _blamed(condition: Condition, values: Mapping[str, object], history: History, *, wanted: bool) -> list[Clause]:
    if evaluate(condition, values, history) is wanted:
        return []
    match condition:
        case All(items) | Any_(items):
            return [clause for item in items for clause in _blamed(item, values, history, wanted=wanted)]
        case Not(item):
            return _blamed(item, values, history, wanted=not wanted)
        case Clause():
            return [condition]


def _holds(clause: Clause, values: Mapping[str, object]) -> bool:
    value = values.get(clause.field)
    if clause.op == "is_empty" or is_missing(value):
        return clause.op == "is_empty" and is_missing(value)
    operand: object = clause.value
    if isinstance(operand, OtherField):
        operand = values.get(operand.name)
        if is_missing(operand):
            return False
    return _TESTS[clause.op](value, operand)


def _held(op: str, operand: object, now: object, earlier: Sequence[object]) -> bool:
    if op in ("has_been", "has_never_been"):
        return (now == operand or operand in earlier) is (op == "has_been")
    is_changed = bool(earlier) and _told_apart(earlier[-1]) != _told_apart(now)
    return is_changed and (op == "changed" or earlier[-1] == operand)


def _told_apart(value: object) -> object:
    """Return what is compared to see a change: one nothing for every missing value, a set for a list."""
    if is_missing(value):
        return None
    return frozenset(cast(Collection[object], value)) if isinstance(value, list | tuple) else value


def _text(value: object) -> str:
    return cast(str, value)


def _several(value: object) -> tuple[object, ...]:
    return cast(tuple[object, ...], value)


def _before(left: object, right: object) -> bool:
    """Say whether left is less; Decimal and int compare exactly, without the rounding of a context."""
    if isinstance(left, datetime):
        return left < cast(datetime, right)
    return cast(Decimal, left) < cast(Decimal, right)


def _between(value: object, ends: object) -> bool:
    low, high = _several(ends)
    return not _before(value, low) and not _before(high, value)


_TESTS: Mapping[str, Callable[[object, object], bool]] = {
    "eq": lambda value, operand: value == operand,
    "ne": lambda value, operand: value != operand,
    "lt": _before,
    "le": lambda value, operand: not _before(operand, value),
    "gt": lambda value, operand: _before(operand, value),
    "ge": lambda value, operand: not _before(value, operand),
    "between": _between,
    "in": lambda value, operand: value in _several(operand),
    "not_in": lambda value, operand: value not in _several(operand),
    "contains": lambda value, operand: _text(operand) in _text(value),
    "not_contains": lambda value, operand: _text(operand) not in _text(value),
    "starts_with": lambda value, operand: _text(value).startswith(_text(operand)),
    "contains_any": lambda value, operand: any(_text(word) in _text(value) for word in _several(operand)),
    "has_any": lambda value, operand: not set(_several(operand)).isdisjoint(_several(value)),
    "has_all": lambda value, operand: set(_several(operand)).issubset(_several(value)),
    "has_none": lambda value, operand: set(_several(operand)).isdisjoint(_several(value)),
    "not_empty": lambda _value, _operand: True,
    "is_true": lambda value, _operand: value is True,
    "is_false": lambda value, _operand: value is False,
}
