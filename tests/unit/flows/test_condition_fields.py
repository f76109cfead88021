"""Branches ask issues and complaints what they are, in the words of the editor of conditions."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.flows.company import CompanyFacts
from qtrace.flows.condition_fields import groups_of, labels_of, setup_of
from qtrace.flows.definition import Branch, Definition, Node, Tree
from qtrace.flows.doubts import doubts
from qtrace.flows.facts import Holds
from tests.conftest import NOW
from tests.factories.issues import make_issue


@pytest.fixture(autouse=True)
def asked(sqlite_app: Flask) -> Iterator[None]:
    """A request, so that labels have a language."""
    with sqlite_app.test_request_context():
        yield


def flow(condition: object) -> Definition:
    """Return a flow with one branch that asks this."""
    ways = (Branch("yes", "是", "Yes", condition), Branch("no", "否", "No"))
    return Definition(
        "asks", 1, (Node("start", "start", "发起", "Start"), Node("split", "branch", "分", "S", branches=ways))
    )


def holds(subject: tuple[str, int], field: str, op: str, value: object = None) -> bool:
    """Say whether a branch with this condition is taken."""
    condition = {"field": field, "op": op} | ({} if value is None else {"value": value})
    facts = CompanyFacts(Tree(flow(condition)), subject, None, None)
    return bool(facts.answer(Holds("split", "yes")))


def test_an_issue_is_asked_by_the_fields_of_its_form() -> None:
    grave = db.session.scalars(select(Term.id).where(Term.kind == "severity", Term.code == "critical")).one()
    issue = ("issue", make_issue(severity_id=grave).id)
    assert holds(issue, "severity", "eq", grave)
    assert not holds(issue, "severity", "ne", grave)
    (group,) = groups_of("quality_issue")
    assert (group.name, labels_of([group])["severity"]) == ("质量问题", "严重程度")


def test_a_complaint_is_asked_by_its_amount_in_yuan() -> None:
    with write() as session:
        row = Complaint(
            number="CP-1",
            source_kind="staff",
            occurred_at=NOW,
            created_at=NOW,
            amount_minor=20050,
            safety=True,
            text="过敏",
        )
        session.add(row)
        session.flush()
        complaint = ("complaint", row.id)
    assert holds(complaint, "amount", "gt", 200)
    assert not holds(complaint, "amount", "gt", "200.5")
    assert holds(complaint, "safety", "is_true")
    assert holds(complaint, "text", "contains", "过敏")


def test_the_editor_keeps_a_field_it_does_not_know() -> None:
    groups = groups_of("asks")
    condition = {"all": [{"field": "amount", "op": "gt", "value": 1}, {"field": "gone", "op": "is_true"}]}
    assert "gone" in setup_of(groups, condition, "c").kinds
    assert list(doubts(flow(condition), groups)) == ["split.yes"]
