"""Translate a condition to SQL that is true or false, never null, and means what `evaluate` means.

Each clause says `is not null and …` instead of `coalesce(…, false)`: as two-valued, and an index still serves it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, String, TypeDecorator, and_, false, func, literal, not_, or_, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from qtrace.conditions.history import Earlier, HistorySource
from qtrace.conditions.tree import (
    BAR,
    MAX_DECIMALS,
    MAX_INTEGER,
    MIN_INTEGER,
    NO_HISTORY,
    All,
    Any_,
    Clause,
    Condition,
    ConditionError,
    Not,
    OtherField,
    asks_history,
)

Sql = ColumnElement[bool]
Comparison = Callable[[Any, Any], Any]

COMPARISONS: Mapping[str, Comparison] = {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}
MIRRORED: Mapping[str, str] = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """Where a field lives: a typed expression, and for a number how many decimals its integer is scaled by."""

    expression: ColumnElement[Any]
    scale: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.scale <= MAX_DECIMALS:
            raise ValueError(f"a scale is 0 to {MAX_DECIMALS}, not {self.scale}")
        if isinstance(self.expression.type, NullType):
            raise ValueError("the expression of a field needs its type")

    @property
    def is_text(self) -> bool:
        """Say whether the field holds text, of which the empty one is missing."""
        kind = self.expression.type
        return isinstance(kind.impl_instance if isinstance(kind, TypeDecorator) else kind, String)


def to_sql(condition: Condition, columns: Mapping[str, FieldColumn], history: HistorySource | None = None) -> Sql:
    """Return a two-valued SQL expression for SQLite and PostgreSQL; every field of the condition needs its column.

    A clause that asks for earlier values without a `history` raises ConditionError at its operator.
    """
    return _Compiler(columns, history).sql(condition, "")


@dataclass(frozen=True, slots=True)
class _Compiler:
    columns: Mapping[str, FieldColumn]
    history: HistorySource | None

    def sql(self, condition: Condition, path: str) -> Sql:
        match condition:
            case All(items):
                return and_(true(), *self._several(items, f"{path}all"))
            case Any_(items):
                return or_(false(), *self._several(items, f"{path}any"))
            case Not(item):
                return not_(self.sql(item, f"{path}not."))
            case Clause(name, op) if asks_history(op):
                if self.history is None:
                    raise ConditionError(NO_HISTORY, f"{path}op")
                return _history_clause(condition, self.columns[name], self.history.earlier(name))
            case Clause():
                return _clause(condition, self.columns)

    def _several(self, items: Sequence[Condition], path: str) -> Iterator[Sql]:
        return (self.sql(item, f"{path}[{place}].") for place, item in enumerate(items))


class _Position(FunctionElement[int]):
    """Where the second text first occurs in the first, from 1; 0 when it does not; every character is literal."""

    inherit_cache = True
    type = BigInteger()


@compiles(_Position, "sqlite")
def _position_on_sqlite(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _position_on_postgresql(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


def _clause(clause: Clause, columns: Mapping[str, FieldColumn]) -> Sql:
    column = columns[clause.field]
    present = _present(column)
    if clause.op in ("is_empty", "not_empty"):
        return not_(present) if clause.op == "is_empty" else present
    if clause.op in ("is_true", "is_false"):
        return column.expression.is_(true() if clause.op == "is_true" else false())
    if isinstance(clause.value, OtherField):
        other = columns[clause.value.name]
        return and_(present, _present(other), _compare_fields(clause.op, column, other))
    return and_(present, _test(clause, column))


def _history_clause(clause: Clause, column: FieldColumn, earlier: Earlier) -> Sql:
    if clause.op == "changed":
        return earlier.exists(earlier.is_latest, _differs(column, earlier))
    is_so = _test(replace(clause, op="eq"), FieldColumn(earlier.value, column.scale))
    if clause.op == "changed_from":
        return earlier.exists(earlier.is_latest, is_so, _differs(column, earlier))
    ever = or_(and_(_present(column), _test(replace(clause, op="eq"), column)), earlier.exists(is_so))
    return ever if clause.op == "has_been" else not_(ever)


def _differs(column: FieldColumn, earlier: Earlier) -> Sql:
    """Compare the earlier value with the one now, where null and the empty text are the same."""
    before, now = earlier.value, earlier.comparable(column.expression)
    if column.is_text:
        before, now = func.nullif(before, _word("")), func.nullif(now, _word(""))
    return before.is_distinct_from(now)


def _present(column: FieldColumn) -> Sql:
    given = column.expression.is_not(None)
    return and_(given, column.expression != _word("")) if column.is_text else given


def _test(clause: Clause, column: FieldColumn) -> Sql:
    """Return the clause for a value that is present."""
    if column.is_text:
        return _text_test(clause, column.expression)
    if clause.op == "between":
        low, high = cast(tuple[object, object], clause.value)
        return and_(_compare("ge", column, low), _compare("le", column, high))
    if clause.op in ("in", "not_in"):
        found = _in_numbers(column, cast(Sequence[int | Decimal], clause.value))
        return found if clause.op == "in" else not_(found)
    return _compare(clause.op, column, clause.value)


def _text_test(clause: Clause, text: ColumnElement[str]) -> Sql:
    match clause.op:
        case "eq" | "ne":
            return cast(Sql, COMPARISONS[clause.op](text, _word(clause.value)))
        case "in" | "not_in":
            return _in_words(text, cast(Sequence[str], clause.value), is_wanted=clause.op == "in")
        case "starts_with":
            return func.substr(text, 1, len(cast(str, clause.value)), type_=String()) == _word(clause.value)
        case "contains_any":
            return or_(false(), *(_contains(text, word) for word in cast(Sequence[str], clause.value)))
        case "has_any" | "has_all" | "has_none":
            return _has(clause, text)
        case "contains" | "not_contains":
            found = _contains(text, clause.value)
            return found if clause.op == "contains" else not_(found)
        case _:
            raise ValueError(f"text has no operator {clause.op}")


def _in_words(text: ColumnElement[str], words: Sequence[str], *, is_wanted: bool) -> Sql:
    found = text.in_([_word(word) for word in words])
    return found if is_wanted else not_(found)


def _has(clause: Clause, text: ColumnElement[str]) -> Sql:
    found = [_contains(text, f"{BAR}{code}{BAR}") for code in cast(Sequence[str], clause.value)]
    if clause.op == "has_all":
        return and_(true(), *found)
    return or_(false(), *found) if clause.op == "has_any" else not_(or_(false(), *found))


def _contains(text: ColumnElement[str], word: object) -> Sql:
    return _Position(text, _word(word)) > 0


def _word(word: object) -> ColumnElement[str]:
    return literal(cast(str, word), String())


def _compare(op: str, column: FieldColumn, value: object) -> Sql:
    if isinstance(value, datetime):
        return cast(Sql, COMPARISONS[op](column.expression, value))
    return _compare_number(op, column, cast(int | Decimal, value))


def _compare_number(op: str, column: FieldColumn, value: int | Decimal) -> Sql:
    """Compare the stored integer with the scaled value, which may fall between two integers or beyond 64 bits."""
    whole, is_exact = _scaled(value, column.scale)
    if op in ("eq", "ne") and not (is_exact and _fits(whole)):
        return false() if op == "eq" else true()
    if not is_exact:
        # Between whole and whole + 1: less or equal to it is at most `whole`, more is beyond `whole`.
        op = "le" if op in ("lt", "le") else "gt"
    if not _fits(whole):
        return true() if (op in ("lt", "le")) == (whole > 0) else false()
    return cast(Sql, COMPARISONS[op](column.expression, _integer(whole)))


def _in_numbers(column: FieldColumn, values: Sequence[int | Decimal]) -> Sql:
    scaled = (_scaled(value, column.scale) for value in values)
    return column.expression.in_([_integer(whole) for whole, is_exact in scaled if is_exact and _fits(whole)])


def _scaled(value: int | Decimal, scale: int) -> tuple[int, bool]:
    """Return the value times 10**scale rounded down, and whether nothing was lost."""
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * 10**scale, denominator)
    return whole, rest == 0


def _fits(number: int) -> bool:
    return MIN_INTEGER <= number <= MAX_INTEGER


def _integer(number: int) -> ColumnElement[int]:
    # Always 64 bits wide: PostgreSQL refuses a larger number bound to a 32-bit column's type.
    return literal(number, BigInteger())


def _compare_fields(op: str, left: FieldColumn, right: FieldColumn) -> Sql:
    """Compare two columns whose scales may differ."""
    if left.scale > right.scale:
        return _compare_fields(MIRRORED[op], right, left)
    if left.scale == right.scale:
        return cast(Sql, COMPARISONS[op](left.expression, right.expression))
    return _compare_with_finer(op, left.expression, right.expression, 10 ** (right.scale - left.scale))


def _compare_with_finer(op: str, coarse: ColumnElement[int], fine: ColumnElement[int], factor: int) -> Sql:
    """Compare coarse with fine/factor by quotient and remainder: multiplying coarse could exceed 64 bits.

    Both databases round the quotient towards zero and give the remainder the dividend's sign, so that comparing
    (coarse, 0) with (quotient, remainder) as pairs is exact for negative numbers too.
    """
    quotient = fine // _integer(factor)
    rest = fine % _integer(factor)
    if op in ("eq", "ne"):
        equal = and_(coarse == quotient, rest == 0)
        return equal if op == "eq" else not_(equal)
    outer = COMPARISONS["lt" if op in ("lt", "le") else "gt"]
    return or_(cast(Sql, outer(coarse, quotient)), and_(coarse == quotient, cast(Sql, COMPARISONS[op](0, rest))))
