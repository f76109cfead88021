"""The functions of formulas: each example holds, and dates agree with the calendar."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.conditions.formula import evaluate_formula, parse_formula
from qtrace.conditions.formula_functions import BUILT_IN, FUNCTIONS, with_functions
from qtrace.conditions.formula_reference import function_table
from qtrace.conditions.formula_tree import Environment, Function, Parameter
from qtrace.conditions.formula_values import CallError, Kind, Type, written

PAGE = Path(__file__).resolve().parents[3] / "docs" / "user" / "conditions.md"
SHANGHAI = ZoneInfo("Asia/Shanghai")
HERE = Environment(
    datetime(2026, 11, 1, 20, tzinfo=UTC),
    SHANGHAI,
    workdays=lambda start, end: sum((start + timedelta(days=day)).weekday() < 5 for day in range((end - start).days)),
    lookup=lambda _name, _key: 13,
)
FIELDS = {
    "a": Type(Kind.DATE), "b": Type(Kind.DATE), "at": Type(Kind.DATETIME), "to": Type(Kind.DATETIME),
    "t": Type(Kind.TEXT), "x": Type(Kind.NUMBER), "n": Type(Kind.NUMBER), "m": Type(Kind.NUMBER),
    "xs": Type(Kind.NUMBER, is_list=True),
}  # fmt: skip
PROPERTY = settings(max_examples=int(os.environ.get("QTRACE_TEST_EXAMPLES", "100")), deadline=None, database=None)


def result(source: str, **values: object) -> object:
    """Return what the formula gives for these values."""
    return evaluate_formula(parse_formula(source, FIELDS), values, HERE)


@pytest.mark.parametrize("function", BUILT_IN, ids=lambda function: function.name)
def test_the_example_of_a_function_holds(function: Function) -> None:
    source, _arrow, expected = function.example.rpartition(" → ")
    assert f"{function.name}(" in source
    assert written(evaluate_formula(parse_formula(source, {}), {}, HERE)) == expected
    in_chinese = source.replace(f"{function.name}(", f"{function.name_zh}(")
    assert written(evaluate_formula(parse_formula(in_chinese, {}), {}, HERE)) == expected


@pytest.mark.parametrize("function", BUILT_IN, ids=lambda function: function.name)
def test_a_function_counts_its_arguments(function: Function) -> None:
    assert not function.takes(function.required - 1)
    assert function.takes(function.required)
    assert function.takes(40) or function.takes(41) or not function.repeats


def test_a_plugin_adds_a_function() -> None:
    double = Function(
        "double", "翻倍", (Parameter("数", frozenset({Kind.NUMBER})),), Type(Kind.NUMBER),
        lambda _here, given: Decimal(2) * given[0] if isinstance(given[0], Decimal) else None,
        "两倍", "Twice.", "double(2) → 4", 1,
    )  # fmt: skip
    functions = with_functions(FUNCTIONS, [double])
    for source in ("double(3)", "翻倍(3)", "DOUBLE(3)"):
        assert evaluate_formula(parse_formula(source, {}, functions=functions), {}, HERE) == 6
    with pytest.raises(ValueError, match="double"):
        with_functions(functions, [double])


def test_the_refusal_of_a_calendar_or_a_list_is_told() -> None:
    def refuse(_name: str, _key: object) -> object:
        raise CallError("表里没有「%(key)s」", key="A")

    formula = parse_formula('1 + lookup("税率", "A")', {})
    with pytest.raises(Exception, match="表里没有「A」") as caught:
        evaluate_formula(formula, {}, Environment(HERE.now, lookup=refuse))
    assert getattr(caught.value, "column", 0) == 5


DATES = st.dates(date(1900, 1, 1), date(2200, 12, 31))
MOMENTS = st.datetimes(datetime(1992, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds


@PROPERTY
@given(DATES, DATES, st.integers(-5000, 5000))
def test_days_agree_with_the_calendar(first: date, second: date, days: int) -> None:
    assert result("date_diff(a, b)", a=first, b=second) == (second - first).days
    assert result("date_add(a, n)", a=first, n=days) == first + timedelta(days=days)
    assert result('date_add(a, n, "周")', a=first, n=days) == first + timedelta(weeks=days)
    assert result("year(a) * 10000 + month(a) * 100 + day(a)", a=first) == int(first.strftime("%Y%m%d"))
    assert result("date(year(a), month(a), day(a)) = a and date(text(a)) = a", a=first) is True
    assert result("a < b", a=first, b=second) is (first < second)
    assert result("min(a, b)", a=first, b=second) == min(first, second)


@PROPERTY
@given(DATES, st.integers(-1200, 1200))
def test_months_end_at_the_last_day_there_is(first: date, months: int) -> None:
    later = result('date_add(a, n, "month")', a=first, n=months)
    assert isinstance(later, date)
    assert later.year * 12 + later.month == first.year * 12 + first.month + months
    assert later.day == first.day or (later + timedelta(days=1)).day == 1
    assert later.day <= first.day


@PROPERTY
@given(DATES, DATES)
def test_whole_months_are_those_that_have_passed(first: date, second: date) -> None:
    start, end = sorted((first, second))
    months = 0
    while (start.year * 12 + start.month + months + 1, start.day) <= (end.year * 12 + end.month, end.day):
        months += 1
    assert result('date_diff(a, b, "month")', a=start, b=end) == months
    assert result('date_diff(b, a, "month")', a=start, b=end) == -months
    assert result('date_diff(a, b, "year")', a=start, b=end) == months // 12


@PROPERTY
@given(MOMENTS, MOMENTS, st.integers(-10000, 10000))
def test_moments_agree_with_the_clock(first: datetime, second: datetime, units: int) -> None:
    assert result('date_add(at, n, "hour")', at=first, n=units) == first + timedelta(hours=units)
    assert result('date_add(at, n, "分钟")', at=first, n=units) == first + timedelta(minutes=units)
    minutes = result('date_diff(at, to, "minute")', at=first, to=second)
    assert isinstance(minutes, Decimal)
    exact = Decimal((second - first) // timedelta(microseconds=1)) / Decimal(60_000_000)
    assert abs(minutes - exact) < Decimal("1e-9")
    assert result("date(at)", at=first) == first.astimezone(SHANGHAI).date()


def test_today_is_the_day_of_the_site() -> None:
    assert result("today()") == date(2026, 11, 2)
    assert result("text(now())") == "2026-11-02 04:00+08:00"


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@PROPERTY
@given(TEXTS, TEXTS, st.integers(0, 14), st.integers(1, 14))
def test_texts_agree_with_python(text: str, part: str, size: int, first: int) -> None:
    values = {"t": text, "n": size, "m": first}
    assert result("len(t)", t=text) == len(text)
    assert result("left(t, n) & mid(t, n + 1, 20)", **values) == text
    assert result("right(t, n)", **values) == (text[-size:] if size else "")
    assert result("mid(t, m, n)", **values) == text[first - 1 : first - 1 + size]
    assert result("upper(t)", t=text) == text.upper()
    assert result("trim(t)", t=text) == text.strip()
    quoted = '"' + part.replace('"', '""') + '"'
    assert result(f"contains(t, {quoted})", t=text) is (part in text)
    assert result(f'replace(t, {quoted}, "一二")', t=text) == text.replace(part, "一二")


@PROPERTY
@given(st.lists(st.none() | st.decimals(-1000, 1000, places=3), max_size=8), st.decimals(-1000, 1000, places=6))
def test_numbers_agree_with_python(numbers: list[Decimal | None], one: Decimal) -> None:
    found = [number for number in numbers if number is not None]
    assert result("sum(xs)", xs=numbers) == sum(found)
    assert result("count(xs)", xs=numbers) == len(found)
    assert result("max(xs)", xs=numbers) == max(found, default=None)
    assert result("min(xs, x)", xs=numbers, x=one) == min([*found, one])
    assert result("round(x, 2)", x=one) == one.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert result("floor(x) <= x and x < floor(x) + 1 and ceil(x) - floor(x) <= 1", x=one) is True
    assert result("number(text(x))", x=one) == one
    assert result("abs(x)", x=one) == abs(one)


def test_the_documentation_names_every_function() -> None:
    """The table is made from the functions; `QTRACE_WRITE_TABLE=1` writes it anew."""
    before, rest = PAGE.read_text(encoding="utf-8").split("<!-- functions -->\n")
    after = rest.partition("<!-- /functions -->")[2]
    page = f"{before}<!-- functions -->\n{function_table(BUILT_IN)}<!-- /functions -->{after}"
    if os.environ.get("QTRACE_WRITE_TABLE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "QTRACE_WRITE_TABLE=1 writes it anew"
