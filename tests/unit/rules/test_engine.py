"""The engine: order, conditions, what changes the form, sub-tables, levels and speed."""

import time
from decimal import Decimal
from typing import Any

import pytest

from qtrace.conditions.formula import parse_formula
from qtrace.conditions.formula_values import Kind, Type
from qtrace.conditions.tree import Clause
from qtrace.rules.engine import AsBefore, Assigned, Computed, CopyOf, Rule, check, effects_of
from qtrace.sdk.text import Text
from tests.factories.rules import found, rule, subject

BAD = Clause("ok", "is_false")
ROWS = ({"part": "泵头", "share": Decimal(60)}, {"part": None, "share": Decimal(140)})


def test_findings_come_in_the_order_of_the_rules_with_their_levels() -> None:
    rules = [
        rule("range", "qty", id=1, options={"max": 5}, level="info"),
        rule("integer", "qty", id=2, level="warn"),
        rule("required", "code", id=3),
    ]
    verdict = check(rules, subject({"qty": Decimal("6.5")}))
    assert [(one.rule_id, one.level, one.path) for one in verdict.findings] == [
        (1, "info", "qty"), (2, "warn", "qty"), (3, "block", "code"),
    ]  # fmt: skip
    assert [one.needs_reason for one in verdict.findings] == [False, True, False]
    assert [one.rule_id for one in verdict.of_level("block")] == [3]


def test_a_rule_is_asked_only_where_its_condition_holds() -> None:
    asked = rule("required", "code", when=BAD)
    assert check([asked], subject({"ok": True})).findings == ()
    assert len(check([asked], subject({"ok": False})).findings) == 1


def test_a_condition_may_ask_what_has_been() -> None:
    asked = rule("required", "code", when=Clause("name", "changed_from", "open"))
    assert check([asked], subject({"name": "done"})).findings == ()
    assert len(check([asked], subject({"name": "done"}, earlier={"name": ["open"]})).findings) == 1


def test_the_authors_message_replaces_the_kinds_in_its_language_only() -> None:
    [finding] = check([rule("required", "code", message=Text("请填批号", ""))], subject({})).findings
    assert finding.message == Text("请填批号", "Please fill in “Lot number”.")


def test_a_rule_on_a_column_is_asked_of_every_row_and_says_which() -> None:
    rules = [rule("required", "rows.part", id=1), rule("range", "rows.share", id=2, options={"max": 100})]
    verdict = check(rules, subject({"rows": ROWS}))
    assert [(one.path, one.field) for one in verdict.findings] == [("rows.1.part", "rows"), ("rows.1.share", "rows")]


def test_the_condition_of_a_column_sees_its_own_row() -> None:
    asked = rule("required", "rows.part", when=Clause("rows.share", "gt", 100))
    assert [one.path for one in check([asked], subject({"rows": ROWS})).findings] == ["rows.1.part"]
    assert check([asked], subject({"rows": ({"part": None, "share": Decimal(1)},)})).findings == ()


def test_what_is_hidden_is_neither_judged_nor_seen_by_other_rules() -> None:
    rules = [
        rule("show", "code", id=1, when=BAD), rule("required", "code", id=2),
        rule("required", "name", id=3, when=Clause("code", "not_empty")),
    ]  # fmt: skip
    verdict = check(rules, subject({"ok": True, "code": "B1"}))
    assert verdict.findings == ()
    assert verdict.effects.hidden == {"code": False}
    assert "code" not in verdict.effects.values
    assert verdict.effects.required == frozenset()
    assert [one.rule_id for one in check(rules, subject({"ok": False})).findings] == [2]


def test_hiding_follows_through_a_chain_whatever_the_order() -> None:
    rules = [
        rule("hide", "name", when=Clause("code", "is_empty")), rule("hide", "code", when=Clause("ok", "is_true")),
    ]  # fmt: skip
    assert set(effects_of(rules, subject({"ok": True, "code": "B1", "name": "x"})).hidden) == {"name", "code"}


def test_fields_that_hide_each_other_come_to_an_end() -> None:
    rules = [
        rule("hide", "name", when=Clause("code", "not_empty")),
        rule("hide", "code", when=Clause("name", "not_empty")),
    ]
    effects_of(rules, subject({"code": "B1", "name": "x"}))


def test_a_hidden_value_is_kept_as_it_was_when_the_rule_says_so() -> None:
    rules = [rule("hide", "code", options={"keep": True})]
    effects = effects_of(rules, subject({"code": "new"}, before={"code": "old"}))
    assert effects.hidden == {"code": True}
    assert effects.values["code"] == "old"


def test_values_are_given_in_order_and_seen_by_the_rules_that_follow() -> None:
    double = parse_formula("qty * 2", {"qty": Type(Kind.NUMBER)})
    rules = [
        rule("set", "code", id=1, options={"value": Assigned("B1", "B1")}),
        rule("set", "name", id=2, options={"from": "code"}),
        rule("set", "checked", id=3, options={"formula": double}),
        rule("clear", "code", id=4),
        rule("readonly", "qty", id=5),
        rule("range", "checked", id=6, options={"max": 5}),
    ]
    verdict = check(rules, subject({"qty": Decimal(3)}, before={"qty": Decimal(1)}))
    assert verdict.effects.steps == (
        ("code", Assigned("B1", "B1")), ("name", CopyOf("code")), ("checked", Computed(Decimal(6))), ("code", None),
        ("qty", AsBefore()),
    )  # fmt: skip
    assert verdict.effects.values["name"] == "B1"
    assert verdict.effects.values["qty"] == Decimal(1)
    assert [one.rule_id for one in verdict.findings] == [6]


def test_a_value_is_set_only_where_there_is_none_when_the_rule_says_so() -> None:
    asked = rule("set", "code", options={"value": Assigned("B1", "B1"), "only_empty": True})
    assert effects_of([asked], subject({"code": "B9"})).steps == ()
    assert effects_of([asked], subject({"code": ""})).steps != ()


def test_a_formula_that_cannot_be_worked_out_sets_nothing_and_as_a_check_says_why() -> None:
    divided = parse_formula("qty / checked", {"qty": Type(Kind.NUMBER), "checked": Type(Kind.NUMBER)})
    values = {"qty": Decimal(1), "checked": Decimal(0)}
    assert effects_of([rule("set", "size", options={"formula": divided})], subject(values)).steps == ()
    tested = parse_formula("qty / checked < 1", {"qty": Type(Kind.NUMBER), "checked": Type(Kind.NUMBER)})
    [finding] = found("formula", "", values, {"formula": tested})
    assert "算不出来" in finding.message.zh


def test_two_narrowings_leave_what_both_leave() -> None:
    rules = [
        rule("filter_options", "tags", options={"values": ("a", "b")}),
        rule("filter_options", "tags", options={"values": ("b", "c")}),
    ]
    verdict = check(rules, subject({"tags": ("b",)}))
    assert verdict.effects.allowed == {"tags": frozenset({"b"})}
    assert verdict.findings == ()


def test_a_stage_gate_is_asked_only_when_its_stage_is_left() -> None:
    gate = {"stage": "close"}
    assert found("stage_gate", "code", {}, gate) == ()
    assert found("stage_gate", "code", {}, gate, leaving="triage") == ()
    assert len(found("stage_gate", "code", {}, gate, leaving="close")) == 1


@pytest.mark.parametrize("count", [50])
def test_fifty_rules_are_asked_in_less_than_five_milliseconds(count: int) -> None:
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        ("required", "code", {}), ("length", "code", {"max": 30}), ("regex", "code", {"pattern": r"B\d{4}-\d{2}"}),
        ("range", "qty", {"min": 0, "max": 100}), ("integer", "qty", {}), ("compare", "qty", {"op": "le", "other": "checked"}),
        ("checksum", "name", {"code": "ean13"}), ("show", "size", {}), ("column_unique", "rows", {"column": "part"}),
        ("not_future", "day", {}),
    ]  # fmt: skip
    rules: list[Rule] = [
        rule(kind, name, id=place, options=options, when=Clause("ok", "is_true"))
        for place, (kind, name, options) in enumerate(kinds * (count // len(kinds)))
    ]
    values = {
        "ok": True, "code": "B2409-17", "qty": Decimal(3), "checked": Decimal(20), "name": "6901234567892", "rows": ROWS * 10,
    }  # fmt: skip
    asked = subject(values)
    check(rules, asked)
    times = []
    for _round in range(20):
        start = time.perf_counter()
        check(rules, asked)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05, "a hang: the figure is 5 ms"
