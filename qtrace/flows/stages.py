"""The stages of a flow as the pages of its subject show them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import get_locale
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.flows.deciding import asks_more
from qtrace.flows.definition import ASKING, Definition, Node, Tree
from qtrace.flows.engine import return_targets
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowInstance, StageSpan
from qtrace.flows.rights import may_decide, turn_for
from qtrace.flows.state import State
from qtrace.flows.stored import load_state
from qtrace.tasks.models import Task
from qtrace.tasks.queries import mine

Flow = tuple[Definition, FlowInstance]


@dataclass(frozen=True)
class Step:
    """One segment of the stage bar."""

    label: str
    state: str  # "", done, now, late
    entered_at: datetime | None
    seconds: float | None  # spent in it, all visits together


@dataclass(frozen=True)
class DecisionBox:
    """What the person may decide now: the stage, where it leads, where it may go back to."""

    version: int
    stage: str
    following: str  # the next stage, empty where that is not known yet
    is_last: bool
    targets: list[tuple[str, str]]
    ended: str  # "", closed or terminated
    needs_note: bool = False
    elsewhere: str = ""  # why it is not decided here but from the to-do
    task: int | None = None  # the person's to-do, where it is decided elsewhere


@dataclass(frozen=True)
class StageName:
    """What a stage is called and which one of how many it is."""

    label: str
    position: int
    count: int


def stages_of(definition: Definition) -> list[Node]:
    """Return the nodes at which somebody is asked, from top to bottom."""
    return [node for node in Tree(definition).walk() if node.kind in ASKING]


def way_of(tree: Tree, state: State, *, running: bool) -> list[Node]:
    """Return the stages of one case: passed, live, and surely to come; a branch that may still be taken, or was not, is none."""
    met = {*state.visits, *(token.node for token in state.tokens)}
    taken = {step for node in met for step in tree.places[node]}
    return [
        node
        for node in tree.walk()
        if node.kind in ASKING and (node.id in met or (running and _is_sure(tree, node, taken)))
    ]


def _is_sure(tree: Tree, node: Node, taken: set[tuple[str, str]]) -> bool:
    return all(step in taken or tree.nodes[step[0]].kind == "parallel" for step in tree.places[node.id])


def names_of(definition: Definition) -> dict[str, StageName]:
    """Return the stages of a definition in the reader's language."""
    english = str(get_locale() or "zh").startswith("en")
    nodes = stages_of(definition)
    return {
        node.id: StageName(node.name_en if english else node.name_zh, position, len(nodes))
        for position, node in enumerate(nodes, start=1)
    }


def stage_steps(flow: Flow | None, now: datetime, *, late: bool = False) -> list[Step]:
    """Return the stage bar: what is done, what is running or `late`, and the time each took."""
    if flow is None:
        return []
    definition, instance = flow
    spans = db.session.scalars(
        select(StageSpan).where(StageSpan.instance_id == instance.id).order_by(StageSpan.entered_at, StageSpan.id)
    ).all()
    spent: dict[str, float] = {}
    entered: dict[str, datetime] = {}
    for span in spans:
        entered.setdefault(span.node, span.entered_at)
        spent[span.node] = spent.get(span.node, 0) + ((span.left_at or now) - span.entered_at).total_seconds()
    names, state = names_of(definition), load_state(instance.state)
    here = {token.node for token in state.tokens}
    return [
        Step(
            names[node.id].label, _state(node.id, names, instance, here, set(state.visits), late=late),
            entered.get(node.id), spent.get(node.id),
        )
        for node in way_of(stored_tree(instance.definition_id), state, running=instance.status == "running")
    ]  # fmt: skip


def decision_box(flow: Flow | None, user: User) -> DecisionBox | None:
    """Return the box, or None when the person may not decide here."""
    if flow is None:
        return None
    definition, instance = flow
    names = names_of(definition)
    if instance.status != "running" or instance.node is None:
        may = instance.status != "terminated" and may_decide(definition, instance, user)
        return DecisionBox(instance.moved, "", "", False, [], instance.status) if may else None
    if not may_decide(definition, instance, user):
        return None
    tree, state = stored_tree(instance.definition_id), load_state(instance.state)
    found = turn_for(tree, instance, state, user)
    back = return_targets(tree, state, found[1].id) if found else ()
    following = next_stop(tree, instance.node)
    label = names[following].label if following in names else ""
    targets = [(node, names[node].label) for node in back]
    box = DecisionBox(instance.moved, names[instance.node].label, label, following is None, targets, "")
    return box if found is None else _demanding(box, tree, state, tree.nodes[found[0].node], instance, user)


def next_stop(tree: Tree, node_id: str) -> str | None:
    """Return where a case stops next: a stage, or a split whose way is not known yet; None where the flow ends."""
    found = tree.below(node_id)
    while found is not None and tree.nodes[found].kind not in ASKING and not tree.nodes[found].branches:
        found = tree.below(found)
    return found


def _demanding(
    box: DecisionBox, tree: Tree, state: State, node: Node, instance: FlowInstance, user: User
) -> DecisionBox:
    """Return the box with what the node demands of who decides."""
    told = asks_more(tree, state, node)
    own = select(Task.id).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.kind == "stage", Task.node == node.id, mine(user),
    )  # fmt: skip
    task = db.session.scalar(own.order_by(Task.id).limit(1)) if told else None
    return replace(box, needs_note=node.demands.opinion, elsewhere=told, task=task)


def _state(
    node: str, names: Mapping[str, StageName], instance: FlowInstance, here: set[str], visited: set[str], *, late: bool
) -> str:
    if node in here:
        return "late" if late else "now"
    if instance.status == "closed":
        return "done" if node in visited else ""
    reached = max((names[one].position for one in here if one in names), default=0)
    return "done" if node in visited and names[node].position < reached else ""
