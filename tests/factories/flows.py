"""Flows of their own for tests: a definition in the database, and cases that run on it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.flows.beginning import prepare_flow, start_flow
from qtrace.flows.case import Case
from qtrace.flows.checking import faults
from qtrace.flows.deciding import decide_turn
from qtrace.flows.models import FlowDefinition, FlowInstance
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.state import Entry, State
from qtrace.flows.stored import load_state
from tests.conftest import NOW, USERNAMES, user_id

Plain = dict[str, Any]


def node(name: str, kind: str = "approve", *who: str, **more: Any) -> Plain:
    """Return a node for the test people of these roles, or for the initiator."""
    people = [{"kind": "user", "value": USERNAMES[one]} for one in who] or [{"kind": "initiator"}]
    given: Plain = {"id": name, "kind": kind, "name_zh": name, "name_en": name, "permission": "issue.read"}
    if kind not in {"branch", "parallel", "inclusive", "timer", "auto", "end"}:
        given |= {"who": people, "due_minutes": 60}
    return given | more


def make_flow(key: str, *nodes: Plain, **more: Any) -> int:
    """Store a flow that begins with its start and return the definition's id."""
    data = {"key": key, "version": 1, "nodes": [node("ask", "start"), *nodes]} | more
    definition = parse_definition(data)
    assert faults(definition) == []
    with write() as session:
        row = FlowDefinition(key=key, version=1, definition=dump_definition(definition))
        session.add(row)
        session.flush()
        return row.id


def begin(flow: str, number: int, initiator: int, now: datetime = NOW) -> Case:
    """Start a case of its own kind on the flow and return it."""
    case = Case(("thing", number), f"第 {number} 件", f"/things/{number}", initiator, None)
    with write():
        start_flow(
            case, prepare_flow(initiator_id=initiator, department_id=None, now=now, flow=flow), by=initiator, now=now
        )
    return case


def state_of(case: Case) -> State:
    """Return where a case stands now."""
    db.session.remove()
    return load_state(instance_of(case).state)


def instance_of(case: Case) -> FlowInstance:
    """Return the row of a case."""
    kind, number = case.subject
    return db.session.scalars(
        select(FlowInstance).where(FlowInstance.subject_kind == kind, FlowInstance.subject_id == number)
    ).one()


def open_turns(case: Case) -> list[Entry]:
    """Return the turns that are open."""
    return [
        entry
        for token in state_of(case).tokens
        for seat in token.seats
        for entry in seat.chain
        if entry.state == "open"
    ]


def person(role: str) -> User:
    """Return the test person of a role."""
    return db.session.get_one(User, user_id(role))


def submit(case: Case, role: str = "quality_lead") -> None:
    """Hand in what stands at its first open turn."""
    turn = open_turns(case)[0]
    with write():
        decide_turn(case, turn.id, verdict="submit", by=person(role), now=NOW)
