"""What rules ask of other records is answered alike on both databases, for fields with a slot and without."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.issues.rule_facts import IssueFacts
from qtrace.issues.service import NewIssue, create_issue
from qtrace.records.rule_facts import RecordFacts
from qtrace.records.service import NewRecord, create_record
from qtrace.rules.facts import AskedForm
from tests.conftest import NOW, user_id
from tests.factories.forms import asked, make_form

FIELDS = [
    asked("code", "text", "批号", filterable=True), asked("note", "text", "备注"),
    asked("size", "decimal", "直径", digits=2), asked("qty", "integer", "数量", filterable=True),
]  # fmt: skip
FREE = {"same": {}, "since": None, "besides": None}


@pytest.fixture
def form(app: Flask) -> AskedForm:
    """A form with two records."""
    make_form(FIELDS, key="sizes", prefix="SZ")
    version, definition = current_definition("sizes")
    form_id = db.session.scalars(select(Form.id).where(Form.key == "sizes")).one()
    with write():
        for code, size, qty in (("B1", "0.70", 3), ("B2", "0.8", 5)):
            answers = {"code": code, "note": f"备注{code}", "size": size, "qty": qty}
            create_record(NewRecord(form_id, version, answers), by=user_id("quality_lead"), now=NOW)
    return AskedForm(form_id, "sizes", "record", definition)


@pytest.mark.parametrize(
    ("name", "value", "is_there"),
    [("code", "B1", True), ("code", "B3", False), ("note", "备注B2", True), ("note", "备注", False),
     ("size", Decimal("0.7"), True), ("size", Decimal("0.9"), False), ("qty", Decimal(5), True)],
)  # fmt: skip
def test_a_record_with_the_value_is_found(form: AskedForm, name: str, value: object, is_there: bool) -> None:
    assert (RecordFacts().twin(form, name, value, **FREE) is not None) is is_there  # type: ignore[arg-type]


def test_recent_numbers_come_newest_first_and_exact(form: AskedForm) -> None:
    facts = RecordFacts()
    assert facts.recent_numbers(form, "qty", same={}, most=10, besides=None) == [Decimal(5), Decimal(3)]
    assert facts.recent_numbers(form, "size", same={}, most=10, besides=None) == [Decimal("0.8"), Decimal("0.70")]
    assert facts.recent_numbers(form, "qty", same={"code": "B1"}, most=10, besides=None) == [Decimal(3)]


def test_issues_answer_by_their_columns_and_their_further_answers(app: Flask) -> None:
    _version, definition = current_definition("issue")
    form = AskedForm(1, "issue", "issue", definition)
    with write():
        issue = create_issue(
            NewIssue(title="瓶盖漏液", answers={"source": "6919000045"}), by=user_id("quality_lead"), now=NOW
        )
        issue_id = issue.id
    facts = IssueFacts()
    assert facts.twin(form, "title", "瓶盖漏液", **FREE) is not None  # type: ignore[arg-type]
    assert facts.twin(form, "source", "6919000045", **FREE) is not None  # type: ignore[arg-type]
    assert facts.twin(form, "source", "6919000045", same={}, since=None, besides=issue_id) is None
    assert facts.history(form, issue_id) == {}
