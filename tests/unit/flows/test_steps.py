"""What a flow does by itself: automatic nodes, tried again or given up, and callbacks of other systems."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.jobs import run_one
from qtrace.core.models import EventRow, JobRow
from qtrace.core.net import Unreachable
from qtrace.flows.models import FlowDecision, FlowTimer
from qtrace.plugins import add_plugin
from qtrace.sdk import FlowNode, Misconfigured, NodeCase, NodeEffect, OpenIssue, Text, WaitForAnswer, hookimpl
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, state_of, submit

AUTO = {"timeout_minutes": 60}


def work(moment: datetime = NOW) -> None:
    """Run every job that is ready."""
    while run_one(clock=lambda: moment):
        pass
    db.session.remove()


def places(case: Any) -> list[str]:
    return [token.node for token in state_of(case).tokens]


def offer(app: Flask, run: Callable[[NodeCase], Sequence[NodeEffect]], **more: Any) -> None:
    """Install a plugin with one kind of node, called note."""

    class Noting:
        @hookimpl
        def qtrace_register_flow_nodes(self) -> list[FlowNode]:
            return [FlowNode(key="note", name=Text("记一笔", "Note"), hint=Text("", ""), run=run, **more)]

    assert add_plugin(app, "noting", Noting).flow_nodes == ("note",)


def test_an_automatic_step_is_done_once_and_the_case_goes_on(app: Flask) -> None:
    done: list[str] = []

    def run(case: NodeCase) -> Sequence[NodeEffect]:
        done.append(case.node.zh)
        return []

    offer(app, run)
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
    def refuse(_case: NodeCase) -> Sequence[NodeEffect]:
        raise Misconfigured(Text("仓库系统没有这个批次。", "No such lot."))

    offer(app, refuse)
    make_flow(
        "auto", node("check", "approve", "quality_lead"), node("hold", "auto", options=AUTO | {"action": "note", "fail_to": "check"}),
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


def noting(run: Callable[[NodeCase], Sequence[NodeEffect]], app: Flask) -> Any:
    """Start a case that comes to the node, after a check to which it goes back when the node fails."""
    offer(app, run)
    make_flow(
        "auto", node("check", "approve", "quality_lead"), node("do", "auto", options=AUTO | {"action": "note", "fail_to": "check"}),
        node("boss", "approve", "owner"),
    )  # fmt: skip
    case = begin("auto", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    return case


def test_who_is_away_is_asked_again_with_the_same_id_and_given_up_after_the_last_try(app: Flask) -> None:
    asked: list[str] = []

    def run(case: NodeCase) -> Sequence[NodeEffect]:
        asked.append(case.id)
        raise Unreachable("connect")

    case = noting(run, app)
    for hours in range(8):
        work(NOW + timedelta(hours=2 * hours))
    assert len(asked) == 5
    assert len(set(asked)) == 1
    assert places(case) == ["check"]
    assert db.session.scalars(select(EventRow.reason).where(EventRow.name == "flow_stuck")).all() == ["connect"]
    assert db.session.scalars(select(JobRow.state).where(JobRow.name == "flow-step")).all() == ["done"]


def test_a_mistake_of_a_plugin_harms_its_one_case(sqlite_app: Flask) -> None:
    case = noting(lambda case: [case.options["nothing"]], sqlite_app)  # type: ignore[list-item]  # the mistake
    work()
    assert places(case) == ["check"]
    assert "KeyError" in db.session.scalars(select(EventRow.reason).where(EventRow.name == "flow_stuck")).one()


def test_an_effect_that_fits_no_such_case_is_refused_and_nothing_of_the_step_stays(sqlite_app: Flask) -> None:
    case = noting(lambda _case: [OpenIssue()], sqlite_app)
    work()
    assert places(case) == ["check"]


def test_who_waits_for_an_answer_and_names_no_time_waits_a_week(sqlite_app: Flask) -> None:
    offer(sqlite_app, lambda _case: [WaitForAnswer()])
    make_flow("auto", node("wait", "auto", options={"action": "note"}), node("boss", "approve", "owner"))
    case = begin("auto", 1, user_id("quality_lead"))
    submit(case)
    work()
    assert places(case) == ["wait"]
    timer = db.session.scalars(select(FlowTimer)).one()
    assert (timer.kind, timer.at) == ("fail", NOW + timedelta(days=7))


def test_a_kind_of_node_for_complaints_only_is_refused_elsewhere(sqlite_app: Flask) -> None:
    offer(sqlite_app, lambda _case: [], about=frozenset({"complaint"}))
    make_flow("auto", node("do", "auto", options={"action": "note"}), node("boss", "approve", "owner"))
    case = begin("auto", 1, user_id("quality_lead"))
    submit(case)
    work()
    assert "do" not in places(case)
    assert "不能用在这里" in db.session.scalars(select(FlowDecision.note).where(FlowDecision.verdict == "failed")).one()
