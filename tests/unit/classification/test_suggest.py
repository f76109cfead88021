"""Suggestions come from rules alone and say which ones."""

import json
from pathlib import Path

import pytest

from qtrace import classification
from qtrace.classification.suggest import Rule, Suggestion, classify, ready, word_condition, words_of
from qtrace.conditions.tree import ConditionError

LEAK = ready("漏液", word_condition(["漏液", "渗漏"]), {"type": "leaking", "severity": "major"})
SAFE = ready("安全", word_condition(["过敏"]), {"type": "allergy", "safety": True})
LOW = ready(
    "差评", {"field": "stars", "op": "le", "value": 1}, {"severity": "critical", "responsible_party": "supplier"}
)


def shipped() -> list[Rule]:
    """Return the shipped rules."""
    path = Path(classification.__file__).parent / "rules.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [ready(row["name_zh"], word_condition(row["words"]), row["sets"]) for row in rows]


def test_the_first_rule_that_sets_a_part_wins() -> None:
    found = classify({"text": "漏液", "stars": 1}, [LEAK, LOW], default={})
    assert found.codes == {"type": "leaking", "severity": "major", "responsible_party": "supplier"}
    assert found.reasons == ("漏液", "差评")


def test_any_rule_may_raise_safety() -> None:
    found = classify({"text": "漏液,还过敏了"}, [LEAK, SAFE], default={})
    assert (found.codes["type"], found.safety, found.reasons) == ("leaking", True, ("漏液", "安全"))


def test_a_rule_that_adds_nothing_is_no_reason() -> None:
    assert classify({"text": "渗漏"}, [LEAK, LEAK], default={}).reasons == ("漏液",)


def test_the_default_fills_what_no_rule_said() -> None:
    found = classify({"text": "物流慢"}, [LEAK], default={"type": "unclassified", "severity": "minor"})
    assert found == Suggestion({"type": "unclassified", "severity": "minor"}, False, ())


def test_the_reason_a_buyer_ticked_counts_like_the_words() -> None:
    assert classify({"raw_reason": "包装破损/渗漏"}, [LEAK], default={}).codes["type"] == "leaking"


def test_a_missing_text_matches_nothing() -> None:
    assert classify({"text": None, "raw_reason": ""}, [LEAK, SAFE, LOW], default={}) == Suggestion()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("瓶盖松了,外盒浸湿一大片", "leaking"),
        ("第二天起了一片红疹,皮肤过敏了", "allergy"),
        ("里面有头发丝", "foreign_matter"),
        ("主袋拉链是坏的", "broken_zip"),
        ("纸箱被压扁了", "crushed"),
        ("和图片色差明显", "colour_differs"),
        ("尺码偏小,M码穿着像S码", "size_differs"),
        ("少发了一件", "missing"),
        ("发错货", "wrong_item"),
        ("穿了一次就起球", "pilling"),
        ("物流太慢了", "late_delivery"),
        ("不想要了", "buyer_reason"),
        ("质量问题", "product_defect"),
    ],
)
def test_the_shipped_rules_know_what_buyers_write(said: str, expected: str) -> None:
    assert classify({"text": said}, shipped(), default={}).codes["type"] == expected


def test_praise_is_not_classified() -> None:
    assert classify({"text": "很喜欢,会回购,质地清爽"}, shipped(), default={}) == Suggestion()


def test_a_rule_of_words_gives_its_words_back() -> None:
    assert words_of(word_condition(["漏液", "渗漏"])) == ["漏液", "渗漏"]


@pytest.mark.parametrize(
    "condition", [{"all": []}, {"any": []}, {"any": [{"field": "text"}]}, {"any": 3}, [], None, {}]
)
def test_other_conditions_are_no_rule_of_words(condition: object) -> None:
    assert words_of(condition) == []


def test_a_wrong_condition_is_refused_with_its_place() -> None:
    with pytest.raises(ConditionError) as refused:
        ready("x", {"any": [{"field": "weather", "op": "eq", "value": "rain"}]}, {})
    assert refused.value.path == "any[0].field"
