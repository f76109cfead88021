"""Verbs on issues."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.events import record, timeline
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide
from qtrace.issues.models import Issue
from qtrace.issues.service import assign_owner, classify_issue, edit_issue
from tests.conftest import NOW, user_id
from tests.unit.issues.conftest import Goods


def event_of(issue: Issue, name: str) -> dict[str, object]:
    """Return the body of the newest event of this name."""
    return next(event.body for event in timeline("issue", issue.id) if event.name == name)


def test_a_new_issue_has_a_number_a_stage_a_due_time_and_an_event(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue(by="customer_service")
    assert issue.number == "QI-2611-0001"
    assert (issue.status, issue.stage, issue.owner_id) == ("open", "record", user_id("customer_service"))
    assert issue.due_at is not None
    assert issue.due_at > NOW
    assert event_of(issue, "issue_opened")["number"] == issue.number


def test_an_issue_without_a_title_is_named_after_type_and_article(
    open_issue: Callable[..., Issue], goods: Goods
) -> None:
    issue = open_issue(title="", type_id=goods.terms["t_leak"], sku_id=goods.sku)
    assert issue.title == "测试漏液 · 玫瑰精华液 30ml"


def test_an_edit_says_old_and_new(open_issue: Callable[..., Issue], goods: Goods) -> None:
    issue = open_issue()
    with write():
        assert edit_issue(
            issue.id,
            {"title": "瓶盖漏液", "lot_id": goods.lot},
            expected_version=1,
            by=user_id("quality_lead"),
            now=NOW,
        )
    body = event_of(issue, "issue_changed")
    assert body["title"] == {"old": "瓶盖漏液,外包装浸湿", "new": "瓶盖漏液"}
    assert body["lot_id"] == {"old": None, "new": goods.lot}
    assert db.session.get_one(Issue, issue.id).version == 2


def test_an_edit_that_changes_nothing_leaves_no_trace(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    with write():
        assert not edit_issue(issue.id, {"title": issue.title}, expected_version=1, by=user_id("quality_lead"), now=NOW)
    assert all(event.name != "issue_changed" for event in timeline("issue", issue.id))


def test_of_two_editors_one_wins_and_the_other_is_told_what_changed(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    with write():
        edit_issue(issue.id, {"title": "瓶盖裂"}, expected_version=1, by=user_id("inspector"), now=NOW)
    with pytest.raises(Conflict) as caught, write():
        edit_issue(issue.id, {"title": "泵头裂"}, expected_version=1, by=user_id("quality_lead"), now=NOW)
    assert "李工" in caught.value.message
    assert "标题" in caught.value.message
    assert db.session.get_one(Issue, issue.id).title == "瓶盖裂"


def test_fields_of_the_flow_are_not_edited(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    with pytest.raises(ValueError, match="status"), write():
        edit_issue(issue.id, {"status": "closed"}, expected_version=1, by=user_id("quality_lead"), now=NOW)


def test_a_new_classification_is_its_own_event(open_issue: Callable[..., Issue], goods: Goods) -> None:
    issue = open_issue()
    with write():
        classify_issue(
            issue.id, {"severity_id": goods.terms["s_severe"]}, expected_version=1, by=user_id("quality_lead"), now=NOW
        )
    assert event_of(issue, "issue_classified")["severity_id"] == {"old": None, "new": goods.terms["s_severe"]}


def test_handing_over_moves_the_todo_of_the_stage_too(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    with write():
        assign_owner(issue.id, owner_id=user_id("inspector"), by=user_id("quality_lead"), note="请看", now=NOW)
    assert db.session.get_one(Issue, issue.id).owner_id == user_id("inspector")
    names = [event.name for event in timeline("issue", issue.id)]
    assert "task_transferred" in names


def test_a_person_who_left_is_refused_as_owner(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    with write() as session:
        session.get_one(User, user_id("inspector")).active = False
    with pytest.raises(Refused), write():
        assign_owner(issue.id, owner_id=user_id("inspector"), by=user_id("quality_lead"), note="", now=NOW)


def test_the_issue_follows_its_flow(app: Flask, open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    case = Case(("issue", issue.id), issue.title, f"/issues/{issue.number}", None, None)
    with write() as session:
        lead = session.get_one(User, user_id("quality_lead"))
        decide(case, verdict="submit", expected_version=1, by=lead, now=NOW + timedelta(hours=1))
    moved = db.session.get_one(Issue, issue.id)
    assert moved.stage == "triage"
    assert moved.version == 1
    with write() as session:
        lead = session.get_one(User, user_id("quality_lead"))
        decide(case, verdict="terminate", expected_version=2, by=lead, now=NOW + timedelta(hours=2), note="重复登记")
    ended = db.session.get_one(Issue, issue.id)
    assert (ended.status, ended.due_at) == ("terminated", None)
    assert ended.closed_at == NOW + timedelta(hours=2)


def test_the_end_of_the_flow_closes_and_reopening_opens(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    with write():
        record("flow_closed", subject=("issue", issue.id), by=None, now=NOW)
    assert db.session.get_one(Issue, issue.id).status == "closed"
    with write():
        record("flow_reopened", subject=("issue", issue.id), by=None, now=NOW, body={"node": "investigate"})
    opened = db.session.get_one(Issue, issue.id)
    assert (opened.status, opened.stage, opened.closed_at) == ("open", "investigate", None)
