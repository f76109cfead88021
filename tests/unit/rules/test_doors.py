"""Every door asks one function, and it leaves the answers as the rules say."""

from typing import Any

import pytest
from flask import Flask

from qtrace.core.db import write
from qtrace.forms.answers import Answers, read_answers
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.models import Form, FormVersion
from qtrace.forms.registry import FieldDefinition, Sent
from qtrace.rules.doors import Checked, Door, Held, check_answers
from qtrace.rules.models import Rule
from tests.conftest import NOW

DEFINITION = FormDefinition(
    (
        Section(
            "s", "检验", "Inspection",
            (
                FieldDefinition("lot", "text", "批号", "Lot", required=True),
                FieldDefinition("qty", "integer", "数量", "Quantity"),
                FieldDefinition("bad", "switch", "不合格", "Bad"),
                FieldDefinition("why", "text", "原因", "Why", required=True),
            ),
        ),
    )
)  # fmt: skip


@pytest.fixture(autouse=True)
def form(sqlite_app: Flask) -> Any:
    """A form of inspections with no rules yet, and a reader."""
    with write() as session:
        row = Form(key="inspection", name_zh="检验", name_en="Inspection", kind="inspection")
        session.add(row)
        session.flush()
        session.add(FormVersion(form_id=row.id, version=1, definition={}, published_at=NOW))
        form_id = row.id
    with sqlite_app.test_request_context():
        yield form_id


def add_rule(form_id: int, kind: str, field: str = "", **values: Any) -> int:
    """Store a rule and return its id."""
    with write() as session:
        rule = Rule(form_id=form_id, kind=kind, field=field, changed_at=NOW, **({"condition": None} | values))
        session.add(rule)
        session.flush()
        return rule.id


def checked(sent: dict[str, str], **more: Any) -> Checked:
    """Read what was sent and check it at the page door."""
    answers = read_answers(DEFINITION, Sent({name: [text] for name, text in sent.items()}))
    values: dict[str, Any] = {"door": Door.PAGE, "by": None, "now": NOW} | more
    return check_answers("inspection", DEFINITION, answers, **values)


GOOD = {"lot": "B2409-17", "qty": "3", "why": "漏液"}


def test_without_rules_answers_pass_as_they_are() -> None:
    assert checked(GOOD).ok
    assert checked(GOOD).answers.answers == {"lot": "B2409-17", "qty": 3, "bad": False, "why": "漏液"}


def test_a_blocking_rule_stops_with_its_message_at_the_field(form: int) -> None:
    add_rule(form, "range", "qty", options={"max": "5"})
    result = checked(GOOD | {"qty": "120"})
    assert not result.ok
    assert result.errors == {"qty": "「数量」至多 5,您填了 120。请核对后修改。"}


def test_the_authors_own_words_come_first(form: int) -> None:
    add_rule(form, "range", "qty", options={"max": "5"}, message_zh="最多 5 件,多的请分开登记。")
    assert checked(GOOD | {"qty": "6"}).errors == {"qty": "最多 5 件,多的请分开登记。"}


def test_a_warning_passes_with_a_reason_and_keeps_it(form: int) -> None:
    rule_id = add_rule(form, "range", "qty", options={"max": "5"}, level="warn")
    assert [one.finding.rule_id for one in checked(GOOD | {"qty": "6"}).unanswered] == [rule_id]
    result = checked(GOOD | {"qty": "6"}, reasons={str(rule_id): "整箱退回"})
    assert result.ok
    assert result.notes == {"qty": "「数量」至多 5,您填了 6。请核对后修改。 — 整箱退回"}


def test_a_warning_is_not_asked_again_about_a_value_that_stays(form: int) -> None:
    add_rule(form, "range", "qty", options={"max": "5"}, level="warn")
    held = Held(1, answers={"lot": "B2409-17", "qty": 6, "why": "漏液"})
    assert checked(GOOD | {"qty": "6"}, record=held).ok
    assert not checked(GOOD | {"qty": "7"}, record=held).ok


def test_a_connector_has_nobody_to_ask_so_a_warning_is_noted(form: int) -> None:
    add_rule(form, "range", "qty", options={"max": "5"}, level="warn")
    assert checked(GOOD | {"qty": "6"}, door=Door.CONNECTOR).ok
    assert not checked(GOOD | {"qty": "6"}, door=Door.EXCEL).ok


def test_a_hidden_field_is_dropped_with_its_errors_and_says_why(form: int) -> None:
    add_rule(form, "show", "why", condition={"field": "bad", "op": "is_true"})
    result = checked({"lot": "B2409-17", "why": ""})
    assert result.ok
    assert result.hidden == {"why"}
    typed = checked({"lot": "B2409-17", "why": "漏液"})
    assert "why" not in typed.answers.answers
    assert typed.dropped == {"why": "字段隐藏时不保存:看不见的值没有人能核对"}
    assert not checked({"lot": "B2409-17", "bad": "1"}).ok


def test_a_hidden_field_may_keep_its_old_value(form: int) -> None:
    add_rule(form, "hide", "why", options={"keep": True})
    held = Held(1, answers={"lot": "B2409-17", "why": "旧原因"})
    assert checked(GOOD | {"why": "新原因"}, record=held).answers.answers["why"] == "旧原因"


def test_a_read_only_field_keeps_its_old_value(form: int) -> None:
    add_rule(form, "readonly", "qty")
    held = Held(1, answers={"lot": "B2409-17", "qty": 3, "why": "漏液"})
    assert checked(GOOD | {"qty": "99"}, record=held).answers.answers["qty"] == 3
    assert "qty" not in checked(GOOD | {"qty": "99"}).answers.answers


def test_a_value_is_set_emptied_and_copied(form: int) -> None:
    add_rule(form, "set", "qty", options={"value": "1", "only_empty": True})
    add_rule(form, "set", "why", options={"from": "lot"}, condition={"field": "bad", "op": "is_true"})
    add_rule(form, "clear", "lot", condition={"field": "bad", "op": "is_true"})
    result = checked({"lot": "B2409-17", "why": "漏液", "bad": "1"})
    assert result.answers.answers["qty"] == 1
    assert result.answers.answers["why"] == "B2409-17"
    assert "lot" not in result.answers.answers


def test_a_rule_of_a_field_this_version_does_not_ask_is_not_asked(form: int) -> None:
    add_rule(form, "required", "gone")
    assert checked(GOOD).ok


def test_what_could_not_be_read_is_not_judged_twice(form: int) -> None:
    add_rule(form, "required", "qty")
    assert checked(GOOD | {"qty": "abc"}).errors["qty"] == "「abc」不是数字。请只填数字。"


def test_a_rule_of_the_whole_form_stands_at_no_field(form: int) -> None:
    add_rule(form, "condition", options={"holds": {"field": "qty", "op": "gt", "value": 5}})
    assert set(checked(GOOD).errors) == {""}


def test_answers_given_as_values_are_checked_as_well(form: int) -> None:
    add_rule(form, "required", "qty")
    result = check_answers("inspection", DEFINITION, Answers(answers={"lot": "B1"}), door=Door.API, by=None, now=NOW)
    assert set(result.errors) == {"qty"}
