"""The condition tree: what can be asked of a row, and its strict reading from JSON.

The meaning, the same in Python (`evaluate`) and in SQL (`compile`):

* A value is missing when it is null, an empty text or an empty list.
* A missing value satisfies `is_empty` and no other operator: `ne`, `not_in` and `not_contains` are false on it too,
  and a comparison of two fields is false when either is missing.
* Every clause is thus true or false, and `not` is the plain opposite: `not (x eq 1)` is true of a missing x.
* Text is compared by code point and case counts. Numbers are compared exactly, whatever their digits.
* `all` of nothing is true, `any` of nothing is false, `between` includes both ends.
* A list is a set of codes: order and repetition mean nothing. SQL keeps it as `listed` writes it.

The operators of history ask about the values a field had before, so a value that is missing now is no answer to them:

* `has_been` is true when the value equals the operand now or ever did, `has_never_been` is its plain opposite.
* `changed` is true when there is an earlier value and the latest of them differs from the one now; from or to missing
  counts. `changed_from` is true when that latest earlier value also equals the operand.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from typing import cast

from qtrace.core.errors import Refused

MAX_DEPTH = 10
MAX_CLAUSES = 200
MAX_GROUPS = 200
MAX_LIST = 100
# All lists together: a statement's number of parameters is bounded on both databases.
MAX_LISTED = 2000
MAX_TEXT = 2000
MAX_INTEGER = 2**63 - 1
MIN_INTEGER = -(2**63)
MAX_DECIMALS = 18
# Longer spellings of a number or a time are refused before they cost anything.
MAX_SPELLING = 64
# Stands before, between and after the codes of a list in SQL.
BAR = "|"


class FieldKind(StrEnum):
    """What a field holds, which decides its operators and the type of its operands."""

    TEXT = "text"
    NUMBER = "number"
    BOOL = "bool"
    DATETIME = "datetime"
    REF = "ref"
    LIST = "list"


class Operand(Enum):
    """How many values an operator takes."""

    NONE = "none"
    ONE = "one"
    LIST = "list"
    RANGE = "range"


OPERATORS: Mapping[FieldKind, Mapping[str, Operand]] = {
    FieldKind.TEXT: {
        "eq": Operand.ONE,
        "ne": Operand.ONE,
        "in": Operand.LIST,
        "not_in": Operand.LIST,
        "contains": Operand.ONE,
        "not_contains": Operand.ONE,
        "starts_with": Operand.ONE,
        "contains_any": Operand.LIST,
        "is_empty": Operand.NONE,
        "not_empty": Operand.NONE,
    },
    FieldKind.NUMBER: {
        "eq": Operand.ONE,
        "ne": Operand.ONE,
        "lt": Operand.ONE,
        "le": Operand.ONE,
        "gt": Operand.ONE,
        "ge": Operand.ONE,
        "between": Operand.RANGE,
        "in": Operand.LIST,
        "is_empty": Operand.NONE,
        "not_empty": Operand.NONE,
    },
    FieldKind.BOOL: {"is_true": Operand.NONE, "is_false": Operand.NONE, "is_empty": Operand.NONE},
    FieldKind.DATETIME: {
        "lt": Operand.ONE,
        "le": Operand.ONE,
        "gt": Operand.ONE,
        "ge": Operand.ONE,
        "between": Operand.RANGE,
        "is_empty": Operand.NONE,
        "not_empty": Operand.NONE,
    },
    FieldKind.REF: {
        "eq": Operand.ONE,
        "ne": Operand.ONE,
        "in": Operand.LIST,
        "not_in": Operand.LIST,
        "is_empty": Operand.NONE,
        "not_empty": Operand.NONE,
    },
    FieldKind.LIST: {
        "has_any": Operand.LIST,
        "has_all": Operand.LIST,
        "has_none": Operand.LIST,
        "is_empty": Operand.NONE,
        "not_empty": Operand.NONE,
    },
}

# Only a row whose changes are kept can be asked these.
_OF_ANY_HISTORY: Mapping[str, Operand] = {"changed": Operand.NONE}
_OF_HISTORY: Mapping[str, Operand] = {
    "has_been": Operand.ONE,
    "has_never_been": Operand.ONE,
    "changed_from": Operand.ONE,
    **_OF_ANY_HISTORY,
}
HISTORY_OPERATORS: Mapping[FieldKind, Mapping[str, Operand]] = {
    FieldKind.TEXT: _OF_HISTORY,
    FieldKind.NUMBER: _OF_HISTORY,
    FieldKind.REF: _OF_HISTORY,
    FieldKind.BOOL: _OF_ANY_HISTORY,
    FieldKind.DATETIME: _OF_ANY_HISTORY,
    FieldKind.LIST: _OF_ANY_HISTORY,
}

OTHER_FIELD_OPERATORS: Mapping[FieldKind, frozenset[str]] = {
    FieldKind.NUMBER: frozenset({"eq", "ne", "lt", "le", "gt", "ge"}),
    FieldKind.DATETIME: frozenset({"lt", "le", "gt", "ge"}),
}


@dataclass(frozen=True, slots=True)
class OtherField:
    """An operand that is another field of the same row and kind."""

    name: str


Scalar = str | int | Decimal | datetime
Value = Scalar | tuple[Scalar, ...] | OtherField | None


@dataclass(frozen=True, slots=True)
class Clause:
    """One question about one field; a range is a pair, a list a tuple, an operator without operand has None."""

    field: str
    op: str
    value: Value = None


@dataclass(frozen=True, slots=True)
class All:
    """True when every item is true."""

    items: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 -- the trailing underscore keeps it apart from typing.Any
    """True when at least one item is true."""

    items: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """True when its item is false."""

    item: "Condition"


Condition = All | Any_ | Not | Clause


class ConditionError(Refused):
    """A condition that cannot be read; `path` points at the place, like `all[2].value`, and is empty at the top."""

    def __init__(self, message: str, path: str, **values: object) -> None:
        super().__init__(message % values, path)
        self.template = message
        self.path = path
        self.values = values

    def translated(self, gettext: Callable[[str], str]) -> str:
        """Return the message in the reader's language."""
        return gettext(self.template) % self.values


def operators_of(kind: FieldKind, *, has_history: bool = False) -> Mapping[str, Operand]:
    """Return what can be asked of a field of the kind, in the order to offer it."""
    return {**OPERATORS[kind], **HISTORY_OPERATORS[kind]} if has_history else OPERATORS[kind]


def asks_history(op: str) -> bool:
    """Say whether the operator looks at earlier values."""
    return op in _OF_HISTORY


def listed(codes: Iterable[str]) -> str | None:
    """Return the one spelling of a set of codes in SQL, `|a|b|`, sorted; None for no codes."""
    found = sorted(set(codes))
    if any(not code or BAR in code for code in found):
        raise ValueError(f"a code is not empty and holds no {BAR}: {found}")
    return f"{BAR}{BAR.join(found)}{BAR}" if found else None


def parse(data: object, fields: Mapping[str, FieldKind], *, has_history: bool = False) -> Condition:
    """Read a condition from decoded JSON, or raise ConditionError at the first place that is wrong."""
    return _Reader(fields, has_history).condition(data, "", 1)


def dump(condition: Condition) -> dict[str, object]:
    """Return the condition as plain JSON data that `parse` reads back to an equal tree."""
    match condition:
        case All(items):
            return {"all": [dump(item) for item in items]}
        case Any_(items):
            return {"any": [dump(item) for item in items]}
        case Not(item):
            return {"not": dump(item)}
        case Clause(name, op, None):
            return {"field": name, "op": op}
        case Clause(name, op, OtherField(other)):
            return {"field": name, "op": op, "other": other}
        case Clause(name, op, tuple() as values):
            return {"field": name, "op": op, "value": [_dump_scalar(value) for value in values]}
        case Clause(name, op, value):
            return {"field": name, "op": op, "value": _dump_scalar(cast(Scalar, value))}


def fields_of(condition: Condition) -> frozenset[str]:
    """Return every field the condition reads, also those it compares with."""
    match condition:
        case All(items) | Any_(items):
            return frozenset().union(*map(fields_of, items))
        case Not(item):
            return fields_of(item)
        case Clause(name, _op, OtherField(other)):
            return frozenset((name, other))
        case Clause(name):
            return frozenset((name,))


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


NO_HISTORY = _("这里没有以前的值,不能用这种比较方式")


def _dump_scalar(value: Scalar) -> str | int:
    """Write one operand; a fraction becomes text, because a JSON number would be read as a binary one."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value


@dataclass
class _Reader:
    """Reads one condition, counting what it has seen."""

    fields: Mapping[str, FieldKind]
    has_history: bool = False
    clauses: int = field(default=0, init=False)
    groups: int = field(default=0, init=False)
    listed: int = field(default=0, init=False)

    def condition(self, data: object, path: str, depth: int) -> Condition:
        """Read one node of the tree."""
        if not isinstance(data, dict):
            raise ConditionError(_("条件应为一个对象"), path)
        if depth > MAX_DEPTH:
            raise ConditionError(_("条件嵌套最多 %(limit)s 层"), path, limit=MAX_DEPTH)
        if len(data) == 1 and not data.keys().isdisjoint(("all", "any", "not")):
            return self._group(data, path, depth)
        return self._clause(data, path)

    def _group(self, data: dict[object, object], path: str, depth: int) -> Condition:
        self.groups += 1
        if self.groups > MAX_GROUPS:
            raise ConditionError(_("条件组最多 %(limit)s 个"), path, limit=MAX_GROUPS)
        if "not" in data:
            return Not(self.condition(data["not"], _at(path, "not"), depth + 1))
        word = "all" if "all" in data else "any"
        path = _at(path, word)
        items = data[word]
        if not isinstance(items, list):
            raise ConditionError(_("条件组应为一个列表"), path)
        read = tuple(self.condition(item, f"{path}[{place}]", depth + 1) for place, item in enumerate(items))
        return All(read) if word == "all" else Any_(read)

    def _clause(self, data: dict[object, object], path: str) -> Clause:
        self.clauses += 1
        if self.clauses > MAX_CLAUSES:
            raise ConditionError(_("条件最多 %(limit)s 条"), path, limit=MAX_CLAUSES)
        if not data.keys() <= {"field", "op", "value", "other"}:
            raise ConditionError(_("条件只能有 field、op、value、other,或单独的 all、any、not"), path)
        name = self._known_field(data.get("field"), _at(path, "field"))
        kind = self.fields[name]
        op = data.get("op")
        if not isinstance(op, str) or op not in operators_of(kind, has_history=True):
            raise ConditionError(_("这个字段不能用这种比较方式"), _at(path, "op"))
        if asks_history(op) and not self.has_history:
            raise ConditionError(NO_HISTORY, _at(path, "op"))
        if "other" in data:
            return Clause(name, op, self._other_field(data, kind, op, path))
        return Clause(name, op, self._value(data, kind, op, path))

    def _known_field(self, name: object, path: str) -> str:
        if not isinstance(name, str) or name not in self.fields:
            raise ConditionError(_("没有这个字段"), path)
        return name

    def _other_field(self, data: dict[object, object], kind: FieldKind, op: str, path: str) -> OtherField:
        if op not in OTHER_FIELD_OPERATORS.get(kind, ()):
            raise ConditionError(_("这种比较方式不能与另一个字段比较"), _at(path, "other"))
        if "value" in data:
            raise ConditionError(_("只能与一个值或另一个字段比较,不能两者都填"), _at(path, "value"))
        other = self._known_field(data["other"], _at(path, "other"))
        if self.fields[other] is not kind:
            raise ConditionError(_("两个字段的类型不同,不能比较"), _at(path, "other"))
        return OtherField(other)

    def _value(self, data: dict[object, object], kind: FieldKind, op: str, path: str) -> Value:
        place = _at(path, "value")
        operand = operators_of(kind, has_history=True)[op]
        if operand is Operand.NONE:
            if "value" in data:
                raise ConditionError(_("这种比较方式不需要填写值"), place)
            return None
        if "value" not in data:
            raise ConditionError(_("请填写要比较的值"), place)
        value = data["value"]
        if operand is Operand.ONE:
            return _SCALARS[kind](value, place)
        return self._range(value, kind, place) if operand is Operand.RANGE else self._list(value, kind, place)

    def _range(self, value: object, kind: FieldKind, path: str) -> tuple[Scalar, ...]:
        if not isinstance(value, list) or len(value) != 2:
            raise ConditionError(_("请填写起止两个值"), path)
        low, high = self._list(value, kind, path)
        # Both ends come from the same reader, so they are of one comparable type.
        if cast(Decimal, low) > cast(Decimal, high):
            raise ConditionError(_("起始值不能大于结束值"), path)
        return (low, high)

    def _list(self, value: object, kind: FieldKind, path: str) -> tuple[Scalar, ...]:
        if not isinstance(value, list) or not value:
            raise ConditionError(_("请填写至少一个值"), path)
        if len(value) > MAX_LIST:
            raise ConditionError(_("最多填写 %(limit)s 个值"), path, limit=MAX_LIST)
        self.listed += len(value)
        if self.listed > MAX_LISTED:
            raise ConditionError(_("所有条件合计最多填写 %(limit)s 个值"), path, limit=MAX_LISTED)
        return tuple(_SCALARS[kind](item, f"{path}[{place}]") for place, item in enumerate(value))


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise ConditionError(_("请填写文字"), path)
    if not value:
        raise ConditionError(_("文字不能为空;要查空值请选「为空」"), path)
    if len(value) > MAX_TEXT:
        raise ConditionError(_("文字最多 %(limit)s 个字"), path, limit=MAX_TEXT)
    if "\0" in value or not _is_unicode(value):
        raise ConditionError(_("文字含有不能使用的字符"), path)
    return value


def _code(value: object, path: str) -> str:
    if isinstance(value, str) and BAR in value:
        raise ConditionError(_("选项代码不能含竖线 |"), path)
    return _text(value, path)


def _is_unicode(value: str) -> bool:
    """Say whether the text is free of lone surrogates, which no database stores."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(value: object, path: str) -> int | Decimal:
    """Read a number; text is accepted too, because it is the only exact spelling of a fraction in JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ConditionError(_("请填写数字"), path)
    return _checked_integer(value, path) if isinstance(value, int) else _checked_decimal(value, path)


def _checked_integer(value: int, path: str) -> int:
    if not MIN_INTEGER <= value <= MAX_INTEGER:
        raise ConditionError(_("数字太大或太小"), path)
    return value


def _checked_decimal(value: float | Decimal | str, path: str) -> int | Decimal:
    spelled = value if isinstance(value, str) else str(value)
    if len(spelled) > MAX_SPELLING or not set(spelled) <= set("+-.0123456789eE"):
        raise ConditionError(_("请填写数字"), path)
    try:
        number = Decimal(spelled)
    except ArithmeticError:
        raise ConditionError(_("请填写数字"), path) from None
    if not MIN_INTEGER <= number <= MAX_INTEGER:
        raise ConditionError(_("数字太大或太小"), path)
    # Trailing zeros carry no meaning; without them the number of decimals is known.
    digits, exponent = number.as_tuple().digits, cast(int, number.as_tuple().exponent)
    if number == number.to_integral_value():
        return int(number)
    zeros = next(place for place, digit in enumerate(reversed(digits)) if digit)
    if -exponent - zeros > MAX_DECIMALS:
        raise ConditionError(_("小数最多 %(limit)s 位"), path, limit=MAX_DECIMALS)
    return number


def _datetime(value: object, path: str) -> datetime:
    if not isinstance(value, str) or len(value) > MAX_SPELLING:
        raise ConditionError(_("请填写带时区的日期时间"), path)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ConditionError(_("请填写带时区的日期时间"), path) from None
    if moment.tzinfo is None:
        raise ConditionError(_("请填写带时区的日期时间"), path)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ConditionError(_("日期超出范围"), path) from None


def _ref(value: object, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConditionError(_("请从列表中选择"), path)
    return _checked_integer(value, path)


_SCALARS: Mapping[FieldKind, Callable[[object, str], Scalar]] = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _number,
    FieldKind.DATETIME: _datetime,
    FieldKind.REF: _ref,
    FieldKind.LIST: _code,
}
