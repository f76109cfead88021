"""Do one operation to a case: one compare-and-set, its effects in the same transaction.

The instance's row is locked and its `version` is the guard: whoever changes it first wins.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update

from qtrace.core.db import require_write, table_of
from qtrace.core.errors import Conflict, Refused
from qtrace.core.jobs import enqueue
from qtrace.flows.case import Case
from qtrace.flows.company import CompanyFacts, active
from qtrace.flows.definition import Tree
from qtrace.flows.engine import act
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Recorded
from qtrace.flows.gates import check_gates, nodes_left
from qtrace.flows.history import node_of, verdict_word
from qtrace.flows.instances import case_of, instance_of, locked, stored_tree
from qtrace.flows.later import keep_later
from qtrace.flows.mentions import page_of, tell_called
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.flows.performing import HELP, STEP, Stage, drop_timers, end_spans, perform, span_again
from qtrace.flows.rights import stood_in_for
from qtrace.flows.state import Finish, HandOver, OpenTask, Operation, Outcome, State
from qtrace.flows.stored import dump_operation, load_state, stored_columns
from qtrace.tasks.service import close_tasks

# The table itself: an update of the class compares every case the write has read, so many at once would cost their square.
INSTANCES = table_of(FlowInstance)


def apply(instance: FlowInstance, case: Case, operation: Operation, *, by: int | None, now: datetime) -> State:
    """Do one operation to a locked instance: checked, stored, noted, and its effects performed."""
    tree, before = stored_tree(instance.definition_id), load_state(instance.state)
    facts = Recorded(CompanyFacts(tree, case.subject, case.initiator_id, case.department_id, by))
    try:
        outcome = act(tree, before, operation, facts)
    except FlowError as error:
        raise Refused(_(error.message, **error.params), field="note") from error
    check_gates(nodes_left(tree, before, operation, outcome.state), case.subject, outcome.state)
    _store(instance, outcome.state)
    keep_later(instance.id, before, outcome.state)
    _note(instance, tree, before, operation, facts.answers, by=by, now=now)
    acted = getattr(operation, "entry", None)
    perform(Stage(instance.id, case, tree, by, now), outcome.effects, done=acted)
    if by is not None and (note := getattr(operation, "note", "")):  # after the to-dos it led to, which show the case
        about = {"decision": outcome.state.version}
        tell_called(case.subject, note, page_of(case.subject), by=by, now=now, about=about)
    state = _without_leavers(instance, case, outcome, now=now)
    if any(node.kind == "subflow" for node in tree.nodes.values()):
        _end_parts(instance, state, by=by, now=now)
    if instance.halted_at is not None:  # it may move, but nobody is asked and no time runs before it goes on
        _stand_still(instance, case.subject, by=by, now=now)
    return state


def halt(case: Case, *, by: int | None, now: datetime) -> None:
    """Let a running flow wait where it stands, with the flows inside it: its to-dos are cancelled and its time stops."""
    for instance in _with_parts(case.subject):
        instance.halted_at = now  # an ended one too: opened again, it waits as well
        if instance.status == "running":
            _stand_still(instance, (instance.subject_kind, instance.subject_id), by=by, now=now)


def resume(case: Case, *, by: int | None, now: datetime) -> None:
    """Let a flow that waits go on where it stood, with new to-dos, and the steps that came up meanwhile."""
    for instance in _with_parts(case.subject):
        instance.halted_at, parked = None, instance.parked or ()
        instance.parked = None
        if instance.status == "running":
            stage = Stage(instance.id, case_of(instance), stored_tree(instance.definition_id), by, now)
            span_again(stage, load_state(instance.state))
            for step in parked:
                enqueue(STEP, step, now=now)


def _with_parts(subject: tuple[str, int]) -> Sequence[FlowInstance]:
    """Return the flow of a subject and the flows inside it, locked; none where it has none."""
    top = instance_of(*subject)
    if top is None:
        return ()
    found, above = [locked(subject)], [top.id]
    while above:
        inside = select(FlowInstance).where(FlowInstance.parent_id.in_(above)).order_by(FlowInstance.id)
        parts = require_write().scalars(inside.with_for_update()).all()
        found.extend(parts)
        above = [part.id for part in parts]
    return found


def _stand_still(instance: FlowInstance, subject: tuple[str, int], *, by: int | None, now: datetime) -> None:
    end_spans(instance.id, now)
    drop_timers(instance.id)
    for kind in ("stage", HELP):
        close_tasks(subject, kind=kind, by=by, now=now, done=False)


def _end_parts(instance: FlowInstance, state: State, *, by: int | None, now: datetime) -> None:
    """End the flows inside the case that it waits for no more, however it came away from their nodes."""
    here = [token.id for token in state.tokens]
    left = select(FlowInstance).where(
        FlowInstance.parent_id == instance.id, FlowInstance.status == "running",
        FlowInstance.parent_token.is_not(None), FlowInstance.parent_token.not_in(here),
    )  # fmt: skip
    for part in require_write().scalars(left.order_by(FlowInstance.id).with_for_update()).all():
        apply(part, case_of(part), Finish(by, "terminated", _("外层流程已不在等它。")), by=by, now=now)


def _store(instance: FlowInstance, new: State) -> None:
    tree, rows = stored_tree(instance.definition_id), INSTANCES.c
    changed = require_write().execute(
        update(INSTANCES).where(rows.id == instance.id, rows.version == new.version - 1)
        .values(**stored_columns(tree, new)).returning(rows.id)
    ).scalar_one_or_none()  # fmt: skip
    if changed is None:
        raise Conflict(_("别人刚刚作了决定,您的没有保存。请刷新后查看。"))
    require_write().refresh(instance)


def _note(
    instance: FlowInstance, tree: Tree, before: State, operation: Operation, answers: Sequence[Answer], *,
    by: int | None, now: datetime,
) -> None:  # fmt: skip
    data = dump_operation(operation)
    require_write().add(
        FlowDecision(
            instance_id=instance.id, version=before.version + 1, node=node_of(tree, before, operation),
            verdict=verdict_word(tree, before, operation), target=data.get("target", ""), note=data.get("note", ""),
            by=by, on_behalf=_on_behalf(tree, before, operation, by, now), at=now, operation=data, answers=[list(answer) for answer in answers],
        )
    )  # fmt: skip


def _on_behalf(tree: Tree, before: State, operation: Operation, by: int | None, now: datetime) -> int | None:
    """Return whose turn a deputy acted on; None where it was the own one, or nobody's."""
    entry = getattr(operation, "entry", None)
    if entry is None or by is None:
        return None
    turns = (one for token in before.tokens for seat in token.seats for one in seat.chain if one.id == entry)
    turn = next(turns, None)
    return None if turn is None else stood_in_for(turn, by, tree.definition.key, now)


def _without_leavers(instance: FlowInstance, case: Case, outcome: Outcome, *, now: datetime) -> State:
    """Hand over turns that came to somebody who has left since the node was entered."""
    asked = [effect.user for effect in outcome.effects if isinstance(effect, OpenTask) and effect.user is not None]
    state = outcome.state
    for user in set(asked) - set(active(asked)):
        state = apply(instance, case, HandOver(user), by=None, now=now)
    return state
