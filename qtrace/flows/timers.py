"""What is due in running flows: time that is up, waits that are over, and what a node does by itself.

A timer is a row that its own transaction takes away or moves on, so nothing is done twice and nothing is forgotten when
the worker dies. Reminders, by far the most of what is due, change many cases in one go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from qtrace.calendars.service import due_for
from qtrace.core import events
from qtrace.core.db import is_sqlite, require_write, table_of, write
from qtrace.core.errors import Refused
from qtrace.core.jobs import JobContext
from qtrace.flows.company import CompanyFacts
from qtrace.flows.engine import act
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Recorded
from qtrace.flows.history import verdict_word
from qtrace.flows.instances import case_of, stored_tree
from qtrace.flows.models import FlowDecision, FlowInstance, FlowTimer
from qtrace.flows.performing import drop_timers, set_timer
from qtrace.flows.service import apply
from qtrace.flows.state import Escalate, Operation, Outcome, Remind, Signal, State, TimedOut
from qtrace.flows.stored import dump_operation, dump_state, load_state

TICK = "flow-due"
BATCH = 100
REMIND_AGAIN = 8 * 60  # working minutes until the next reminder

INSTANCES, TIMERS = table_of(FlowInstance), table_of(FlowTimer)
MOVE_ON = (
    update(INSTANCES).where(INSTANCES.c.id == bindparam("instance")).values(
        state=bindparam("new_state"), version=bindparam("new_version")
    )
)  # fmt: skip
AGAIN = update(TIMERS).where(TIMERS.c.id == bindparam("timer")).values(at=bindparam("next_at"))


@dataclass(frozen=True)
class Told:
    """A timer that only tells somebody: its case stays where it is."""

    timer: FlowTimer
    instance: FlowInstance
    before: State
    operation: Operation
    outcome: Outcome
    answers: tuple[tuple[int, ...], ...]


def run_due(_payload: dict[str, Any], context: JobContext) -> None:
    """Do everything that is due now, batch by batch, each in a short write of its own."""
    now = context.clock()
    while do_batch(now):
        with write():
            context.extend()
    with write():
        context.complete()


def do_batch(now: datetime, most: int = BATCH) -> int:
    """Do so many of what is due, the longest overdue first, and return how many there were."""
    with write() as session:
        due = select(FlowTimer, FlowInstance).join(FlowInstance, FlowInstance.id == FlowTimer.instance_id)
        due = due.where(FlowTimer.at <= now).order_by(FlowTimer.at, FlowTimer.id).limit(most)
        if not is_sqlite():
            due = due.with_for_update(skip_locked=True)
        rows = session.execute(due).all()
        told: list[Told] = []
        states: dict[int, State] = {}
        for timer, instance in rows:
            before = states.get(instance.id) or load_state(instance.state)
            if found := _only_tells(timer, instance, before):
                states[instance.id] = found.outcome.state
                told.append(found)
            elif instance.id not in states:  # else it waits for the next batch: what was told is not stored yet
                _do(timer, instance, now)
        _tell_all(told, now)
    return len(rows)


def _only_tells(timer: FlowTimer, instance: FlowInstance, before: State) -> Told | None:
    """Return what a timer tells, or None where it moves the case."""
    operation, tree, case = _operation(timer), stored_tree(instance.definition_id), case_of(instance)
    facts = Recorded(CompanyFacts(tree, case.subject, case.initiator_id, case.department_id))
    try:
        outcome = act(tree, before, operation, facts)
    except FlowError:
        return None
    if not all(isinstance(effect, Remind | Escalate) for effect in outcome.effects):
        return None
    return Told(timer, instance, before, operation, outcome, tuple(facts.answers))


def _operation(timer: FlowTimer) -> Operation:
    return TimedOut(timer.token) if timer.kind == "due" else Signal(timer.token, passed=timer.kind == "wake")


def _do(timer: FlowTimer, instance: FlowInstance, now: datetime) -> None:
    """Do what a timer asks of one case."""
    case, token = case_of(instance), timer.token
    if all(one.id != token for one in load_state(instance.state).tokens):
        drop_timers(instance.id, token)  # what was due just before has ended this one too
        return
    try:
        state = apply(instance, case, _operation(timer), by=None, now=now)
    except Refused as refused:
        _park(timer, case.subject, refused.message, now)
        return
    if any(one.id == token for one in state.tokens):
        set_timer(instance.id, token, "due", due_for(case.department_id, now, REMIND_AGAIN))


def _park(timer: FlowTimer, subject: tuple[str, int], reason: str, now: datetime) -> None:
    """Say why a timer could not do what its node asks, and try again later: a case must not be stuck unseen."""
    events.record("flow_stuck", subject=subject, by=None, now=now, body={"token": timer.token}, reason=reason[:500])
    set_timer(timer.instance_id, timer.token, timer.kind, due_for(None, now, REMIND_AGAIN))


def _tell_all(told: Sequence[Told], now: datetime) -> None:
    """Store what only tells, many cases in one statement each."""
    if not told:
        return
    session = require_write()
    session.execute(
        MOVE_ON,
        [
            {
                "instance": one.instance.id, "new_state": dump_state(one.outcome.state),
                "new_version": one.outcome.state.version,
            }
            for one in told
        ],
    )  # fmt: skip
    session.execute(insert(table_of(FlowDecision)), [_decision(one, now) for one in told])
    departments = {one.instance.department_id for one in told}
    again = {department: due_for(department, now, REMIND_AGAIN) for department in departments}
    session.execute(AGAIN, [{"timer": one.timer.id, "next_at": again[one.instance.department_id]} for one in told])
    for one in told:
        subject = (one.instance.subject_kind, one.instance.subject_id)
        for effect in one.outcome.effects:
            name, body = _event(effect)
            events.record(name, subject=subject, by=None, now=now, body=body)


def _decision(one: Told, now: datetime) -> dict[str, Any]:
    tree = stored_tree(one.instance.definition_id)
    node = next((token.node for token in one.before.tokens if token.id == one.timer.token), None)
    return {
        "instance_id": one.instance.id, "version": one.outcome.state.version, "node": node, "target": "", "note": "",
        "verdict": verdict_word(tree, one.before, one.operation), "by": None, "at": now,
        "operation": dump_operation(one.operation), "answers": [list(answer) for answer in one.answers],
    }  # fmt: skip


def _event(effect: object) -> tuple[str, dict[str, Any]]:
    if isinstance(effect, Remind):
        return "flow_reminded", {"node": effect.node, "users": list(effect.users), "times": effect.times}
    assert isinstance(effect, Escalate)
    return "flow_escalated", {"node": effect.node, "users": list(effect.users)}
