"""Conditions as experts type them."""

import os
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.conditions.text import parse_text, write_text
from qtrace.conditions.text_reader import ConditionTextError
from qtrace.conditions.text_words import OPS, WORDS
from qtrace.conditions.tree import (
    MAX_INTEGER,
    MIN_INTEGER,
    OTHER_FIELD_OPERATORS,
    All,
    Any_,
    Clause,
    Condition,
    FieldKind,
    Not,
    Operand,
    OtherField,
    operators_of,
)

FIELDS = {
    "status": FieldKind.TEXT,
    "qty": FieldKind.NUMBER,
    "limit": FieldKind.NUMBER,
    "paid": FieldKind.BOOL,
    "sent": FieldKind.DATETIME,
    "due": FieldKind.DATETIME,
    "sku": FieldKind.REF,
    "tags": FieldKind.LIST,
    "x1": FieldKind.TEXT,
    "x2": FieldKind.TEXT,
}
LABELS = {
    "status": "状态", "qty": "数量", "limit": "上限(件)", "paid": "是", "sent": "发货 时间", "due": "承诺时间",
    "sku": "SKU", "tags": "标{签}", "x1": "备注", "x2": "备注",
}  # fmt: skip
OPEN, MANY = Clause("status", "eq", "open"), Clause("qty", "gt", 3)


def read(source: str) -> Condition:
    """Return the condition the text says."""
    return parse_text(source, FIELDS, LABELS, has_history=True)


@pytest.mark.parametrize(
    ("source", "condition"),
    [
        ('状态 = "open" and qty > 3', All((OPEN, MANY))),
        ("状态＝“open” 且 数量＞3", All((OPEN, MANY))),
        ('status is_empty or status = "open" and not qty > 3', Any_((Clause("status", "is_empty"), All((OPEN, Not(MANY)))))),
        ('(状态 = "open" 或 数量 > 3) 且 {是} 为是', All((Any_((OPEN, MANY)), Clause("paid", "is_true")))),
        ("paid = true or paid 不是 是", Any_((Clause("paid", "is_true"), Clause("paid", "is_false")))),
        ("qty between -1 and 2.50 and sku in (7, 8)",
         All((Clause("qty", "between", (-1, Decimal("2.5"))), Clause("sku", "in", (7, 8))))),
        ("数量 介于 1 至 2", Clause("qty", "between", (1, 2))),
        ("数量 介于 (1、2)", Clause("qty", "between", (1, 2))),
        ('tags has any ("a", "b") and tags 有全部 ("a")',
         All((Clause("tags", "has_any", ("a", "b")), Clause("tags", "has_all", ("a",))))),
        ('状态 从未是 "done" and status has never been "x"',
         All((Clause("status", "has_never_been", "done"), Clause("status", "has_never_been", "x")))),
        ('status changed and status changed from "a"',
         All((Clause("status", "changed"), Clause("status", "changed_from", "a")))),
        ("{发货 时间} > 承诺时间", Clause("sent", "gt", OtherField("due"))),
        ("数量 >= {上限(件)}", Clause("qty", "ge", OtherField("limit"))),
        ('sent < "2026-11-02T08:00:00+08:00"', Clause("sent", "lt", datetime(2026, 11, 2, tzinfo=UTC))),
        ('status not in ("a") and status is not empty and status not contains "b"',
         All((Clause("status", "not_in", ("a",)), Clause("status", "not_empty"), Clause("status", "not_contains", "b")))),
        ('状态 包含任一 ("漏液", "说""破""")', Clause("status", "contains_any", ("漏液", '说"破"'))),
        ("全部() 或 任一(数量 > 3)", Any_((All(()), Any_((MANY,))))),
        ("非 非 数量 > 3", Not(Not(MANY))),
        ("((数量 > 3))", MANY),
    ],
)  # fmt: skip
def test_a_text_is_read(source: str, condition: Condition) -> None:
    assert read(source) == condition


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("", 1, 1, "请填写条件"),
        ("状太 = 1", 1, 1, "是不是「状态」"),
        ("状态是 1", 1, 1, "空一格|是不是"),
        ("完全不同 = 1", 1, 1, "空一格"),
        ("备注 = 1", 1, 1, "请写代号:{x1}、{x2}"),
        ("状态 大约 1", 1, 4, "比较方式"),
        ("数量 包含 1", 1, 4, "不能用这种比较方式"),
        ("数量 >", 1, 5, "应是一个值"),
        ("数量 > (1)", 1, 6, "应是一个值"),
        ('状态 = "open" 数量 > 3', 1, 13, "这里多了"),
        ('状态 = "open"\n且 数量 = "三"', 2, 8, "请填写数字"),
        ('状态 = "open" and\n  (数量 > 3 or\n   状态 = 3)', 3, 9, "请填写文字"),
        ("(数量 > 3", 1, 8, "缺少右括号"),
        ("数量 in (1, 2", 1, 12, "缺少右括号"),
        ('数量 in (1, "二")', 1, 11, "请填写数字"),
        ("数量 介于 5 至 1", 1, 7, "不能大于"),
        ("数量 介于 5", 1, 8, "范围请写成"),
        ("数量 > 状态", 1, 6, "类型不同"),
        ("sku = 1.5", 1, 7, "从列表"),
        ("sku = " + "9" * 5000, 1, 7, "从列表"),
        ("数量 > " + "9" * 5000, 1, 6, "请填写数字"),
        ('sent < "昨天"', 1, 8, "日期时间"),
        ('状态 = ""', 1, 6, "文字不能为空"),
        ('tags has any ("a|b")', 1, 15, "竖线"),
        ('状态 = "open', 1, 6, "引号"),
        ("not " * 40 + "数量 > 3", 1, 121, "嵌套"),
        ("not " * 12 + "数量 > 3", 1, 41, "嵌套"),
        ("(" * 100, 1, 31, "嵌套"),
        ("= 3", 1, 1, "应是字段名"),
        ("x" * 50_001, 1, 50_001, "最多 50000 个字符"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(source: str, line: int, column: int, words: str) -> None:
    with pytest.raises(ConditionTextError) as caught:
        read(source)
    assert any(word in caught.value.message for word in words.split("|")), caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.pointed.endswith("^")


def test_earlier_values_are_asked_for_only_where_they_are_kept() -> None:
    with pytest.raises(ConditionTextError) as caught:
        parse_text('数量 > 1 且 状态 曾是 "open"', FIELDS, LABELS)
    assert caught.value.column == 13


def test_labels_are_written_where_they_are_clear() -> None:
    condition = All((OPEN, Clause("paid", "is_true"), Clause("tags", "is_empty"), Clause("x1", "is_empty"),
                     Clause("sent", "gt", OtherField("due"))))  # fmt: skip
    text = '状态 = "open" 且 {是} 为是 且 tags 为空 且 x1 为空 且 {发货 时间} > 承诺时间'
    assert write_text(condition, LABELS) == text
    english = 'status = "open" and paid is true and tags is empty and x1 is empty and sent > due'
    assert write_text(condition, {}, "en") == english


@pytest.mark.parametrize("kind", FieldKind)
def test_every_operator_has_words_in_both_languages(kind: FieldKind) -> None:
    for op in operators_of(kind, has_history=True):
        for words in WORDS.values():
            assert OPS[words[op].replace(" ", "_")] == op


TEXTS = st.text(
    st.sampled_from('"“”()（）{},、且或 \n漏液aA') | st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=6,
)
SCALARS: dict[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TEXT: TEXTS,
    FieldKind.NUMBER: st.integers(MIN_INTEGER, MAX_INTEGER)
    | st.decimals(-1000, 1000, places=3).filter(lambda number: number != number.to_integral_value())
    | st.just(Decimal("0.000000000000000001")),
    FieldKind.DATETIME: st.datetimes(timezones=st.just(UTC)),
    FieldKind.REF: st.integers(MIN_INTEGER, MAX_INTEGER),
    FieldKind.LIST: TEXTS.map(lambda text: text.replace("|", "/")),
}


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    """Draw a clause that parse would accept."""
    name = draw(st.sampled_from(sorted(FIELDS)))
    kind = FIELDS[name]
    operators = operators_of(kind, has_history=True)
    op = draw(st.sampled_from(sorted(operators)))
    if op in OTHER_FIELD_OPERATORS.get(kind, ()) and draw(st.booleans()):
        return Clause(name, op, OtherField(draw(st.sampled_from([other for other in FIELDS if FIELDS[other] is kind]))))
    match operators[op]:
        case Operand.NONE:
            return Clause(name, op)
        case Operand.ONE:
            return Clause(name, op, draw(SCALARS[kind]))
        case Operand.RANGE:
            return Clause(name, op, tuple(sorted(draw(st.tuples(SCALARS[kind], SCALARS[kind])))))
        case Operand.LIST:
            return Clause(name, op, tuple(draw(st.lists(SCALARS[kind], min_size=1, max_size=3))))


def groups(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Combine conditions."""
    items = st.lists(inner, max_size=3).map(tuple)
    return st.builds(All, items) | st.builds(Any_, items) | st.builds(Not, inner)


NAMES = (
    st.sampled_from(["状态", "a b", "and", "是", "在{", "qty", "x1", "not", "", " 空", "all", "a.b", "1", "为空", "\n"])
    | TEXTS
)


@settings(max_examples=int(os.environ.get("QTRACE_TEST_EXAMPLES", "300")), deadline=None, database=None)
@given(
    condition=st.recursive(clauses(), groups, max_leaves=6),
    names=st.just(list(LABELS.values())) | st.lists(NAMES, min_size=len(FIELDS), max_size=len(FIELDS)),
    language=st.sampled_from(["zh", "en"]),
    zone=st.sampled_from([UTC, ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")]),
)
def test_a_condition_survives_being_written(
    condition: Condition, names: list[str], language: str, zone: tzinfo
) -> None:
    labels = dict(zip(FIELDS, names, strict=True))
    text = write_text(condition, labels, language, zone)
    assert parse_text(text, FIELDS, labels, has_history=True) == condition
