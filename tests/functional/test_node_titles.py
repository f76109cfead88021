"""What a node hides stands in no title of its to-dos, notices and lists; who moves cases reads only titles they may see."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import Role
from qtrace.core.db import db, write
from qtrace.flows.case_models import FlowQuestion
from qtrace.flows.default import default_definition
from qtrace.flows.models import FlowDefinition
from qtrace.flows.reading import parse_definition
from qtrace.flows.versions import add_version
from qtrace.notifications.models import Notice
from qtrace.tasks.models import Task
from tests.conftest import NOW, log_in, user_id
from tests.factories.api import program
from tests.factories.flows import make_flow, node
from tests.factories.forms import asked, make_form
from tests.factories.issues import make_issue
from tests.unit.flows.test_steps import AUTO, work

SECRET, SAID = "神秘买家", "瓶盖漏液"
BLIND = node("lead", "approve", "quality_lead", permission="record.read", fields={"buyer": "hidden"})
OPEN = node("boss", "approve", "owner", permission="record.read")


@pytest.fixture(autouse=True)
def clock_stands() -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


def hand_in(app: Flask, *nodes: dict[str, Any]) -> str:
    """Let the inspector hand in a claim named after its buyer, on a flow of these nodes; return its number."""
    make_flow("claims", *nodes)
    form = make_form(
        [asked("buyer", "text", "买家", in_list=True), asked("reason", "text", "事由")],
        key="claim",
        name="索赔单",
        prefix="SP",
    )
    with db.engines["write"].begin() as connection:
        connection.exec_driver_sql(f"UPDATE form SET flow = 'claims' WHERE id = {form.id}")
    db.session.remove()
    answer = log_in(app, "inspector").post("/records/claim", {"buyer": SECRET, "reason": SAID})
    return str(answer.location).rpartition("/")[2]


def titles(role: str) -> list[str]:
    """Return what the to-dos of a person are called, and what the person was told of."""
    db.session.remove()
    tasks = db.session.scalars(select(Task.title).where(Task.owner_id == user_id(role))).all()
    return [*tasks, *db.session.scalars(select(Notice.title).where(Notice.user_id == user_id(role)))]


def newest(role: str) -> Task:
    """Return the newest to-do of a person."""
    db.session.remove()
    return db.session.scalars(select(Task).where(Task.owner_id == user_id(role)).order_by(Task.id.desc())).first()  # type: ignore[return-value]


def test_a_title_made_of_a_hidden_field_is_the_forms_name_and_the_number(sqlite_app: Flask) -> None:
    number = hand_in(sqlite_app, node("both", "parallel", branches=[
        {"id": "a", "name_zh": "甲", "name_en": "A", "nodes": [BLIND]},
        {"id": "b", "name_zh": "乙", "name_en": "B", "nodes": [OPEN]},
    ]))  # fmt: skip
    assert set(titles("quality_lead")) == {f"索赔单 {number}"}
    assert set(titles("owner")) == {f"索赔单 {SECRET}"}
    lead, task = log_in(sqlite_app, "quality_lead"), newest("quality_lead")
    for url in ("/tasks", "/inbox", f"/tasks/bulk?verdict=approve&task={task.id}", f"/tasks/{task.id}/decision"):
        page = lead.get(url).text
        assert number in page and SECRET not in page, url
    listed = program(sqlite_app).get("/tasks").json
    assert [row["title"] for row in listed["items"]] == [f"索赔单 {number}"]
    assert SECRET not in str(listed)


def test_a_field_that_gives_no_title_leaves_it_as_it_is(sqlite_app: Flask) -> None:
    hand_in(sqlite_app, BLIND | {"fields": {"reason": "hidden", "buyer": "read"}})
    assert set(titles("quality_lead")) == {f"索赔单 {SECRET}"}
    page = log_in(sqlite_app, "quality_lead").get(f"/tasks/{newest('quality_lead').id}/decision").text
    assert SECRET in page and SAID not in page


def test_who_is_asked_or_copied_is_told_no_more_than_who_asks(sqlite_app: Flask) -> None:
    number = hand_in(sqlite_app, BLIND)
    lead, task = log_in(sqlite_app, "quality_lead"), newest("quality_lead")
    for name, role in (("ask", "purchasing"), ("cc", "auditor")):
        sent = {"users": str(user_id(role)), "note": "真的漏吗"}
        assert lead.post(f"/tasks/{task.id}/operations/{name}", sent).status_code == 303
        asked_task = newest(role)
        assert SECRET not in "".join(titles(role)) + asked_task.detail
        page = log_in(sqlite_app, role).get(f"/tasks/{asked_task.id}/decision").text
        assert number in page and SAID in page and SECRET not in page, name
    question = db.session.scalars(select(FlowQuestion)).one()
    buyer = log_in(sqlite_app, "purchasing")
    assert buyer.post(f"/questions/{question.id}/answer", {"answer": "是", "task": question.task_id}).status_code == 303
    db.session.remove()
    told = db.session.scalars(select(Notice).where(Notice.kind == "question_answered")).one()
    assert (told.title, told.url) == (f"索赔单 {number}", f"/records/claim/{number}")


def test_who_is_called_by_name_is_told_no_more_than_the_own_turn(sqlite_app: Flask) -> None:
    number = hand_in(sqlite_app, node("both", "parallel", branches=[
        {"id": "a", "name_zh": "甲", "name_en": "A", "nodes": [BLIND]},
        {"id": "b", "name_zh": "乙", "name_en": "B", "nodes": [OPEN]},
    ]))  # fmt: skip
    boss, task = log_in(sqlite_app, "owner"), newest("owner")
    sent = {"users": str(user_id("auditor")), "note": "@王姐 看一下"}
    assert boss.post(f"/tasks/{task.id}/operations/cc", sent).status_code == 303
    db.session.remove()
    told = db.session.scalars(select(Notice).where(Notice.kind == "comment_mentioned")).one()
    assert (told.user_id, told.title) == (user_id("quality_lead"), f"索赔单 {number}")
    page = log_in(sqlite_app, "quality_lead").get(told.url).text
    assert SAID in page and SECRET not in page


def test_a_flow_inside_a_flow_hides_what_its_own_nodes_hide(sqlite_app: Flask) -> None:
    make_flow("inner", BLIND)
    number = hand_in(sqlite_app, node("part", "subflow", options=AUTO | {"flow": "inner", "wait": True}), OPEN)
    work()
    first = newest("inspector")
    inspector = log_in(sqlite_app, "inspector")
    assert inspector.post(f"/tasks/{first.id}/decision", {"verdict": "approve"}).status_code == 303
    assert set(titles("quality_lead")) == {f"索赔单 {number}"}
    page = log_in(sqlite_app, "quality_lead").get(f"/tasks/{newest('quality_lead').id}/decision").text
    assert number in page and SAID in page and SECRET not in page


def test_an_issue_goes_by_its_number_where_its_title_is_hidden(sqlite_app: Flask) -> None:
    flow = default_definition()
    blind = replace(flow.nodes[0], fields={"title": "hidden", "type": "hidden"})
    with write():
        add_version(replace(flow, nodes=(blind, *flow.nodes[1:])), by=user_id("quality_lead"), now=NOW)
    issue = make_issue()
    assert db.session.scalars(select(Task.title)).all() == [issue.number]


def test_moving_cases_tells_only_the_titles_one_may_see(sqlite_app: Flask) -> None:
    number = hand_in(sqlite_app, OPEN)
    row = db.session.scalars(select(FlowDefinition).where(FlowDefinition.key == "claims")).one()
    definition = parse_definition(row.definition)
    with write() as session:
        add_version(replace(definition, name_zh="索赔审批"), by=user_id("admin"), now=NOW)
        keeper = session.scalars(select(Role).where(Role.key == "purchasing")).one()
        keeper.permissions = [*keeper.permissions, "config.flows", "record.read"]
        assert keeper.scope != "all"
    lead, buyer = (log_in(sqlite_app, role).get("/flows/claims/move").text for role in ("quality_lead", "purchasing"))
    assert f"索赔单 {SECRET}" in lead
    assert f"<b>{number}</b>" in buyer and SECRET not in buyer and "/records/claim" not in buyer
