"""Formulas are read, typed before they run, and exact."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.conditions.formula import FormulaCycle, evaluate_formula, order_of, parse_formula
from qtrace.conditions.formula_parser import MAX_DEPTH
from qtrace.conditions.formula_run import MAX_STEPS
from qtrace.conditions.formula_tree import Environment, FormulaError
from qtrace.conditions.formula_values import MAX_TEXT, Kind, Type

NOW = datetime(2026, 11, 2, 4, tzinfo=UTC)
HERE = Environment(NOW)
FIELDS = {
    "qty": Type(Kind.NUMBER),
    "price": Type(Kind.NUMBER),
    "name": Type(Kind.TEXT),
    "urgent": Type(Kind.BOOL),
    "made": Type(Kind.DATE),
    "sent": Type(Kind.DATETIME),
    "rows.qty": Type(Kind.NUMBER, is_list=True),
    "tags": Type(Kind.TEXT, is_list=True),
}
LABELS = {"数量": "qty", "单价(元)": "price", "品名": "name", "明细.数量": "rows.qty", "标签": "tags"}
PROPERTY = settings(max_examples=int(os.environ.get("QTRACE_TEST_EXAMPLES", "200")), deadline=None, database=None)


def result(source: str, **values: object) -> object:
    """Return what the formula gives for these values."""
    return evaluate_formula(parse_formula(source, FIELDS, LABELS), values, HERE)


def refusal(source: str) -> FormulaError:
    """Return the error that reading the formula raises."""
    with pytest.raises(FormulaError) as caught:
        parse_formula(source, FIELDS, LABELS)
    return caught.value


def failure(source: str, **values: object) -> FormulaError:
    """Return the error that running the formula raises."""
    formula = parse_formula(source, FIELDS, LABELS)
    with pytest.raises(FormulaError) as caught:
        evaluate_formula(formula, values, HERE)
    return caught.value


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("0.1 + 0.2", Decimal("0.3")),
        ("7 / 2", Decimal("3.5")),
        ("-7 % 3", 2),
        ("7 % -3", -2),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("2 ^ -1", Decimal("0.5")),
        ("10 - 2 - 3", 5),
        ("１．５＋（２）", Decimal("3.5")),
        ("1 ／ 3 × 3", Decimal("0.999999999999999999")),
        ("2 / 3", Decimal("0.666666666666666667")),
        ("not 1 > 2 and 2 >= 2", True),
        ("1 = 2 or 2 <> 3", True),
        ("非 真 或 假", False),
        ('"批次" & 7 & true', "批次7是"),
        ('“引号” & "说""好"""', '引号说"好"'),
        ("数量 * {单价(元)}", Decimal("7.5")),
        ("{qty} + QTY_", None),
        ("sum(明细.数量) + count({rows.qty})", 6),
        ("if(qty > 2, 品名, “少”)", "漏液瓶"),
        ("如果(qty > 5, 品名)", None),
        ("year(made)", 2026),
        ('contains(tags, "漏液") and contains(name, "瓶")', True),
    ],
)
def test_a_formula_is_worked_out(source: str, expected: object) -> None:
    fields = {**FIELDS, "QTY_": Type(Kind.NUMBER)}
    values: dict[str, object] = {
        "qty": 3, "price": Decimal("2.50"), "name": "漏液瓶", "rows.qty": [1, None, 3],
        "made": date(2026, 1, 1), "tags": ("漏液", "破损"),
    }  # fmt: skip
    assert evaluate_formula(parse_formula(source, fields, LABELS), values, HERE) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("qty + 1", None),
        ("-qty", None),
        ("qty = 1", False),
        ("qty <> 1", False),
        ("not qty = 1", True),
        ("urgent and true", False),
        ("urgent or true", True),
        ("not urgent", True),
        ('if(urgent, "是", "否")', "否"),
        ('name & "x"', "x"),
        ('concat(name, qty, "x")', "x"),
        ("sum(qty, 2)", 2),
        ("sum({rows.qty})", 0),
        ("avg({rows.qty})", None),
        ("max({rows.qty}, qty)", None),
        ("count({rows.qty}, qty, 1)", 1),
        ("isblank(qty) and isblank(name) and isblank({rows.qty})", True),
        ("coalesce(qty, price, 9)", 9),
        ("upper(name)", None),
        ("len(name)", 0),
        ("round(qty)", None),
        ("date_add(made, 1)", None),
        ('contains(name, "x")', False),
        ("switch(qty, 1, 2, 3)", 3),
    ],
)
@pytest.mark.parametrize("nothing", [None, ""])
def test_an_empty_value_does_the_same_everywhere(source: str, expected: object, nothing: str | None) -> None:
    assert result(source, name=nothing) == expected


@pytest.mark.parametrize(
    ("source", "column", "words"),
    [
        ("", 1, "请填写公式"),
        ("qty >", 6, "还没写完"),
        ("1 + * 2", 5, "缺少一个值"),
        ("qty qty", 5, "这里多了"),
        ("数亮 + 1", 1, "是不是「数量」"),
        ("1 + {不存在的字段}", 5, "没有字段"),
        ("roud(1.5)", 1, "是不是「round」"),
        ("sum(1, 2", 9, "缺少右括号"),
        ("round(1, 2, 3)", 1, "应写成 round"),
        ("round", 6, "后面要有括号"),
        ("1e400", 2, "没有 1e5 这种写法"),
        ("9" * 30, 1, "数字太大"),
        ('qty & "x', 7, "少了结尾的引号"),
        ("'x'", 1, "双引号"),
        ("{数量", 1, "少了结尾的 }"),
        ("qty ; 1", 5, "逗号"),
        ("qty # 1", 5, "不认识"),
        ("qty + name", 5, "只能用于数字,这里是文字"),
        ("qty and true", 5, "只能用于真假值"),
        ("not qty", 1, "只能用于真假值"),
        ("made + 1", 6, "date_add"),
        ("qty = name", 5, "数字不能与文字比较"),
        ("made = sent", 6, "日期不能与日期时间比较"),
        ('name > "a"', 6, "不能比大小"),
        ('name = ""', 8, "isblank"),
        ("qty = null", 7, "isblank"),
        ("1 < qty < 3", 9, "不能连着写"),
        ("{rows.qty} + 1", 1, "不能是一列"),
        ("{rows.qty}", 1, "结果是一列"),
        ("abs({rows.qty})", 5, "不能是一列"),
        ("if(qty, 1, 2)", 4, "应是真假值,这里是数字"),
        ('if(urgent, 1, "x")', 1, "应是同一种"),
        ("min(qty, made)", 1, "应是同一种"),
        ("date_diff(made, sent)", 1, "应是同一种"),
        ('date_add(made, 1, "dya")', 19, "应是其中之一"),
        ("date(2026, 1)", 1, "请写成 date"),
        ("__import__(1)", 1, "没有函数"),
        ("qty.real", 1, "没有字段"),
        ("name[0]", 5, "不认识"),
        ("(" * 100 + "1", 61, "嵌套最多"),
        ("1" + "+1" * 100, 120, "嵌套最多"),
        ("x" * 5000, 4001, "最多 4000 个字符"),
        ("qty\0", 4, "不能使用的字符"),
        ("qty + \ud800", 7, "不能使用的字符"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source: str, column: int, words: str) -> None:
    error = refusal(source)
    assert words in error.message
    assert (error.line, error.column) == (1, column)


def test_the_place_is_pointed_at_below_wide_characters() -> None:
    error = refusal("qty +\n数量 * 品名\n+ 1")
    assert (error.line, error.column) == (2, 4)
    assert error.pointed == "数量 * 品名\n　　 ^"


def test_a_message_is_translated_with_its_values() -> None:
    error = refusal("nothing_like_it")
    assert error.translated(lambda _text: "there is no field %(name)s") == "there is no field nothing_like_it"


def test_the_words_of_a_message_are_translated_with_it() -> None:
    english = {"数": "number", "小数位数": "decimals", "数字": "a number", "文字": "a text"}
    wrong_kind = refusal('round("x")').translated(lambda text: english.get(text, text))
    assert wrong_kind == "round 的「number」应是a number,这里是a text"
    too_many = refusal("round(1, 2, 3)").translated(lambda text: english.get(text, text))
    assert too_many.endswith("round(number, [decimals])")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("qty / (price - price)", "除数为 0"),
        ("qty % 0", "除数为 0"),
        ("0 ^ -1", "除数为 0"),
        ("qty ^ 0.5", "指数"),
        ("qty ^ 101", "指数"),
        ("1000000000000000000 * qty", "超出范围"),
        ("1000000000 ^ 100", "超出范围"),
        ("round(qty, 0.5)", "整数"),
        ("round(qty, 19)", "整数"),
        ("mid(name, 0, 1)", "整数"),
        ("number(name)", "不是数字"),
        ("date(name)", "不是日期"),
        ("date(2026, 2, 30)", "不是日期"),
        ("date_add(made, 10000000)", "日期超出范围"),
        ('date_add(made, 1000000, "year")', "日期超出范围"),
        ('date_add(made, 1, "hour")', "日期只能加"),
        ("workdays(made, made)", "没有工作日历"),
        ('lookup("a", 1)', "没有可查的表"),
        ('replace(name & name, "文", "' + "长" * 2000 + '")', "20000 个字"),
    ],
)
def test_what_cannot_be_worked_out_is_refused(source: str, words: str) -> None:
    error = failure(source, qty=2, price=1, name="一段文字" * 10, made=date(2026, 1, 1))
    assert words in error.message


def test_the_error_of_a_run_points_at_the_operator() -> None:
    assert failure("qty + 1 / price", qty=1, price=0).column == 9


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), Decimal("NaN"), Decimal("1e400"), 10**19, "文字", True, [1], {}, b"x", date(2026, 1, 1)],
)
def test_a_value_of_another_kind_is_refused(value: object) -> None:
    assert failure("qty + 1", qty=value).column == 1


def test_values_from_outside_are_bounded() -> None:
    assert failure("len(name)", name="字" * (MAX_TEXT + 1)).message.startswith("文字超过")
    assert failure("sum({rows.qty})", **{"rows.qty": [1] * (MAX_STEPS + 1)}).message.startswith("一列最多")
    assert "步" in failure("sum({rows.qty}) + sum({rows.qty})", **{"rows.qty": [1] * 4000}).message
    assert failure("sent", sent=datetime(2026, 1, 1)).message == "日期时间缺少时区"  # noqa: DTZ001 -- the fault itself
    assert result("qty", qty=Decimal("1e-999999")) == 0


def test_only_the_needed_branch_is_worked_out() -> None:
    assert result("if(qty = 0, 0, 1 / qty)", qty=0) == 0
    assert result("ifs(qty = 0, 1, 1 / qty > 0, 2, 3)", qty=0) == 1
    assert result("coalesce(1, 1 / 0)") == 1
    assert result("switch(1, 1, 5, 1 / 0)") == 5
    assert result("false and 1 / qty > 1", qty=0) is False


def test_a_kind_known_only_when_running_is_checked_then() -> None:
    def found(source: str, value: object) -> object:
        here = Environment(NOW, lookup=lambda _name, _key: value)
        return evaluate_formula(parse_formula(source, FIELDS, LABELS), {}, here)

    assert found('lookup("税率", "A") * 2', 13) == 26
    for source, value in [
        ('lookup("a", 1) * 2', "x"), ('upper(lookup("a", 1))', 5), ('lookup("a", 1) < 2', "x"), ('lookup("a", 1)', (1, 2)),
        ('upper(lookup("a", 1))', ("a",)), ('lookup("a", 1)', 1.5), ('if(lookup("a", 1), 1, 2)', 1),
        ('not lookup("a", 1)', 1), ('lookup("a", 1) > "x"', "y"),
    ]:  # fmt: skip
        with pytest.raises(FormulaError):
            found(source, value)


def test_the_wanted_kind_is_checked() -> None:
    assert parse_formula("qty", FIELDS, wanted=Kind.NUMBER).kind is Kind.NUMBER
    assert parse_formula("null", FIELDS, wanted=Kind.NUMBER).kind is Kind.EMPTY
    with pytest.raises(FormulaError, match="结果是数字,应是文字"):
        parse_formula("qty", FIELDS, wanted=Kind.TEXT)


def test_a_formula_is_kept_by_ids_and_shown_by_labels() -> None:
    formula = parse_formula("数量 * {单价(元)} + sum(明细.数量)", FIELDS, LABELS)
    assert formula.fields == {"qty", "price", "rows.qty"}
    kept = formula.written({})
    assert kept == "{qty} * {price} + sum({rows.qty})"
    assert parse_formula(kept, FIELDS).written({"qty": "件数"}) == "{件数} * {price} + sum({rows.qty})"


def test_formulas_are_ordered_by_what_they_need() -> None:
    fields = {name: Type(Kind.NUMBER) for name in "abcd"}
    formulas = {name: parse_formula(source, fields) for name, source in {"a": "b + c", "b": "c + d", "c": "d"}.items()}
    assert order_of(formulas) == ["c", "b", "a"]


def test_formulas_that_need_each_other_are_named() -> None:
    fields = {name: Type(Kind.NUMBER) for name in "abcd"}
    formulas = {
        name: parse_formula(source, fields) for name, source in {"a": "b", "b": "c+1", "c": "a", "d": "a"}.items()
    }
    with pytest.raises(FormulaCycle) as caught:
        order_of(formulas, {"a": "合计", "b": "税额", "c": "单价"})
    cycle = caught.value.cycle
    assert cycle[0] == cycle[-1]
    assert all(following in formulas[name].fields for name, following in pairwise(cycle))
    assert "合计 → 税额" in caught.value.message or "税额 → 单价" in caught.value.message
    with pytest.raises(FormulaCycle):
        order_of({"a": parse_formula("a + 1", fields)})


def test_a_long_row_of_formulas_is_ordered_without_recursion() -> None:
    fields = {f"f{place}": Type(Kind.NUMBER) for place in range(3001)}
    formulas = {f"f{place}": parse_formula(f"f{place + 1} + 1", fields) for place in range(3000)}
    assert order_of(formulas)[-1] == "f0"


def half_up(exact: Fraction) -> Fraction:
    """Return the number rounded half away from zero to 18 decimals."""
    doubled = abs(exact) * 10**18 * 2
    size = (doubled.numerator // doubled.denominator + 1) // 2
    return Fraction(size, 10**18) * (1 if exact >= 0 else -1)


class Undefined(Exception):
    """The arithmetic has no answer."""


def divided(left: Fraction, right: Fraction) -> Fraction:
    """Return the quotient, if there is one."""
    if not right:
        raise Undefined
    return left / right


def rest(left: Fraction, right: Fraction) -> Fraction:
    """Return the remainder, if there is one."""
    if not right:
        raise Undefined
    return left % right


ORACLE: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": divided,
    "%": rest,
}
Sum = tuple[str, Callable[[], Fraction]]


def bounded(exact: Fraction) -> Fraction:
    """Return what a formula keeps of a result."""
    rounded = half_up(exact)
    if abs(rounded) > 10**18:
        raise Undefined
    return rounded


def literal(number: Decimal) -> Sum:
    """Return a number as written, in brackets when negative."""
    spelled = format(number, "f")
    return (f"({spelled})" if number < 0 else spelled), lambda: Fraction(number)


def joined(left: Sum, op: str, right: Sum) -> Sum:
    """Return two sums with an operator between them."""
    return f"({left[0]}) {op} ({right[0]})", lambda: bounded(ORACLE[op](left[1](), right[1]()))


def raised(base: Sum, exponent: int) -> Sum:
    """Return a sum to a power."""

    def exact() -> Fraction:
        found = base[1]()
        if not found and exponent < 0:
            raise Undefined
        return bounded(found**exponent)

    return f"({base[0]}) ^ ({exponent})", exact


NUMBERS = (
    st.decimals(-1000, 1000, places=2)
    | st.decimals(-10, 10, places=18)
    | st.sampled_from(
        [Decimal(10**18), Decimal(-(10**18)), Decimal("0.5"), Decimal("0.000000000000000001"), Decimal(0), Decimal(3)]
    )
)
SUMS: st.SearchStrategy[Sum] = st.recursive(
    NUMBERS.map(literal),
    lambda inner: (
        st.builds(joined, inner, st.sampled_from(list(ORACLE)), inner) | st.builds(raised, inner, st.integers(-4, 6))
    ),
    max_leaves=8,
)


@PROPERTY
@given(SUMS)
def test_arithmetic_is_exact(found: Sum) -> None:
    source, exact = found
    formula = parse_formula(source, {})
    try:
        expected = exact()
    except Undefined:
        with pytest.raises(FormulaError, match=r"除数为 0|超出范围"):
            evaluate_formula(formula, {}, HERE)
    else:
        given_back = evaluate_formula(formula, {}, HERE)
        assert isinstance(given_back, Decimal)
        assert Fraction(given_back) == expected


# Their quotients end within the decimals a formula keeps, so that nothing is rounded.
EVEN = st.sampled_from([1, 2, 4, 5, 8])


@PROPERTY
@given(st.lists(st.tuples(st.sampled_from(list(ORACLE)), EVEN), min_size=1, max_size=5), EVEN)
def test_operators_bind_as_in_python(steps: list[tuple[str, int]], first: int) -> None:
    source = str(first) + "".join(f" {op} {number}" for op, number in steps)
    # What Python makes of the same text over exact fractions is the oracle; the text holds digits and signs only.
    wrapped = f"F({first})" + "".join(f" {op} F({number})" for op, number in steps)
    exact = eval(wrapped, {"F": Fraction})
    given_back = evaluate_formula(parse_formula(source, {}), {}, HERE)
    assert isinstance(given_back, Decimal)
    assert Fraction(given_back) == exact


def test_as_deep_as_allowed_still_runs() -> None:
    nested = "1"
    for _level in range(MAX_DEPTH - 1):
        nested = f"if(true, {nested}, 2)"
    assert result(nested) == 1
    assert result("(" * MAX_DEPTH + "1" + ")" * MAX_DEPTH) == 1
