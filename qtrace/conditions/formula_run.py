"""Work a formula out for one record.

What an empty value does, the same everywhere:

* Arithmetic with it is empty; `&` and concat take it as no text.
* A comparison with it is false, as in conditions; `and`, `or`, `not`, `if` take it as false.
* sum, avg, min, max and count leave it out: the sum of nothing is 0, the mean, least and greatest of nothing are empty.
* isblank, coalesce, switch and text look at it; every other function of it is empty.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from operator import eq, ge, gt, le, lt, ne
from typing import Any, cast

from qtrace.conditions.formula_numbers import ARITHMETIC
from qtrace.conditions.formula_parser import COMPARISONS
from qtrace.conditions.formula_texts import joined
from qtrace.conditions.formula_tree import (
    Binary,
    Call,
    Environment,
    FieldRef,
    FormulaError,
    Function,
    Literal,
    Node,
    Parameter,
    Unary,
)
from qtrace.conditions.formula_values import (
    KIND_NAMES,
    CallError,
    Kind,
    Type,
    Value,
    is_empty,
    kind_of,
    taken,
)

MAX_STEPS = 10_000
# A function that reads a text of so many characters takes a further step.
TEXT_STEP = 100

_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


@dataclass
class Run:
    """One run of one formula: it counts its steps."""

    source: str
    types: Mapping[str, Type]
    values: Mapping[str, object]
    environment: Environment
    steps: int = field(default=0, init=False)

    def value(self, node: Node) -> Value:
        """Return what the node gives, or raise FormulaError at the place that cannot be worked out."""
        self._step(node, 1)
        try:
            match node:
                case Literal(value):
                    return value
                case FieldRef(name):
                    return self._field(node, name)
                case Unary(op, item):
                    return self._unary(op, self.value(item))
                case Binary():
                    return self._binary(node)
                case Call():
                    return self._call(node)
        except CallError as error:
            raise FormulaError(error.template, self.source, node.at, **error.values) from None

    def _step(self, node: Node, steps: int) -> None:
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise FormulaError(_("公式超过 %(limit)s 步,请拆开或减少行数"), self.source, node.at, limit=MAX_STEPS)

    def _field(self, node: Node, name: str) -> Value:
        value = taken(self.values.get(name))
        items = value if isinstance(value, tuple) else (value,)
        self._step(node, len(items))
        wanted = self.types[name]
        if isinstance(value, tuple) is not wanted.is_list and value is not None:
            raise CallError(_("字段「%(name)s」的值与它的类型不符"), name=name)
        if any(kind_of(item) not in (wanted.kind, Kind.EMPTY) for item in items) and wanted.kind is not Kind.ANY:
            raise CallError(_("字段「%(name)s」的值与它的类型不符"), name=name)
        return () if value is None and wanted.is_list else value

    def _unary(self, op: str, value: Value) -> Value:
        if op == "not":
            return not _is_true(value)
        if is_empty(value):
            return None
        number = _expected(value, Kind.NUMBER, op)
        return cast(Decimal, number).copy_negate() if number else number

    def _binary(self, node: Binary) -> Value:
        op = node.op
        left = self.value(node.left)
        if op in ("and", "or"):
            return _is_true(left) if _is_true(left) is (op == "or") else _is_true(self.value(node.right))
        right = self.value(node.right)
        if op == "&":
            return joined(self.environment, (left, right))
        if is_empty(left) or is_empty(right):
            return False if op in COMPARISONS else None
        if op in COMPARISONS:
            return _compared(op, left, right)
        return ARITHMETIC[op](
            cast(Decimal, _expected(left, Kind.NUMBER, op)), cast(Decimal, _expected(right, Kind.NUMBER, op))
        )

    def _call(self, node: Call) -> Value:
        function = node.function
        if function.lazy:
            return function.lazy([partial(self.value, argument) for argument in node.arguments])
        given = [self.value(argument) for argument in node.arguments]
        for place, (argument, value) in enumerate(zip(node.arguments, given, strict=True)):
            self._step(argument, _size(value))
            _check_argument(function, function.parameter(place, len(given)), value)
        if not function.takes_empty and any(is_empty(value) for value in given):
            return None
        assert function.call is not None
        return taken(function.call(self.environment, given))


def _check_argument(function: Function, parameter: Parameter | None, value: Value) -> None:
    """Check once more what was checked beforehand, for values whose kind was not known then."""
    is_list = isinstance(value, tuple)
    items = value if isinstance(value, tuple) else (value,)
    if parameter is None or not (parameter.takes_list if is_list else parameter.takes_one or value is None):
        raise CallError(_("%(name)s 不能用于%(kind)s"), name=function.name, kind=KIND_NAMES[Kind.ANY])
    for item in items:
        if parameter.kinds and kind_of(item) not in parameter.kinds | {Kind.EMPTY}:
            raise CallError(_("%(name)s 不能用于%(kind)s"), name=function.name, kind=KIND_NAMES[kind_of(item)])


def _size(value: Value) -> int:
    """Return how many further steps it takes to read the value."""
    if isinstance(value, tuple):
        return sum(1 + _size(item) for item in value)
    return len(value) // TEXT_STEP if isinstance(value, str) else 0


def _is_true(value: Value) -> bool:
    return value is True if is_empty(value) else cast(bool, _expected(value, Kind.BOOL, "and"))


def _expected(value: Value, kind: Kind, op: str) -> Value:
    """Return the value, which may be of another kind where the kind was not known beforehand."""
    found = Kind.ANY if isinstance(value, tuple) else kind_of(value)
    if found is not kind:
        raise CallError(
            _("「%(op)s」只能用于%(wanted)s,这里是%(found)s"), op=op, wanted=KIND_NAMES[kind], found=KIND_NAMES[found]
        )
    return value


def _compared(op: str, left: Value, right: Value) -> bool:
    kinds = (kind_of(left), kind_of(right))
    if kinds[0] is not kinds[1] or Kind.ANY in kinds:
        raise CallError(_("%(left)s不能与%(right)s比较"), left=KIND_NAMES[kinds[0]], right=KIND_NAMES[kinds[1]])
    if op not in ("=", "<>") and kinds[0] in (Kind.TEXT, Kind.BOOL):
        raise CallError(_("%(kind)s不能比大小,只能用 = 或 <>"), kind=KIND_NAMES[kinds[0]])
    return _TESTS[op](left, right)
