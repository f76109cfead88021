"""A case that was put aside: nobody is asked, nothing is done by itself, and it goes on where it stood."""

from collections.abc import Sequence

from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.flows.case import Case
from qtrace.flows.instances import locked
from qtrace.flows.models import FlowInstance
from qtrace.flows.service import apply, halt, resume
from qtrace.flows.state import Finish, HandOver, Jump, Operation, Reopen
from qtrace.sdk.flow_nodes import NodeCase, NodeEffect
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, submit
from tests.unit.flows.test_parts import hand_in_part, inner_and_outer, part
from tests.unit.flows.test_steps import AUTO, noting, places, work


def put_aside(case: Case) -> None:
    with write():
        halt(case, by=None, now=NOW)


def go_on(case: Case) -> None:
    with write():
        resume(case, by=None, now=NOW)


def operate(case: Case, operation: Operation) -> None:
    with write():
        apply(locked(case.subject), case, operation, by=user_id("admin"), now=NOW)


def asked() -> list[str]:
    """Return where the open to-dos are."""
    db.session.remove()
    return sorted(db.session.scalars(select(Task.node).where(Task.state == "open", Task.kind == "stage")))


def test_a_step_waits_until_the_case_goes_on_and_is_done_once(app: Flask) -> None:
    done: list[str] = []

    def run(case: NodeCase) -> Sequence[NodeEffect]:
        done.append(case.id)
        return []

    case = noting(run, app)
    put_aside(case)
    work()
    assert (done, places(case)) == ([], ["do"])
    go_on(case)
    work()
    assert (len(done), places(case), asked()) == (1, ["boss"], ["boss"])
    assert instance_of(case).parked is None


def test_the_calls_of_a_parked_step_keep_their_key(sqlite_app: Flask) -> None:
    case = noting(lambda _case: [], sqlite_app)
    put_aside(case)
    work()
    (first,) = instance_of(case).parked or ()
    go_on(case)
    put_aside(case)
    work()
    assert instance_of(case).parked == [first] and first["key"]


def test_an_answer_that_comes_meanwhile_counts_and_asks_nobody_yet(app: Flask) -> None:
    make_flow("wait", node("erp", "auto", options=AUTO | {"action": "callback"}), node("boss", "approve", "owner"))
    case = begin("wait", 1, user_id("quality_lead"))
    submit(case)
    work()
    body = db.session.scalars(select(EventRow).where(EventRow.name == "flow_waits")).one().body
    put_aside(case)
    path = "/in/flows/" + body["callback"].rsplit("/", 1)[1]
    assert app.test_client().post(path, json={"passed": True}).status_code == 200
    assert (places(case), asked()) == (["boss"], [])
    go_on(case)
    assert asked() == ["boss"]


def test_whoever_leaves_hands_over_without_waking_the_case(app: Flask) -> None:
    make_flow("plain", node("boss", "approve", "owner"))
    case = begin("plain", 1, user_id("quality_lead"))
    submit(case)
    put_aside(case)
    operate(case, HandOver(user_id("owner"), user_id("purchasing")))
    assert asked() == []
    go_on(case)
    db.session.remove()
    assert db.session.scalars(select(Task.owner_id).where(Task.state == "open")).all() == [user_id("purchasing")]


def test_a_case_that_ended_and_is_opened_again_while_put_aside_waits_too(sqlite_app: Flask) -> None:
    make_flow("plain", node("boss", "approve", "owner"))
    case = begin("plain", 1, user_id("quality_lead"))
    submit(case)
    put_aside(case)
    operate(case, Finish(user_id("admin"), "closed", "另案处理"))
    operate(case, Reopen(user_id("admin"), "还是要查", "boss"))
    assert (instance_of(case).status, asked()) == ("running", [])
    go_on(case)
    assert asked() == ["boss"]


def test_a_case_that_ended_meanwhile_stays_ended(sqlite_app: Flask) -> None:
    make_flow("plain", node("boss", "approve", "owner"))
    case = begin("plain", 1, user_id("quality_lead"))
    submit(case)
    put_aside(case)
    operate(case, Finish(user_id("admin"), "terminated", "重复了"))
    go_on(case)
    assert (instance_of(case).status, asked(), instance_of(case).halted_at) == ("terminated", [], None)


def test_flows_inside_it_are_put_aside_with_it(app: Flask) -> None:
    inner_and_outer()
    case = begin("outer", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    work()
    hand_in_part()
    assert asked() == ["buyer"]
    put_aside(case)
    assert asked() == []
    go_on(case)
    assert asked() == ["buyer"]


def test_a_flow_inside_it_begins_only_when_it_goes_on(sqlite_app: Flask) -> None:
    inner_and_outer()
    case = begin("outer", 1, user_id("quality_lead"))
    submit(case)
    submit(case)
    put_aside(case)
    work()
    assert db.session.scalars(select(FlowInstance).where(FlowInstance.subject_kind == "flow_part")).all() == []
    go_on(case)
    work()
    assert part().status == "running"


def test_a_flow_inside_ends_with_the_case_or_when_it_is_left(app: Flask) -> None:
    """Nobody is asked for something no case waits for."""
    inner_and_outer()
    for number, operation in enumerate(
        (Finish(user_id("admin"), "terminated", "不做了"), Jump(user_id("admin"), "boss", "不用查了")), start=1
    ):
        case = begin("outer", number, user_id("quality_lead"))
        submit(case)
        submit(case)
        work()
        operate(case, operation)
        db.session.remove()
        inner = select(FlowInstance).where(FlowInstance.parent_id == instance_of(case).id)
        found = db.session.scalars(inner).one()
        assert found.status == "terminated"
        about = (Task.subject_kind == "flow_part") & (Task.subject_id == found.subject_id) & (Task.state == "open")
        assert db.session.scalars(select(Task).where(about)).all() == []
