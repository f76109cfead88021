"""Kinds that compare fields with each other, and those whose whole meaning is a condition."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from qtrace.conditions.evaluate import evaluate
from qtrace.conditions.tree import Condition
from qtrace.rules.kinds.saying import NUMBERS, TEXTS, TIMES, as_number, fault, plain, told
from qtrace.sdk.rules import Fault, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

OPERATORS: Mapping[str, Text] = {
    "eq": Text("等于", "equal to"), "ne": Text("不等于", "different from"), "lt": Text("小于", "less than"),
    "le": Text("不大于", "at most"), "gt": Text("大于", "more than"), "ge": Text("不小于", "at least"),
}  # fmt: skip
OF_TIME: Mapping[str, Text] = {
    "eq": Text("等于", "the same as"), "ne": Text("不同于", "different from"), "lt": Text("早于", "before"),
    "le": Text("不晚于", "not after"), "gt": Text("晚于", "after"), "ge": Text("不早于", "not before"),
}  # fmt: skip


def compares(sign: str, left: object, right: object) -> bool:
    """Say whether two values of one type stand to each other as the sign says."""
    if sign in ("eq", "ne"):
        return (left == right) is (sign == "eq")
    less = cast(Decimal, left) < cast(Decimal, right)
    more = cast(Decimal, right) < cast(Decimal, left)
    return {"lt": less, "le": not more, "gt": more, "ge": not less}[sign]


def compare(case: RuleCase) -> Sequence[Fault]:
    """Find two fields that do not stand to each other as they should; nothing is said while one is empty."""
    name = case.text("other")
    value, other = case.value, case.values.get(name)
    shift = case.number("shift") or Decimal(0)
    if isinstance(value, datetime) and isinstance(other, datetime):
        words, shown = OF_TIME, (told(value, case.holds, case.zone), told(other, case.holds, case.zone))
        left, right = cast(object, value), cast(object, other + timedelta(days=float(shift)))
    elif (number := as_number(value)) is not None and (against := as_number(other)) is not None:
        words, shown = OPERATORS, (plain(number), plain(against))
        left, right = number, against + shift
    elif isinstance(value, str) and isinstance(other, str) and other:
        words, shown, left, right = OPERATORS, (plain(value), plain(other)), value, other
    else:
        return ()
    sign = case.text("op")
    if compares(sign, left, right):
        return ()
    unit = ("天", " days") if words is OF_TIME else ("", "")
    sum_zh, sum_en = (f" {'+' if shift > 0 else '-'} {plain(abs(shift))}{one}" if shift else "" for one in unit)
    label, against_label = case.label, case.label_of(name)
    return fault(
        "「%(zh)s」应%(sign_zh)s「%(other_zh)s」%(sum_zh)s:现在是 %(left)s 和 %(right)s。请核对这两项。",
        "“%(en)s” must be %(sign_en)s “%(other_en)s”%(sum_en)s: now %(left)s and %(right)s. Please check both.",
        zh=label.zh, en=label.en, other_zh=against_label.zh, other_en=against_label.en, sign_zh=words[sign].zh,
        sign_en=words[sign].en, left=shown[0], right=shown[1], sum_zh=sum_zh, sum_en=sum_en,
    )  # fmt: skip


def condition(case: RuleCase) -> Sequence[Fault]:
    """Find a record of which the condition is not true."""
    holds = cast(Condition, case.options["holds"])
    if evaluate(holds, case.values, case.earlier):
        return ()
    return fault(
        "填写的内容互相矛盾,不符合规则的条件。请核对后修改。",
        "The answers do not fit the condition of a rule. Please check them.",
    )


KINDS = (
    RuleKind(
        key="compare", name=Text("和另一个字段比", "Compare two fields"), family="logic", fits=NUMBERS | TIMES | TEXTS, judge=compare,
        hint=Text("例如不良数不大于检查数,到期日晚于生产日期。", "For example bad at most checked, expiry after production."),
        options=(
            RuleOption(name="op", kind="choice", label=Text("应该", "Must be"), required=True, choices=tuple(OPERATORS.items())),
            RuleOption(name="other", kind="field", label=Text("哪个字段", "Which field"), required=True, fits=NUMBERS | TIMES | TEXTS),
            RuleOption(name="shift", kind="number", label=Text("再加上(日期按天)", "Plus (days for dates)"), hint=Text("可以是负数", "May be negative")),
        ), words="比较 大于 小于 早于 晚于 两个字段",
    ),
    RuleKind(
        key="condition", name=Text("自定义条件", "Own condition"), family="logic", judge=condition, judges_missing=True,
        hint=Text("写下必须成立的条件和不成立时的提示。", "A condition that must hold, and what is said when it does not."),
        options=(RuleOption(name="holds", kind="condition", label=Text("必须成立", "Must hold"), required=True),),
        words="自由 组合 且 或 condition",
    ),
)  # fmt: skip
