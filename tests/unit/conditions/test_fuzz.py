"""Whatever is typed is read or refused, quickly, and nothing else happens."""

import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.conditions.formula import evaluate_formula, parse_formula
from qtrace.conditions.formula_functions import FUNCTIONS
from qtrace.conditions.formula_tree import Environment, FormulaError
from qtrace.conditions.formula_values import MAX_NUMBER, MAX_TEXT, Kind, Type
from qtrace.conditions.source import SourceError
from qtrace.conditions.text import parse_text, write_text
from qtrace.conditions.text_reader import ConditionTextError
from qtrace.conditions.text_words import OPS
from qtrace.conditions.tree import FieldKind

FIELDS = {
    "t": Type(Kind.TEXT), "x": Type(Kind.NUMBER), "b": Type(Kind.BOOL), "d": Type(Kind.DATE), "at": Type(Kind.DATETIME),
    "xs": Type(Kind.NUMBER, is_list=True), "ts": Type(Kind.TEXT, is_list=True), "any": Type(Kind.ANY),
}  # fmt: skip
KINDS = {
    "t": FieldKind.TEXT, "x": FieldKind.NUMBER, "b": FieldKind.BOOL, "d": FieldKind.DATETIME, "r": FieldKind.REF,
    "ts": FieldKind.LIST,
}  # fmt: skip
LABELS = {"t": "名称", "x": "数量", "b": "是", "d": "日期", "r": "商品", "ts": "标签"}
# Ten times what anyone may wait: a busy machine is not a slow input.
HANGING_SECONDS = 1.0
PROPERTY = settings(max_examples=int(os.environ.get("QTRACE_TEST_EXAMPLES", "300")), deadline=None, database=None)

WORDS = [
    *FIELDS, *LABELS.values(), *FUNCTIONS, *(word.replace("_", " ") for word in OPS), "and", "or", "not", "且", "或", "非",
    "all(", "any(", "(", ")", ",", '"', "“", "”", "{", "}", "+", "-", "*", "/", "%", "^", "&", "=", "<>", "<=", "1", "0.5",
    "1e400", "NaN", "9" * 19, "9" * 400, '"漏液"', '"2026-11-02T08:00:00Z"', "null", "true", "否", "至", "\n", "\0", "\ud800",
    "\u202e", "😀", "e\u0301", "١", "．", "。",
]  # fmt: skip
TYPED = (
    st.text(max_size=60)
    | st.binary(max_size=60).map(lambda data: data.decode("utf-8", "surrogateescape"))
    | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)
    | st.lists(st.sampled_from(WORDS), max_size=30).map("".join)
)
CALLS = st.recursive(
    st.sampled_from([*FIELDS, "1", "0", "-1.5", "1000000000000000000", '"a"', '"day"', '""', "null", "true"]),
    lambda inner: (
        st.builds(
            lambda name, given_here: f"{name}({', '.join(given_here)})",
            st.sampled_from(sorted(FUNCTIONS)),
            st.lists(inner, max_size=4),
        )
        | st.builds(lambda left, op, right: f"({left} {op} {right})", inner, st.sampled_from(list("+-*/%^&=<>")), inner)
        | inner.map(lambda one: f"-{one}")
        | inner.map(lambda one: f"not {one}")
    ),
    max_leaves=12,
)
SCALARS = (
    st.none() | st.booleans() | st.text(max_size=8) | st.integers() | st.decimals() | st.floats() | st.dates()
    | st.datetimes(timezones=st.none() | st.just(UTC)) | st.sampled_from([Decimal("1e400"), 10**5000, "字" * (MAX_TEXT + 1)])
)  # fmt: skip
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "t": st.none() | st.text(max_size=8) | st.just("字" * MAX_TEXT),
    "x": st.none() | st.integers(-9, 9) | st.decimals(-10, 10, places=18) | st.sampled_from([MAX_NUMBER, -MAX_NUMBER]),
    "b": st.none() | st.booleans(),
    "d": st.none() | st.dates() | st.sampled_from([date.min, date.max]),
    "at": st.none() | st.datetimes(timezones=st.just(UTC)),
    "xs": st.lists(st.none() | st.integers(-9, 9), max_size=4),
    "ts": st.lists(st.text(max_size=4), max_size=4),
}
NOW = datetime(2026, 11, 2, tzinfo=UTC)


def in_time(act: Callable[[], object], *declared: type[Exception]) -> None:
    """Act, let only the declared errors pass, and assert that it does not hang."""
    gc.disable()  # collecting what thousands of other tests left behind is not this input's time
    started = time.thread_time()
    try:
        with suppress(*declared):
            act()
    finally:
        gc.enable()
    assert time.thread_time() - started < HANGING_SECONDS


def check(error: SourceError, source: str) -> None:
    """Assert that an error says something, points into the source and can be shown."""
    assert error.message
    assert 0 <= error.at <= len(source)
    assert error.line >= 1
    assert error.column >= 1
    assert error.pointed.endswith("^")


@PROPERTY
@given(
    TYPED | CALLS,
    st.fixed_dictionaries({}, optional={name: SCALARS | st.lists(SCALARS, max_size=3) for name in FIELDS}),
)
def test_whatever_formula_is_typed(source: str, values: dict[str, object]) -> None:
    def act() -> None:
        try:
            formula = parse_formula(source, FIELDS, {"数量": "x", "名称": "t"})
            assert parse_formula(formula.written({}), FIELDS).fields == formula.fields
            evaluate_formula(formula, values, Environment(NOW, lookup=lambda _name, _key: values.get("any")))
        except FormulaError as error:
            check(error, source)
            raise

    in_time(act, FormulaError)


@PROPERTY
@given(CALLS, st.fixed_dictionaries(FITTING))
def test_a_formula_that_fits_gives_the_kind_it_promised(source: str, values: dict[str, object]) -> None:
    here = Environment(NOW, workdays=lambda start, end: (end - start).days, lookup=lambda _name, key: key)
    try:
        formula = parse_formula(source, FIELDS)
        result = evaluate_formula(formula, values, here)
    except FormulaError as error:
        check(error, source)
        return
    kinds = {Kind.NUMBER: Decimal, Kind.TEXT: str, Kind.BOOL: bool, Kind.DATE: date, Kind.DATETIME: datetime}
    if formula.kind in kinds:
        assert result is None or isinstance(result, kinds[formula.kind])
    if isinstance(result, Decimal):
        assert abs(result) <= MAX_NUMBER
        assert -int(result.as_tuple().exponent) <= 18
    if isinstance(result, str):
        assert len(result) <= MAX_TEXT


@PROPERTY
@given(TYPED)
def test_whatever_condition_is_typed(source: str) -> None:
    def act() -> None:
        try:
            condition = parse_text(source, KINDS, LABELS, has_history=True)
        except ConditionTextError as error:
            check(error, source)
            raise
        assert parse_text(write_text(condition, LABELS), KINDS, LABELS, has_history=True) == condition

    in_time(act, ConditionTextError)


@pytest.mark.parametrize(
    "piece", ["(", "1+", "not ", "{", '"', "名称 = 1 and ", "all(", "if(", "x", " ", "\n", ",", "x^", "a b "]
)
@pytest.mark.parametrize("times", [70, 4_000, 1_000_000])
def test_the_same_piece_over_and_over_does_not_hang(piece: str, times: int) -> None:
    in_time(lambda: parse_formula(piece * times, FIELDS), FormulaError)
    in_time(lambda: parse_text(piece * times, KINDS, LABELS), ConditionTextError)
