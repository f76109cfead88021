"""Saying conditions in words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from qtrace.conditions.describe import describe
from qtrace.conditions.tree import (
    All,
    Any_,
    Clause,
    Condition,
    FieldKind,
    Not,
    Operand,
    OtherField,
    Value,
    operators_of,
)

LABELS = {
    "stars": "评分",
    "content": "内容",
    "paid": "已付款",
    "sent": "签收时间",
    "due": "承诺时间",
    "tags": "标签",
    "off": "折扣 100%",
}
LOW = Clause("stars", "le", 2)
SORE = Clause("content", "contains_any", ("过敏", "红肿"))
PAID = Clause("paid", "is_true")
EXAMPLES: dict[Operand, Value] = {Operand.NONE: None, Operand.ONE: 1, Operand.LIST: (1, 2), Operand.RANGE: (1, 2)}


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (All((LOW, SORE)), "评分 ≤ 2 且 内容 含 过敏 或 红肿"),
        (Any_((LOW, SORE)), "评分 ≤ 2 或 内容 含 过敏 或 红肿"),
        (All((Any_((LOW, PAID)), SORE)), "(评分 ≤ 2 或 已付款 为是) 且 内容 含 过敏 或 红肿"),
        (All((Any_((LOW,)), PAID)), "评分 ≤ 2 且 已付款 为是"),
        (Not(All((LOW, PAID))), "并非(评分 ≤ 2 且 已付款 为是)"),
        (All(()), "不限"),
        (Any_(()), "没有符合的情况"),
        (Clause("content", "not_in", ("好", "很好")), "内容 不是 好、很好"),
        (Clause("stars", "between", (1, Decimal("2.5"))), "评分 在 1 至 2.5 之间"),
        (Clause("sent", "gt", OtherField("due")), "签收时间 > 承诺时间"),
        (Clause("sent", "lt", datetime(2026, 11, 2, 8, tzinfo=UTC)), "签收时间 < 2026-11-02 08:00 UTC"),
        (Clause("off", "eq", "50%(x)s"), "折扣 100% 是 50%(x)s"),
        (Clause("unknown", "is_empty"), "unknown 为空"),
        (Clause("tags", "has_all", ("漏液", "破损")), "标签 有 漏液 且 破损"),
        (Clause("tags", "has_none", ("漏液", "破损")), "标签 没有 漏液、破损"),
        (Clause("stars", "has_never_been", 5), "评分 从未是 5"),
        (Clause("stars", "changed_from", 5), "评分 刚从 5 改为别的"),
    ],
)
def test_a_condition_is_a_plain_sentence(condition: Condition, sentence: str) -> None:
    assert describe(condition, LABELS) == sentence


@pytest.mark.parametrize("kind", FieldKind)
def test_every_operator_has_words(kind: FieldKind) -> None:
    for op, operand in operators_of(kind, has_history=True).items():
        assert describe(Clause("stars", op, EXAMPLES[operand]), LABELS).startswith("评分 ")


def test_the_words_are_translated() -> None:
    english = {"%(left)s 且 %(right)s": "%(left)s and %(right)s", "%(field)s 为是": "%(field)s is yes"}
    sentence = describe(All((LOW, PAID)), {"stars": "Stars", "paid": "Paid"}, lambda text: english.get(text, text))
    assert sentence == "Stars ≤ 2 and Paid is yes"


def test_the_caller_decides_how_values_look() -> None:
    names = {7: "李工"}
    assert describe(
        Clause("owner", "eq", 7), {"owner": "负责人"}, show=lambda _field, value: names[int(str(value))]
    ) == ("负责人 是 李工")
