"""Play the stored history of a case again, to prove that it leads to where the case stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from qtrace.core.db import db
from qtrace.core.models import EventRow
from qtrace.flows.engine import replay
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance
from qtrace.flows.state import Move, Operation, State
from qtrace.flows.stored import load_operation, load_state

MOST_READ = 500  # cases read at once


@dataclass(frozen=True)
class Verified:
    """How many cases there are, how many of them were not kept from their start, and which stand elsewhere than told."""

    cases: int
    unkept: int
    different: tuple[int, ...]


def verify_histories() -> Verified:
    """Replay the history of every case and compare it to where the case stands."""
    cases, unkept, different = 0, 0, []
    statement = select(FlowInstance).order_by(FlowInstance.id).execution_options(yield_per=MOST_READ)
    for instance in db.session.scalars(statement):
        cases += 1
        history = history_of(instance)
        if history is None:
            unkept += 1
        elif _replayed(instance, history) != load_state(instance.state):
            different.append(instance.id)
    return Verified(cases, unkept, tuple(different))


def replayed(instance: FlowInstance) -> State | None:
    """Return where the history of a case leads to; None where it was not kept from its start, or leads nowhere."""
    history = history_of(instance)
    return None if history is None else _replayed(instance, history)


def history_of(instance: FlowInstance) -> list[tuple[Operation, Sequence[Answer]]] | None:
    """Return what was done to a case with the answers of the time; None where an older release did not keep it."""
    rows = select(FlowDecision).where(FlowDecision.instance_id == instance.id).order_by(FlowDecision.version)
    found: list[tuple[Operation, Sequence[Answer]]] = []
    for place, row in enumerate(db.session.scalars(rows)):
        if place == 0 and instance.submitted and row.operation is None:
            continue  # handed in as it was made: the start itself
        operation = _operation(instance, row)
        if operation is None:
            return None
        found.append((operation, [tuple(answer) for answer in row.answers or ()]))
    return found if instance.begun or instance.submitted else None  # who hands in first is always asked for


def _replayed(instance: FlowInstance, history: Sequence[tuple[Operation, Sequence[Answer]]]) -> State | None:
    key = stored_tree(instance.definition_id).definition.key
    ids = {row.version: row.id for row in db.session.execute(
        select(FlowDefinition.version, FlowDefinition.id).where(FlowDefinition.key == key)
    )}  # fmt: skip
    moves = [operation for operation, _answers in history if isinstance(operation, Move)]
    first = ids[moves[0].old] if moves else instance.definition_id
    begun = [tuple(answer) for answer in instance.begun]
    versions = {move.new: stored_tree(ids[move.new]) for move in moves}
    try:
        return replay(
            stored_tree(first), instance.initiator_id, begun, history, submitted=instance.submitted, versions=versions
        )
    except (FlowError, StopIteration):  # refused now, or more is asked than was answered: not what happened
        return None


def _operation(instance: FlowInstance, row: FlowDecision) -> Operation | None:
    """Return what a row says was done; a move that an older release noted without it is read from its event."""
    if row.operation is not None:
        return load_operation(row.operation)
    if row.verdict != "migrate":
        return None
    told = select(EventRow.body).where(
        EventRow.subject_kind == instance.subject_kind, EventRow.subject_id == instance.subject_id,
        EventRow.name == "flow_case_migrated", EventRow.at == row.at,
    )  # fmt: skip
    body = db.session.scalar(told.order_by(EventRow.seq.desc()).limit(1))
    return None if body is None else Move(row.by or 0, body["version"]["old"], body["version"]["new"])
