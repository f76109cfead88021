"""Decisions by forms alone: who wins, who is told what, and what stays when nothing is decided."""

import contextvars
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.flows.models import FlowDecision, StageSpan
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.issues import anew, decide_on, fresh, make_issue, version_of


@pytest.fixture(autouse=True)
def clock_stands(app: Flask) -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lead(login: Any) -> Browser:
    """王姐."""
    browser: Browser = login("quality_lead")
    return browser


def decisions() -> list[FlowDecision]:
    return list(fresh().scalars(select(FlowDecision).order_by(FlowDecision.id)))


def test_the_page_shows_the_box_and_the_stages(lead: Browser) -> None:
    issue = make_issue()
    page = lead.get(f"/issues/{issue.number}").text
    assert "提交,进入「定责」" in page
    assert 'name="version" value="1"' in page
    for stage in ("1 录入与分类", "2 定责", "3 查原因", "4 整改", "5 看效果"):
        assert stage in page


def test_a_decision_moves_the_issue_and_gives_the_next_to_do(lead: Browser) -> None:
    issue = make_issue(by="customer_service")
    answer = decide_on(lead, issue, note="照片齐全")
    assert (answer.status_code, answer.location) == (303, f"/issues/{issue.number}")
    moved = anew(Issue, issue.id)
    assert (moved.stage, moved.owner_id) == ("triage", user_id("quality_lead"))
    assert moved.due_at > NOW
    decision = decisions()[0]
    assert (decision.by, decision.node, decision.verdict, decision.note, decision.at) == (
        user_id("quality_lead"), "record", "submit", "照片齐全", NOW,
    )  # fmt: skip
    assert "定责:瓶盖漏液,外包装浸湿" in lead.get("/").text


def test_the_slower_decider_is_told_who_decided_what_and_nothing_is_saved(lead: Browser, login: Any) -> None:
    issue = make_issue()
    assert decide_on(lead, issue).status_code == 303
    answer = decide_on(login("admin"), issue, "terminate", note="重复登记", version=1)
    assert answer.status_code == 409
    assert "王姐 刚刚已对「录入与分类」作出决定:提交。" in answer.text
    assert "重复登记" in answer.text, "what was typed is kept"
    assert 'name="version" value="2"' in answer.text, "and the box is the one of now"
    assert anew(Issue, issue.id).status == "open"
    assert len(decisions()) == 1


def test_of_two_deciders_at_once_exactly_one_wins(app: Flask) -> None:
    issue = make_issue()
    people = [log_in(app, role) for role in ("quality_lead", "admin", "quality_lead", "admin")]
    barrier, codes = threading.Barrier(len(people)), []
    tokens = [person.token() for person in people]
    url, form = f"/issues/{issue.number}/decisions", {"version": version_of(issue.id), "verdict": "submit"}
    db.session.remove()

    def run(person: Browser, token: str) -> None:
        barrier.wait()
        codes.append(person.post(url, form, token=token).status_code)

    threads = [
        threading.Thread(target=contextvars.Context().run, args=(run, person, token))
        for person, token in zip(people, tokens, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [303, 409, 409, 409]
    assert anew(Issue, issue.id).stage == "triage"
    assert len(decisions()) == 1
    assert len(fresh().scalars(select(Task).where(Task.state == "open")).all()) == 1


def test_a_double_tap_decides_once_and_leads_to_the_same_page(lead: Browser) -> None:
    issue = make_issue()
    page = lead.get(f"/issues/{issue.number}").text
    box = page[page.index('id="decision"') :]
    submit_id = re.findall(r'name="submit_id" value="([^"]+)"', box)[0]
    answers = [decide_on(lead, issue, version=1, submit_id=submit_id) for _ in range(2)]
    assert [(answer.status_code, answer.location) for answer in answers] == [(303, f"/issues/{issue.number}")] * 2
    assert len(decisions()) == 1


def test_returning_needs_a_reason_and_an_earlier_stage(lead: Browser) -> None:
    issue = make_issue()
    assert decide_on(lead, issue, "return", note="缺照片").status_code == 422, "there is nothing before the first stage"
    decide_on(lead, issue)
    answer = decide_on(lead, issue, "return", target="record")
    assert answer.status_code == 422
    assert "退回需要填写原因" in answer.text
    assert decide_on(lead, issue, "return", target="verify", note="缺照片").status_code == 422
    assert decide_on(lead, issue, "return", target="record", note="缺照片").status_code == 303
    assert anew(Issue, issue.id).stage == "record"
    spans = fresh().scalars(select(StageSpan).order_by(StageSpan.id)).all()
    assert [(span.node, span.left_at is None) for span in spans] == [
        ("record", False),
        ("triage", False),
        ("record", True),
    ]


def test_reopening_goes_on_with_the_same_clocks(lead: Browser) -> None:
    issue = make_issue()
    decide_on(lead, issue)
    assert decide_on(lead, issue, "reopen", note="x").status_code == 422, "only what is closed is reopened"
    decide_on(lead, issue, "terminate", note="重复登记")
    assert anew(Issue, issue.id).status == "terminated"
    answer = decide_on(lead, issue, "submit")
    assert answer.status_code == 422
    spans = fresh().scalars(select(StageSpan)).all()
    assert all(span.left_at is not None for span in spans)


def test_an_unknown_verdict_and_a_broken_version_are_refused(lead: Browser) -> None:
    issue = make_issue()
    assert decide_on(lead, issue, "explode").status_code == 422
    for version in ("", "x", "9" * 30, "-1"):
        assert decide_on(lead, issue, version=version).status_code == 409, version
    assert decisions() == []


def test_a_foreign_department_finds_nothing_to_decide(lead: Browser, login: Any) -> None:
    department = db.session.get_one(User, user_id("quality_lead")).department_id
    issue = make_issue(department_id=department)
    browser = login("inspector")
    assert browser.get(f"/issues/{issue.number}").status_code == 404
    assert decide_on(browser, issue).status_code == 404
    assert decide_on(browser, issue, version=1).status_code == 404
    assert decisions() == []


def test_who_may_only_read_has_no_box_and_cannot_decide(login: Any) -> None:
    issue = make_issue()
    reader = login("owner")
    assert 'id="decision"' not in reader.get(f"/issues/{issue.number}").text
    assert decide_on(reader, issue).status_code == 403
    assert decisions() == []


def test_an_overdue_stage_is_shown_on_the_page_and_at_home(lead: Browser) -> None:
    issue = make_issue()
    due = anew(Issue, issue.id).due_at
    with time_machine.travel(due + timedelta(hours=3), tick=False):
        assert "超时 3 小时" in lead.get("/").text
        page = lead.get(f"/issues/{issue.number}").text
        assert "超时 3 小时" in page
        assert '<li class="late"' in page


def test_the_owner_of_the_stage_changes_with_its_to_do(lead: Browser) -> None:
    issue = make_issue()
    task = fresh().scalars(select(Task)).one()
    form = {"to": user_id("admin"), "version": task.version, "note": "休假"}
    assert lead.post(f"/tasks/{task.id}/transfer", form).status_code == 303
    assert anew(Issue, issue.id).owner_id == user_id("admin")
    assert "把待办转交给 管理员" in lead.get(f"/issues/{issue.number}").text
