"""A stored history leads to where the case stands, also over a move to another version."""

from dataclasses import replace

from flask import Flask
from sqlalchemy import select, update

from qtrace.core.db import db, write
from qtrace.flows.case import Case
from qtrace.flows.migrating import move_case
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance
from qtrace.flows.reading import parse_definition
from qtrace.flows.replaying import Verified, replayed, verify_histories
from qtrace.flows.versions import add_version
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, state_of, submit


def moved_twice() -> Case:
    """Return a case that began on the first version of its flow and stands on the third."""
    first = make_flow("claims", node("boss", "approve", "quality_lead"), node("pay", "handle", "quality_lead"))
    case = begin("claims", 1, user_id("quality_lead"))
    submit(case)
    definition = parse_definition(db.session.get_one(FlowDefinition, first).definition)
    for version in (2, 3):
        with write():
            changed = replace(definition.nodes[1], due_minutes=60 * version)
            newer = replace(definition, nodes=(definition.nodes[0], changed, *definition.nodes[2:]))
            add_version(newer, by=user_id("quality_lead"), now=NOW)
        newest = select(FlowDefinition.id).where(FlowDefinition.version == version, FlowDefinition.key == "claims")
        target, instance = db.session.scalars(newest).one(), instance_of(case).id
        with write():
            move_case(instance, target, key="claims", by=user_id("quality_lead"), now=NOW)
        if version == 2:
            submit(case)
    return case


def test_a_history_replays_from_its_start_over_every_move(app: Flask) -> None:
    with app.test_request_context():
        case = moved_twice()
        verdicts = db.session.scalars(select(FlowDecision.verdict).order_by(FlowDecision.version)).all()
        assert verdicts == ["submit", "migrate", "submit", "migrate"]
        assert replayed(instance_of(case)) == state_of(case)
        submit(case)
        assert state_of(case).status == "closed"
        assert verify_histories() == Verified(1, 0, ())


def test_a_move_noted_without_its_operation_is_read_from_its_event(app: Flask) -> None:
    with app.test_request_context():
        case = moved_twice()
        with write() as session:
            session.execute(update(FlowDecision).where(FlowDecision.verdict == "migrate").values(operation=None))
        assert replayed(instance_of(case)) == state_of(case)


def test_a_history_that_was_changed_or_not_kept_is_told(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context():
        case = moved_twice()
        with write() as session:
            session.execute(update(FlowDecision).where(FlowDecision.version == 2).values(operation=None))
        assert replayed(instance_of(case)) is None
        assert verify_histories() == Verified(1, 1, ())
        begin("claims", 2, user_id("quality_lead"))
        other = Case(("thing", 2), "", "", None, None)
        with write() as session:
            session.execute(update(FlowInstance).where(FlowInstance.subject_id == 2).values(begun=[[99]]))
        assert verify_histories() == Verified(2, 1, (instance_of(other).id,))
