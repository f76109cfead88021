"""The company's own taxonomy: names and order may change, what records say never gets lost."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.classification.merging import merge_term
from qtrace.classification.models import ClassificationRule, Term
from qtrace.classification.queries import ready_rules, terms_of
from qtrace.classification.rules import add_word_rule, edit_rule, switch_rule
from qtrace.classification.service import add_term, move_term, rename_term, switch_term
from qtrace.classification.suggest import classify, word_condition
from qtrace.complaints.models import Complaint, IntakeRule
from qtrace.conditions.tree import ConditionError
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.models import EventRow
from qtrace.issues.models import Issue, OpeningRule
from tests.conftest import NOW

BY = {"by": 1, "now": NOW}


def term(code: str, kind: str = "type") -> Term:
    """Return a term by its code."""
    return db.session.scalars(select(Term).where(Term.kind == kind, Term.code == code)).one()


def codes(parent: str) -> list[str]:
    """Return the codes beneath a term in their order."""
    top = term(parent).id
    return [row.code for row in terms_of("type") if row.parent_id == top]


def test_a_term_is_added_at_the_end_of_its_branch(app: Flask) -> None:
    parent = term("damage").id
    with write():
        new = add_term("type", "泡水", "Soaked", parent_id=parent, **BY)
    beneath = [row for row in terms_of("type") if row.parent_id == parent]
    assert (beneath[-1].id, beneath[-1].name_zh, beneath[-1].name_en) == (new, "泡水", "Soaked")


def test_a_name_is_taken_once_per_branch(app: Flask) -> None:
    parent = term("damage").id
    with pytest.raises(Refused, match="破损"), write():
        add_term("type", "破损", "", parent_id=parent, **BY)


@pytest.mark.parametrize("name", ["", "   "])
def test_a_term_needs_a_name(app: Flask, name: str) -> None:
    with pytest.raises(Refused), write():
        add_term("type", name, "", parent_id=None, **BY)


def test_a_third_level_is_refused(app: Flask) -> None:
    parent = term("leaking").id
    with pytest.raises(Refused), write():
        add_term("type", "大漏", "", parent_id=parent, **BY)


def test_an_unknown_tree_is_not_found(app: Flask) -> None:
    with pytest.raises(NotFound), write():
        add_term("weather", "雨", "", parent_id=None, **BY)


def test_a_new_name_keeps_the_code_and_is_recorded(app: Flask) -> None:
    row = term("leaking").id
    with write():
        rename_term(row, "漏液/渗漏", "Leak", **BY)
    assert term("leaking").name_zh == "漏液/渗漏"
    told = db.session.scalars(select(EventRow).where(EventRow.name == "term_renamed")).one()
    assert told.body["name_zh"] == {"old": "漏液", "new": "漏液/渗漏"}


def test_a_term_moves_among_its_siblings(app: Flask) -> None:
    row = term("crushed").id
    with write():
        move_term(row, up=True, **BY)
    assert codes("damage") == ["crushed", "broken", "bad_packaging"]
    with write():
        move_term(row, up=True, **BY)
    assert codes("damage") == ["crushed", "broken", "bad_packaging"]


def test_a_term_that_is_off_is_not_offered(app: Flask) -> None:
    row = term("crushed").id
    with write():
        switch_term(row, active=False, **BY)
    assert codes("damage") == ["broken", "bad_packaging"]


def test_merging_points_every_record_and_rule_to_the_other_term(app: Flask) -> None:
    old, new = term("leaking").id, term("broken").id
    with write() as session:
        session.add(Complaint(number="CP-1", source_kind="staff", occurred_at=NOW, created_at=NOW, type_id=old))
        session.add(Issue(number="QI-1", title="漏液", opened_at=NOW, type_id=old, signature=f"lot|7|{old}"))
        session.add(Issue(number="QI-2", title="别的", opened_at=NOW, type_id=new, signature=f"lot|{old}|{new}"))
    with write():
        assert merge_term(old, new, **BY) == 2
    assert not term("leaking").active
    assert db.session.scalars(select(Complaint.type_id)).one() == new
    issues = db.session.scalars(select(Issue).order_by(Issue.id)).all()
    assert [(row.type_id, row.signature) for row in issues] == [(new, f"lot|7|{new}"), (new, f"lot|{old}|{new}")]
    assert classify({"text": "漏液"}, ready_rules(), default={}).codes["type"] == "broken"
    told = db.session.scalars(select(EventRow).where(EventRow.name == "term_merged")).one()
    assert told.body["records"] == {"complaint.type_id": 1, "issue.type_id": 1}


def test_rules_of_other_packages_follow_a_merged_type(app: Flask) -> None:
    late, buyer, target = term("late_delivery").id, term("buyer_reason").id, term("unclassified").id
    with write():
        merge_term(late, target, **BY)
        merge_term(buyer, target, **BY)
    rule = db.session.scalars(select(IntakeRule).where(IntakeRule.key == "late_delivery")).one()
    assert rule.sets["type"] == "unclassified"
    assert all(row.condition.get("not_types", []) == [] for row in db.session.scalars(select(OpeningRule)))


@pytest.mark.parametrize(("code", "into"), [("damage", "broken"), ("damage", "leaking"), ("leaking", "leaking")])
def test_a_merger_that_breaks_the_tree_is_refused(app: Flask, code: str, into: str) -> None:
    old, new = term(code).id, term(into).id
    with pytest.raises(Refused), write():
        merge_term(old, new, **BY)


def test_a_term_merges_into_its_own_tree_only(app: Flask) -> None:
    old, new = term("leaking").id, term("critical", "severity").id
    with pytest.raises(Refused), write():
        merge_term(old, new, **BY)


def test_a_rule_of_words_stands_first(app: Flask) -> None:
    with write():
        add_word_rule("泵头", "泵头 按不出来、泵头", {"type": "malfunction", "severity": "", "safety": False}, **BY)
    found = classify({"text": "泵头漏液"}, ready_rules(), default={})
    assert (found.codes["type"], found.reasons[0]) == ("malfunction", "泵头")
    assert found.codes["severity"] == "major"


@pytest.mark.parametrize(("words", "sets"), [("", {"type": "leaking"}), ("漏", {}), ("漏", {"type": "nonsense"})])
def test_a_rule_without_words_or_result_is_refused(app: Flask, words: str, sets: dict[str, str]) -> None:
    with pytest.raises(Refused), write():
        add_word_rule("规则", words, sets, **BY)


def leaking() -> ClassificationRule:
    """Return the rule about leaks."""
    return db.session.scalars(select(ClassificationRule).where(ClassificationRule.key == "leaking")).one()


def test_a_rule_is_changed_and_switched(app: Flask) -> None:
    rule = leaking().id
    with write():
        edit_rule(rule, "漏", word_condition(["滴漏"]), {"type": "leaking"}, **BY)
        switch_rule(rule, enabled=False, **BY)
    assert (leaking().name_zh, leaking().sets, leaking().enabled) == ("漏", {"type": "leaking"}, False)


def test_a_wrong_condition_changes_nothing(app: Flask) -> None:
    rule, before = leaking().id, leaking().condition
    with pytest.raises(ConditionError), write():
        edit_rule(rule, "漏", {"field": "stars", "op": "contains", "value": 1}, {"type": "leaking"}, **BY)
    assert leaking().condition == before


def test_every_code_the_shipped_rules_set_exists(app: Flask) -> None:
    for rule in db.session.scalars(select(ClassificationRule)):
        for kind in ("type", "severity", "responsible_party"):
            if kind in rule.sets:
                assert term(rule.sets[kind], kind)
