"""Running cases move to a newer version after a look, each by itself; what has no place there stays."""

import re
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.flows.default import default_definition
from qtrace.flows.definition import Definition
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance
from qtrace.flows.versions import add_version
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from tests.conftest import NOW, Browser, log_in, user_id


@pytest.fixture
def lead(app: Flask) -> Browser:
    """The quality lead, who keeps the flows."""
    return log_in(app, "quality_lead")


def publish(definition: Definition) -> None:
    """Store the next version of the flow of issues."""
    with write():
        add_version(definition, by=user_id("quality_lead"), now=NOW)


def new_issue(browser: Browser, title: str) -> str:
    """Record an issue and return its number."""
    terms = {row.code: str(row.id) for row in db.session.execute(select(Term.code, Term.id))}
    sent = {"title": title, "type": terms["leaking"], "severity": terms["major"], "again": "1"}
    answer = browser.post("/issues", sent)
    assert answer.status_code == 303, answer.text
    db.session.remove()
    return answer.headers["Location"].rpartition("/")[2]


def submit(browser: Browser, number: str) -> None:
    """Hand the issue on to the next stage."""
    page = browser.get(f"/issues/{number}").text
    version = re.search(r'name="version" value="(\d+)"', page[page.index("decisions") :])
    assert version
    answer = browser.post(f"/issues/{number}/decisions", {"verdict": "submit", "version": version[1], "note": "好"})
    assert answer.status_code == 303, answer.text


def instance_of(number: str) -> FlowInstance:
    """Return the flow of an issue."""
    db.session.remove()
    issue = select(Issue.id).where(Issue.number == number).scalar_subquery()
    return db.session.scalars(
        select(FlowInstance).where(FlowInstance.subject_kind == "issue", FlowInstance.subject_id == issue)
    ).one()


def version_of(number: str) -> tuple[str, int]:
    """Return the key and the version an issue's flow runs on."""
    definition = instance_of(number).definition_id
    row = db.session.get_one(FlowDefinition, definition)
    return row.key, row.version


def test_cases_move_where_their_step_still_is_and_the_others_say_why(lead: Browser) -> None:
    first, second = new_issue(lead, "瓶盖漏液"), new_issue(lead, "少发一件")
    submit(lead, second)
    flow = default_definition()
    assert instance_of(second).node == "triage"
    publish(replace(flow, nodes=(flow.nodes[0], *(replace(one, due_minutes=960) for one in flow.nodes[2:]))))
    page = lead.get("/flows/quality_issue/move").text
    can, cannot = page[page.index('id="can"') : page.index('id="cannot"')], page[page.index('id="cannot"') :]
    assert "瓶盖漏液" in can and "第 1 版 · 录入与分类" in can
    assert "少发一件" in cannot and "新版本里没有节点「定责」" in cannot
    assert "去掉了办理" in page and "<ins>2 个工作日</ins>" in page
    cases = [str(instance_of(number).id) for number in (first, second)]
    answer = lead.post("/flows/quality_issue/moves", {"case": cases})
    assert answer.status_code == 422 and "换了 1 件" in answer.text
    moved, stayed = instance_of(first), instance_of(second)
    assert (moved.node, stayed.node) == ("record", "triage")
    assert (version_of(first), version_of(second)) == (("quality_issue", 2), ("quality_issue", 1))
    row = db.session.scalars(select(FlowDecision).where(FlowDecision.instance_id == moved.id)).all()[-1]
    assert (row.verdict, row.version, row.note) == ("migrate", moved.version, "第 1 版 → 第 2 版")
    submit(lead, first)
    assert instance_of(first).node == "investigate"
    tasks = select(Task.node).where(
        Task.subject_kind == "issue", Task.subject_id == moved.subject_id, Task.state == "open"
    )
    assert "investigate" in db.session.scalars(tasks).all()
    assert "换到流程的第 2 版" in lead.get(f"/issues/{first}").text


def test_what_moved_or_ended_meanwhile_is_told_and_nothing_is_ticked_by_force(sqlite_app: Flask) -> None:
    lead = log_in(sqlite_app, "quality_lead")
    number = new_issue(lead, "瓶盖漏液")
    publish(replace(default_definition(), withdrawal="never"))
    case = str(instance_of(number).id)
    assert lead.post("/flows/quality_issue/moves", {}).status_code == 422
    assert lead.post("/flows/quality_issue/moves", {"case": [case]}).status_code == 303
    again = lead.post("/flows/quality_issue/moves", {"case": [case, "999999"]})
    assert again.status_code == 422 and "刚刚已经换到新版本" in again.text and "没有在旧版本上进行的了" in again.text
    assert lead.post("/flows", {"template": "recall", "name": "召回", "publish": "1"}).status_code == 303
    assert lead.post("/flows/recall/moves", {"case": [case]}).status_code == 422
    assert version_of(number)[0] == "quality_issue"
