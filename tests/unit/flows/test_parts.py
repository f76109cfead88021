"""Flows inside a flow: begun by a node, ended for the one above, about what that one is about."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.flows.instances import case_of
from qtrace.flows.models import FlowInstance
from qtrace.flows.operating import Given, decide_task, operate
from qtrace.flows.subject_facts import holds
from qtrace.flows.subjects import flow_subjects
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, submit
from tests.factories.issues import make_issue
from tests.unit.flows.test_steps import AUTO, places, work


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
    assert flow_subjects()["flow_part"].summary(number, frozenset()).title == issue.title


def test_a_part_that_failed_begins_anew_when_the_case_comes_back_to_it(app: Flask) -> None:
    inner_and_outer()
    case = begin("outer", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    work()
    hand_in_part()
    task = db.session.scalars(select(Task).where(Task.owner_id == user_id("purchasing"), Task.state == "open")).one()
    with write() as session:
        buyer = session.get_one(User, user_id("purchasing"))
        operate(task.id, "terminate", given=Given(note="不做了"), by=buyer, now=NOW)
    submit(case)
    work()
    parts = select(FlowInstance.status).where(FlowInstance.subject_kind == "flow_part").order_by(FlowInstance.id)
    assert db.session.scalars(parts).all() == ["terminated", "running"]
    assert places(case) == ["part"]


def test_a_part_nobody_waits_for_runs_beside_the_case(app: Flask) -> None:
    make_flow("inner", node("buyer", "approve", "purchasing"))
    make_flow(
        "outer", node("part", "subflow", options={"flow": "inner", "wait": False}), node("boss", "approve", "owner")
    )
    case = begin("outer", 1, user_id("quality_lead"))
    submit(case)
    work()
    assert places(case) == ["boss"]
    assert (part().parent_id, part().status) == (instance_of(case).id, "running")
    hand_in_part()
    task = db.session.scalars(select(Task).where(Task.owner_id == user_id("purchasing"), Task.state == "open")).one()
    with write() as session:
        decide_task(task.id, reject=False, given=Given(), by=session.get_one(User, user_id("purchasing")), now=NOW)
    assert (part().status, places(case)) == ("closed", ["boss"])
