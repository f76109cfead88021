"""The stage bar shows the way of one case, and the box says what fits into it."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.flows.definition import Tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.reading import parse_definition
from qtrace.flows.stages import next_stop, way_of
from qtrace.flows.starting import NewStart, set_start
from qtrace.flows.state import State, Token
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.flows import make_flow, node
from tests.factories.issues import decide_on, make_issue
from tests.functional.test_deciding import a_case


def split(kind: str = "branch", **more: Any) -> dict[str, Any]:
    condition = {"field": "amount", "op": "gt", "value": 1000}
    left = {
        "id": "big",
        "name_zh": "大额",
        "name_en": "Big",
        "condition": condition,
        "nodes": [node("boss", "approve", "owner")],
    }
    right = {"id": "else", "name_zh": "其他", "name_en": "Else", "nodes": [node("desk", "approve", "quality_lead")]}
    return {
        "id": "by_amount",
        "kind": kind,
        "name_zh": "按金额",
        "name_en": "By amount",
        "branches": [left, right],
    } | more


def tree(*middle: dict[str, Any]) -> Tree:
    nodes = [node("ask", "start"), *middle, node("note", "cc", "owner"), node("pay", "handle", "purchasing")]
    return Tree(parse_definition({"key": "k", "version": 1, "name_zh": "报", "name_en": "R", "nodes": nodes}))


def at(*visits: str, here: str = "") -> State:
    tokens = (Token(1, here, ()),) if here else ()
    return State("running", 1, visits=visits, tokens=tokens)


def way(found: Tree, state: State, *, running: bool = True) -> list[str]:
    return [one.id for one in way_of(found, state, running=running)]


def test_a_branch_that_may_still_be_taken_is_not_promised() -> None:
    assert way(tree(split()), at("ask", here="ask")) == ["ask", "pay"]


def test_only_the_branch_that_was_taken_is_shown() -> None:
    found = tree(split())
    assert way(found, at("ask", "by_amount", "boss", here="boss")) == ["ask", "boss", "pay"]
    assert way(found, at("ask", "by_amount", "desk", "note", "pay", here="pay")) == ["ask", "desk", "pay"]


def test_what_follows_in_the_taken_branch_is_shown_as_coming() -> None:
    longer = split()
    longer["branches"][0]["nodes"].append(node("chief", "approve", "owner"))
    assert way(tree(longer), at("ask", "by_amount", "boss", here="boss")) == ["ask", "boss", "chief", "pay"]


def test_branches_that_all_run_are_sure_to_come() -> None:
    both = split("parallel")
    for branch in both["branches"]:
        branch.pop("condition", None)
    assert way(tree(both), at("ask", here="ask")) == ["ask", "boss", "desk", "pay"]


def test_what_an_ended_case_never_came_to_is_left_out() -> None:
    assert way(tree(split()), at("ask", "by_amount", "boss"), running=False) == ["ask", "boss"]


@pytest.mark.parametrize(
    ("here", "comes"), [("ask", "by_amount"), ("boss", "pay"), ("desk", "pay"), ("by_amount", "pay"), ("pay", None)]
)
def test_where_a_case_stops_next_is_known_out_of_branches_too(here: str, comes: str | None) -> None:
    assert next_stop(tree(split()), here) == comes


SIGNED = {"permission": "record.read", "demands": {"signature": True}}


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    return log_in(sqlite_app, "quality_lead")


def an_issue(*nodes: dict[str, Any]) -> Issue:
    """Open an issue that goes through a start and these nodes."""
    make_flow("own", *nodes)
    with write():
        set_start(NewStart("own", "issue"), by=user_id("admin"), now=NOW)
    return make_issue()


def open_task(role: str = "quality_lead") -> Task:
    db.session.remove()
    mine = (Task.owner_id == user_id(role)) & (Task.state == "open") & (Task.kind == "stage")
    return db.session.scalars(select(Task).where(mine)).one()


def test_a_record_is_decided_from_the_to_do_where_more_than_a_note_is_asked(sqlite_app: Flask, lead: Browser) -> None:
    a_case(sqlite_app, node("lead", "approve", "quality_lead", **SIGNED))
    task = open_task()
    page = lead.get(db.session.scalars(select(FlowInstance.url)).one()).text
    assert "这一步要手写签名" in page and f'href="/tasks/{task.id}/decision"' in page
    assert 'name="verdict"' not in page


def test_an_issue_is_decided_from_the_to_do_where_more_than_a_note_is_asked(sqlite_app: Flask, lead: Browser) -> None:
    signed = node("sign", "approve", "quality_lead", **SIGNED | {"permission": "issue.decide"})
    issue = an_issue(signed, node("end", "handle", "quality_lead"))
    assert "提交,进入「sign」" in lead.get(f"/issues/{issue.number}").text
    assert decide_on(lead, issue).status_code == 303
    page = lead.get(f"/issues/{issue.number}").text
    assert (
        "这一步要手写签名" in page
        and f'href="/tasks/{open_task().id}/decision"' in page
        and 'name="verdict"' not in page
    )
    refused = decide_on(lead, issue)
    assert refused.status_code == 422 and "这一步要手写签名" in refused.text
    helper = log_in(sqlite_app, "admin").get(f"/issues/{issue.number}").text  # may end it, has no to-do to sign at
    assert "这一步要手写签名" in helper and 'value="submit"' not in helper and 'value="terminate"' in helper


def test_the_button_says_where_an_issue_goes_only_where_that_is_known(sqlite_app: Flask, lead: Browser) -> None:
    issue = an_issue(
        split(), node("end", "handle", "quality_lead", permission="issue.decide", demands={"opinion": True})
    )
    page = lead.get(f"/issues/{issue.number}").text
    assert "提交,进入" not in page and "确认有效,结案" not in page and ">提交</button>" in page
    assert "desk" not in page and "boss" not in page


def test_the_last_stage_closes_and_says_that_an_opinion_is_needed(sqlite_app: Flask, lead: Browser) -> None:
    issue = an_issue(node("end", "handle", "quality_lead", permission="issue.decide", demands={"opinion": True}))
    assert decide_on(lead, issue).status_code == 303
    page = lead.get(f"/issues/{issue.number}").text
    assert "确认有效,结案" in page and '的处理意见<span class="need">*</span>' in page
    assert decide_on(lead, issue).status_code == 422
    assert decide_on(lead, issue, note="已换盖").status_code == 303
