"""What a flow does by itself: automatic steps, callbacks of other systems, and flows inside a flow."""

from typing import Any

import pytest
from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.complaints.links import Links
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import NewComplaint, record_complaint
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.core.jobs import run_one
from qtrace.core.models import EventRow, JobRow
from qtrace.flows.case import Case
from qtrace.flows.models import FlowInstance
from qtrace.flows.operating import Given, decide_task, operate
from qtrace.flows.service import case_of
from qtrace.flows.starting import NewStart, set_start
from qtrace.flows.steps import Step, StepCase, register_step, steps
from qtrace.flows.subject_facts import holds
from qtrace.flows.subjects import flow_subjects
from qtrace.investigation.models import Action
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, person, state_of, submit
from tests.factories.issues import make_issue

AUTO = {"timeout_minutes": 60}


def work() -> None:
    """Run every job that is ready."""
    while run_one(clock=lambda: NOW):
        pass
    db.session.remove()


def places(case: Any) -> list[str]:
    return [token.node for token in state_of(case).tokens]


def test_an_automatic_step_is_done_once_and_the_case_goes_on(app: Flask) -> None:
    done: list[str] = []
    register_step(app, "note", Step(_l("记一笔"), lambda case: done.append(case.node.id)))
    assert "note" in steps()
    make_flow("auto", node("write", "auto", options=AUTO | {"action": "note"}), node("boss", "approve", "owner"))
    case = begin("auto", 1, user_id("quality_lead"))
    submit(case)
    assert places(case) == ["write"]
    work()
    assert (done, places(case)) == (["write"], ["boss"])
    with write() as session:  # the same job again, as after a crash
        session.add(
            JobRow(name="flow-step", payload={"instance": instance_of(case).id, "token": 1}, state="ready", run_at=NOW,
                   token=0, tries=0, max_tries=5, error="", created_at=NOW)
        )  # fmt: skip
    work()
    assert done == ["write"]


def test_a_step_that_cannot_be_done_says_why_and_goes_the_way_of_a_failure(app: Flask) -> None:
    def refuse(_case: StepCase) -> None:
        raise Refused("仓库系统没有这个批次。")

    register_step(app, "hold", Step(_l("冻结"), refuse))
    make_flow(
        "auto", node("check", "approve", "quality_lead"), node("hold", "auto", options=AUTO | {"action": "hold", "fail_to": "check"}),
        node("boss", "approve", "owner"),
    )  # fmt: skip
    case = begin("auto", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    work()
    assert places(case) == ["check"]
    stuck = db.session.scalars(select(EventRow).where(EventRow.name == "flow_stuck")).one()
    assert stuck.reason == "仓库系统没有这个批次。"


def test_a_step_of_a_plugin_that_is_gone_does_not_hold_the_case(sqlite_app: Flask) -> None:
    make_flow("auto", node("lost", "auto", options=AUTO | {"action": "gone"}), node("boss", "approve", "owner"))
    case = begin("auto", 1, user_id("quality_lead"))
    submit(case)
    work()
    assert places(case) != ["lost"]


@pytest.mark.parametrize(("passed", "expected"), [(True, ["boss"]), (False, ["check"])])
def test_another_system_answers_once_at_its_signed_address(
    sqlite_app: Flask, passed: bool, expected: list[str]
) -> None:
    make_flow(
        "wait", node("check", "approve", "quality_lead"),
        node("erp", "auto", options=AUTO | {"action": "callback", "fail_to": "check"}), node("boss", "approve", "owner"),
    )  # fmt: skip
    case = begin("wait", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    work()
    asked = db.session.scalars(select(EventRow).where(EventRow.name == "flow_waits")).one()
    path = "/in/flows/" + asked.body["callback"].rsplit("/", 1)[1]
    visitor = sqlite_app.test_client()
    assert visitor.post("/in/flows/forged", json={"passed": True}).status_code == 404
    assert visitor.post(path, data="yes").status_code == 422
    assert visitor.post(path, json={"passed": passed, "note": "已冻结"}).status_code == 200
    assert places(case) == expected
    assert visitor.post(path, json={"passed": passed}).status_code == 409


def inner_and_outer() -> None:
    make_flow("inner", node("buyer", "approve", "purchasing"))
    make_flow(
        "outer", node("check", "approve", "quality_lead"),
        node("part", "subflow", options=AUTO | {"flow": "inner", "fail_to": "check"}), node("boss", "approve", "owner"),
    )  # fmt: skip


def part() -> FlowInstance:
    db.session.remove()
    return db.session.scalars(select(FlowInstance).where(FlowInstance.subject_kind == "flow_part")).one()


def hand_in_part() -> None:
    """Hand in the part, whose first turn is the initiator's."""
    submit(case_of(part()))


@pytest.mark.parametrize(("agrees", "expected"), [(True, ["boss"]), (False, ["check"])])
def test_a_flow_inside_a_flow_ends_and_the_one_above_goes_on(app: Flask, agrees: bool, expected: list[str]) -> None:
    inner_and_outer()
    case = begin("outer", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    work()
    assert (part().parent_id, part().status, part().title) == (instance_of(case).id, "running", "第 1 件")
    hand_in_part()
    task = db.session.scalars(select(Task).where(Task.owner_id == user_id("purchasing"), Task.state == "open")).one()
    with write() as session:
        buyer = session.get_one(User, user_id("purchasing"))
        if agrees:
            decide_task(task.id, reject=False, given=Given(), by=buyer, now=NOW)
        else:
            operate(task.id, "terminate", given=Given(note="不做了"), by=buyer, now=NOW)
    assert places(case) == expected


def test_a_flow_inside_itself_is_refused_and_the_case_is_not_held(sqlite_app: Flask) -> None:
    make_flow("loop", node("part", "subflow", options=AUTO | {"flow": "loop"}), node("boss", "approve", "owner"))
    case = begin("loop", 1, user_id("quality_lead"))
    submit(case)
    work()
    assert "part" not in places(case)
    assert "又进入自己" in db.session.scalars(select(EventRow.reason).where(EventRow.name == "flow_stuck")).one()


def test_a_flow_inside_a_flow_asks_about_the_case_above(sqlite_app: Flask) -> None:
    issue = make_issue(safety=True)
    instance = db.session.scalars(select(FlowInstance).where(FlowInstance.subject_kind == "issue")).one()
    number = instance.id * 1_000_000 + 7
    assert holds("flow_part", number, {"field": "safety", "op": "is_true"})
    assert (
        flow_subjects()["flow_part"].summary(number, db.session.get_one(User, user_id("admin")), frozenset()).title
        == issue.title
    )


def test_a_flow_opens_the_issue_of_a_complaint_and_plans_an_action(app: Flask) -> None:
    make_flow("safety", node("open", "auto", options=AUTO | {"action": "open_issue"}), node("boss", "approve", "owner"))
    with write():
        set_start(NewStart("safety", "complaint"), by=user_id("admin"), now=NOW)
    with write():
        record_complaint(NewComplaint(text="过敏", links=Links(), safety=False), by=person("customer_service"), now=NOW)
    work()
    complaint = db.session.scalars(select(Complaint)).one()
    assert complaint.issue_id is not None
    assert db.session.get_one(Issue, complaint.issue_id).complaint_count == 1
    flow = select(FlowInstance.node).where(FlowInstance.subject_kind == "complaint")
    assert db.session.scalars(flow).one() == "boss"


def test_an_action_called_as_the_node_is_planned_for_who_has_the_issue(app: Flask) -> None:
    make_flow(
        "plain", node("换供应商的瓶盖", "auto", options=AUTO | {"action": "plan_action"}) | {"id": "cap"},
        node("boss", "approve", "owner"),
    )  # fmt: skip
    with write():
        set_start(NewStart("plain", "issue"), by=user_id("admin"), now=NOW)
    issue = make_issue()
    submit(Case(("issue", issue.id), issue.title, f"/issues/{issue.number}", issue.created_by, None))
    work()
    action = db.session.scalars(select(Action)).one()
    assert (action.text, action.kind, action.owner_id) == ("换供应商的瓶盖", "corrective", user_id("quality_lead"))
