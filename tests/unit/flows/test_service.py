"""Flows on the database."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.accounts.service import ensure_department
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Refused
from qtrace.flows.beginning import prepare_flow, start_flow
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide
from qtrace.flows.gates import register_gate
from qtrace.flows.models import FlowDecision, FlowInstance, FlowTimer, StageSpan
from qtrace.flows.service import halt, resume
from qtrace.flows.timers import do_batch
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories import flows as factories
from tests.factories.flows import instance_of, make_flow, node, submit

CASE = Case(("thing", 1), "瓶盖漏液", "/things/1", None, None)


def begin(initiator: int | None) -> None:
    with write():
        prepared = prepare_flow(initiator_id=initiator, department_id=None, now=NOW)
        start_flow(replace(CASE, initiator_id=initiator), prepared, by=initiator, now=NOW)


def the_lead() -> User:
    return db.session.get_one(User, user_id("quality_lead"))


def test_a_started_flow_gives_its_initiator_a_to_do_in_business_time(app: Flask) -> None:
    begin(user_id("customer_service"))
    task = db.session.scalars(select(Task)).one()
    assert (task.owner_id, task.node, task.state) == (user_id("customer_service"), "record", "open")
    # NOW is Friday 10:00 in Shanghai; four office hours later it is 15:30 (lunch from 12:00 to 13:30)
    assert task.due_at == NOW + timedelta(hours=5, minutes=30)


def test_submitting_closes_the_to_do_and_opens_the_next_ones(app: Flask) -> None:
    begin(user_id("quality_lead"))
    with write():
        decide(CASE, verdict="submit", expected_version=1, by=the_lead(), now=NOW)
    tasks = db.session.scalars(select(Task).order_by(Task.id)).all()
    assert [(task.node, task.state) for task in tasks] == [("record", "done"), ("triage", "open")]
    spans = db.session.scalars(select(StageSpan).order_by(StageSpan.id)).all()
    assert [span.left_at is None for span in spans] == [False, True]


def test_a_shut_gate_refuses_and_says_what_is_missing(app: Flask) -> None:
    register_gate(app, "responsibility_decided", lambda _kind, _id: "还没有定责。")
    begin(user_id("quality_lead"))
    with write():
        decide(CASE, verdict="submit", expected_version=1, by=the_lead(), now=NOW)
    with pytest.raises(Refused, match="还没有定责"), write():
        decide(CASE, verdict="submit", expected_version=2, by=the_lead(), now=NOW)
    assert db.session.scalars(select(FlowInstance.node)).one() == "triage"


def test_the_slower_of_two_deciders_is_told_who_was_faster(app: Flask) -> None:
    begin(user_id("quality_lead"))
    with write():
        decide(CASE, verdict="submit", expected_version=1, by=the_lead(), now=NOW)
    with app.test_request_context(), pytest.raises(Conflict, match="王姐"), write():
        decide(CASE, verdict="submit", expected_version=1, by=the_lead(), now=NOW)


def test_of_many_deciders_at_once_exactly_one_wins(app: Flask) -> None:
    begin(user_id("quality_lead"))
    barrier, results = threading.Barrier(6), []

    def run() -> None:
        with app.app_context():
            barrier.wait()
            try:
                with write():
                    decide(CASE, verdict="submit", expected_version=1, by=the_lead(), now=NOW)
                results.append("won")
            except Conflict:
                results.append("lost")

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 5 + ["won"]
    db.session.remove()
    assert len(db.session.scalars(select(FlowDecision)).all()) == 1


def test_a_case_that_was_halted_waits_on_and_asks_each_department_once(app: Flask) -> None:
    """After a halt nothing ended the wait any more, and a department had its part twice."""
    helper = {"department": str(ensure_in_write("客服部")), "due_minutes": 60}
    late = {"minutes": 60, "working": False}
    make_flow(
        "wait", node("boss", "approve", "quality_lead", helpers=[helper]), node("pause", "timer", options=late)
    )  # fmt: skip
    case = factories.begin("wait", 1, user_id("quality_lead"))
    submit(case)
    halt_and_resume(case)
    assert open_nodes() == ["boss", "boss"]  # the head's turn and the department's part
    submit(case)
    halt_and_resume(case)
    assert db.session.scalars(select(FlowTimer.kind)).all() == ["wake"]
    assert len(db.session.scalars(select(StageSpan).where(StageSpan.left_at.is_(None))).all()) == 1
    assert do_batch(NOW + timedelta(minutes=60)) == 1
    assert instance_of(case).status == "closed"


def ensure_in_write(department: str) -> int:
    """Return the id of a department."""
    with write():
        return ensure_department(department)


def halt_and_resume(case: Case) -> None:
    """Let a case wait and go on."""
    with write():
        halt(case, by=None, now=NOW)
    with write():
        resume(case, by=None, now=NOW)


def open_nodes() -> list[str]:
    """Return where the open to-dos are."""
    return list(db.session.scalars(select(Task.node).where(Task.state == "open")))
