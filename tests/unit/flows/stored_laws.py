"""The laws a stored case keeps: its to-dos, timers, spans and history say the same as its state."""

from collections import Counter

from sqlalchemy import select

from qtrace.core.db import db
from qtrace.flows.definition import ASKING, Tree
from qtrace.flows.instances import stored_tree
from qtrace.flows.later import later_of
from qtrace.flows.models import FlowDecision, FlowInstance, FlowTimer, StageSpan, flow_later
from qtrace.flows.performing import HELP
from qtrace.flows.replaying import replayed
from qtrace.flows.state import State
from qtrace.flows.stored import load_state, stored_columns
from qtrace.tasks.models import Task, task_pool
from tests.unit.flows.laws import check_tokens, open_turns


def check_stored(instance: FlowInstance) -> State:
    """Check everything that is stored of a running or ended case and return its state."""
    state, tree = load_state(instance.state), stored_tree(instance.definition_id)
    for column, value in stored_columns(tree, state).items():
        assert column == "state" or getattr(instance, column) == value
    check_tokens(tree, state)
    check_to_dos(instance, state)
    check_helpers(instance, tree, state)
    timers = select(FlowTimer.token, FlowTimer.kind).where(FlowTimer.instance_id == instance.id)
    assert {tuple(row) for row in db.session.execute(timers)} == armed(tree, state)
    spans = select(StageSpan.token).where(StageSpan.instance_id == instance.id, StageSpan.left_at.is_(None))
    assert sorted(db.session.scalars(spans)) == sorted(token.id for token in state.tokens), "time runs where tokens are"
    later = select(flow_later.c.user_id).where(flow_later.c.instance_id == instance.id)
    assert set(db.session.scalars(later)) == later_of(state), "whoever is asked later is found"
    check_history(instance, state)
    return state


def check_to_dos(instance: FlowInstance, state: State) -> None:
    """The open to-dos are the open turns: of the same people, or to be claimed by the same."""
    statement = select(Task).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.kind == "stage",
    )  # fmt: skip
    tasks, turns = {task.entry: task for task in db.session.scalars(statement)}, open_turns(state)
    assert tasks.keys() == turns.keys()
    for number, turn in turns.items():
        task = tasks[number]
        assert task.owner_id == turn.user
        if turn.user is None and not task.role_key:
            pool = db.session.scalars(select(task_pool.c.user_id).where(task_pool.c.task_id == task.id))
            assert set(pool) == set(turn.pool)


def check_helpers(instance: FlowInstance, tree: Tree, state: State) -> None:
    """Departments are asked for their part only where a case stands, and once each."""
    asked = select(Task.node).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.kind == HELP,
    )  # fmt: skip
    here = Counter({token.node: len(tree.nodes[token.node].helpers) for token in state.tokens})
    assert Counter(db.session.scalars(asked)) <= here


def armed(tree: Tree, state: State) -> set[tuple[int, str]]:
    """Return the timers the live tokens need: when their time is up, or when a wait is over."""
    kinds = {"timer": "wake", "auto": "fail", "subflow": "fail"}
    found = {(token.id, tree.nodes[token.node].kind) for token in state.tokens}
    return {(token, "due" if kind in ASKING else kinds[kind]) for token, kind in found}


def check_history(instance: FlowInstance, state: State) -> None:
    """Every change is in the history once, and the history leads to where the case stands."""
    rows = select(FlowDecision.version).where(FlowDecision.instance_id == instance.id).order_by(FlowDecision.version)
    versions = list(db.session.scalars(rows))
    assert versions == list(range(2, state.version + 1))
    assert replayed(instance) == state
