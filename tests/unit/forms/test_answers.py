"""Answers are read against the definition, and nothing else is."""

import pytest
from flask import Flask

from qtrace.forms.answers import bind, read_answers, sent_from, shown
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.registry import FieldDefinition, Sent

FORM = FormDefinition(
    (
        Section(
            "s", "登记", "Record",
            (
                FieldDefinition("title", "text", "标题", "Title", required=True, column="title"),
                FieldDefinition("torque", "decimal", "扭矩", "Torque", options={"unit": "N·m", "digits": 1}),
                FieldDefinition("sure", "switch", "确认", "Sure", required=True),
            ),
        ),
        Section("more", "更多", "More", (FieldDefinition("note", "text", "备注", "Note"),), folded=True),
    )
)  # fmt: skip


@pytest.fixture(autouse=True)
def reader(sqlite_app: Flask) -> object:
    """Answers speak the reader's language."""
    with sqlite_app.test_request_context():
        yield


def test_values_go_to_columns_or_answers() -> None:
    read = read_answers(FORM, Sent({"title": ["漏液"], "torque": ["0.7"], "sure": ["1"]}))
    assert read.ok
    assert read.columns == {"title": "漏液"}
    assert read.answers == {"torque": "0.7", "sure": True}


def test_what_the_form_does_not_ask_is_ignored() -> None:
    sent = Sent({"title": ["漏液"], "sure": ["1"], "status": ["closed"], "owner_id": ["1"], "version": ["9"]})
    read = read_answers(FORM, sent)
    assert set(read.columns) == {"title"}
    assert set(read.answers) == {"sure"}


def test_every_wrong_field_is_named_and_the_right_ones_are_kept() -> None:
    read = read_answers(FORM, Sent({"torque": ["abc"], "note": ["好"]}))
    assert set(read.errors) == {"title", "torque", "sure"}
    assert read.answers == {"note": "好"}


def test_a_wrong_form_keeps_what_was_typed_and_leads_to_the_first_error() -> None:
    sent = Sent({"torque": ["abc"], "note": ["好"]})
    drawn = [field for section in bind(FORM, sent, {"torque": "不是数字"}) for field in section.fields]
    assert {field.field.id: field.value for field in drawn} == {"title": "", "torque": "abc", "sure": "", "note": "好"}
    assert [field.field.id for field in drawn if field.first_error] == ["torque"]


def test_a_folded_section_opens_when_something_is_in_it() -> None:
    assert [section.open for section in bind(FORM, Sent())] == [True, False]
    assert [section.open for section in bind(FORM, Sent({"note": ["好"]}))] == [True, True]


def test_known_values_fill_the_form_for_editing() -> None:
    sent = sent_from(FORM, {"title": "漏液"}, {"torque": "0.7", "sure": True})
    assert sent.values == {"title": ["漏液"], "torque": ["0.7"], "sure": ["1"]}


def test_answers_are_shown_with_their_units() -> None:
    assert [text for _field, text in shown(FORM, {"torque": "0.7", "sure": True})] == ["0.7 N·m", "是"]
