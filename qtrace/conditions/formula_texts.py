"""Text functions of formulas; a character is one code point, so a Chinese one counts as one."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import cast

from qtrace.conditions.formula_numbers import whole
from qtrace.conditions.formula_tree import Environment
from qtrace.conditions.formula_values import MAX_TEXT, CallError, Value, fitting, settled, written

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?")


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


def joined(environment: Environment, given: Sequence[Value]) -> str:
    """Return the values one after another as text."""
    return fitting("".join(_written(environment, value) for value in given))


def as_text(environment: Environment, given: Sequence[Value]) -> Value:
    """Return a value as text."""
    return fitting(_written(environment, given[0]))


def as_number(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the number a text spells."""
    if isinstance(given[0], Decimal):
        return given[0]
    spelled = cast(str, given[0]).strip()
    if not _NUMBER.fullmatch(spelled):
        raise CallError(_("「%(text)s」不是数字"), text=spelled[:20])
    return settled(Decimal(spelled))


def length(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return how many characters a text has; nothing has none."""
    return Decimal(len(cast(str, given[0] or "")))


def left(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the first characters."""
    return cast(str, given[0])[: whole(given[1], 0, MAX_TEXT)]


def right(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the last characters."""
    text, size = cast(str, given[0]), whole(given[1], 0, MAX_TEXT)
    return text[max(0, len(text) - size) :]


def middle(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return so many characters from a place counted from 1."""
    first, size = whole(given[1], 1, MAX_TEXT), whole(given[2], 0, MAX_TEXT)
    return cast(str, given[0])[first - 1 : first - 1 + size]


def upper(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the text in capitals."""
    return fitting(cast(str, given[0]).upper())


def lower(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the text in small letters."""
    return fitting(cast(str, given[0]).lower())


def trim(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the text without blanks at its ends."""
    return cast(str, given[0]).strip()


def contains(_environment: Environment, given: Sequence[Value]) -> Value:
    """Say whether a text has the part, or a list the value; an empty one has nothing."""
    if not given[0] or not given[1]:
        return False
    return cast(str, given[1]) in cast(str, given[0])


def replace(_environment: Environment, given: Sequence[Value]) -> Value:
    """Return the text with every occurrence of a part replaced."""
    text, old, new = (cast(str, value) or "" for value in given)
    if not old:
        return text or None
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise CallError(_("文字超过 %(limit)s 个字"), limit=MAX_TEXT)
    return text.replace(old, new)


def _written(environment: Environment, value: Value) -> str:
    return written(environment.local(value) if isinstance(value, datetime) else value)
