"""What is due happens once: reminders, then what the node says, and waits that are over."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.core.db import db
from qtrace.core.models import EventRow
from qtrace.flows.models import FlowDecision, FlowTimer
from qtrace.flows.timers import do_batch
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, open_turns, state_of, submit

LATER = NOW + timedelta(days=60)


def told() -> list[str]:
    """Return the names of the events that tell somebody, in order."""
    names = ("flow_reminded", "flow_escalated", "flow_stuck")
    return list(db.session.scalars(select(EventRow.name).where(EventRow.name.in_(names)).order_by(EventRow.seq)))


def pass_time(times: int, start: datetime = NOW) -> None:
    """Let a week pass so many times, doing what is due at the end of each."""
    for week in range(1, times + 1):
        while do_batch(start + timedelta(weeks=week)):
            pass
    db.session.remove()


def test_a_late_turn_is_reminded_and_then_told_to_who_stands_above(app: Flask) -> None:
    make_flow("late", node("boss", "approve", "quality_lead", policies={"reminders": 2}))
    case = begin("late", 1, user_id("quality_lead"))
    submit(case)
    pass_time(4)
    assert told() == ["flow_reminded", "flow_reminded", "flow_escalated", "flow_escalated"]
    assert [turn.state for turn in open_turns(case)] == ["open"]  # never passed in silence
    assert state_of(case).tokens[0].reminded == 4


@pytest.mark.parametrize(
    ("overdue", "status", "left"), [("pass", "closed", 0), ("reject", "running", 1), ("transfer", "running", 1)]
)
def test_the_node_says_what_follows_the_reminders(app: Flask, overdue: str, status: str, left: int) -> None:
    policies = {"reminders": 1, "overdue": overdue}
    make_flow("late", node("boss", "approve", "customer_service", policies=policies))
    case = begin("late", 1, user_id("quality_lead"))
    submit(case)
    pass_time(2)
    assert (instance_of(case).status, len(open_turns(case))) == (status, left)
    verdicts = db.session.scalars(select(FlowDecision.verdict).order_by(FlowDecision.version)).all()
    assert verdicts == ["submit", "timeout", "timeout"]
    if overdue == "transfer":
        assert open_turns(case)[0].user != user_id("customer_service")
        assert db.session.scalars(select(Task.owner_id).where(Task.state == "open")).one() == open_turns(case)[0].user


def test_a_timer_node_goes_on_when_its_time_has_come_and_not_before(app: Flask) -> None:
    make_flow("wait", node("pause", "timer", options={"minutes": 60, "working": False}), node("boss", "approve"))
    case = begin("wait", 1, user_id("quality_lead"))
    submit(case)
    assert do_batch(NOW + timedelta(minutes=59)) == 0
    assert [token.node for token in state_of(case).tokens] == ["pause"]
    assert do_batch(NOW + timedelta(minutes=60)) == 1
    assert [token.node for token in state_of(case).tokens] == ["boss"]


def test_what_is_done_in_time_is_never_due(app: Flask) -> None:
    make_flow("quick", node("boss", "approve", "quality_lead"))
    case = begin("quick", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    assert instance_of(case).status == "closed"
    assert db.session.scalar(select(func.count()).select_from(FlowTimer)) == 0
    assert do_batch(LATER) == 0


def test_many_late_cases_are_reminded_once_each(app: Flask) -> None:
    make_flow("many", node("boss", "approve", "quality_lead"))
    for number in range(1, 31):
        begin("many", number, user_id("quality_lead"))
    while do_batch(NOW + timedelta(weeks=1), most=7):
        pass
    assert told() == ["flow_reminded"] * 30
    assert set(db.session.scalars(select(FlowTimer.at))) != set()
    assert do_batch(NOW + timedelta(weeks=1)) == 0


def test_a_clock_beside_the_one_that_ended_the_case_says_nothing_more(app: Flask) -> None:
    """Both ran out in one batch: the second was told as stuck every day, for a case that had long been rejected."""
    late = {"policies": {"reminders": 0, "overdue": "reject", "reject_to": "terminate"}}
    sides = [
        {
            "id": side,
            "name_zh": side,
            "name_en": side,
            "nodes": [node(f"ask_{side}", "approve", "quality_lead", **late)],
        }
        for side in ("a", "b")
    ]
    make_flow("both", node("split", "parallel", branches=sides))
    case = begin("both", 1, user_id("quality_lead"))
    submit(case)
    pass_time(1)
    assert instance_of(case).status == "rejected"
    assert told() == []
    assert db.session.scalar(select(func.count()).select_from(FlowTimer)) == 0
