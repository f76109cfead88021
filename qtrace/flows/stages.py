"""The stages of a flow as the pages of its subject show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import get_locale
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.flows.definition import ASKING, Definition, Node, Tree
from qtrace.flows.engine import return_targets
from qtrace.flows.models import FlowInstance, StageSpan
from qtrace.flows.service import may_decide, stored_tree, turn_for
from qtrace.flows.stored import load_state

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
    following: str
    targets: list[tuple[str, str]]
    ended: str  # "", closed or terminated


@dataclass(frozen=True)
class StageName:
    """What a stage is called and which one of how many it is."""

    label: str
    position: int
    count: int


def stages_of(definition: Definition) -> list[Node]:
    """Return the nodes at which somebody is asked, from top to bottom."""
    return [node for node in Tree(definition).walk() if node.kind in ASKING]


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
        for node in stages_of(definition)
    ]  # fmt: skip


def decision_box(flow: Flow | None, user: User) -> DecisionBox | None:
    """Return the box, or None when the person may not decide here."""
    if flow is None:
        return None
    definition, instance = flow
    names = names_of(definition)
    if instance.status != "running" or instance.node is None:
        may = instance.status != "terminated" and may_decide(definition, instance, user)
        return DecisionBox(instance.moved, "", "", [], instance.status) if may else None
    if not may_decide(definition, instance, user):
        return None
    tree, state = stored_tree(instance.definition_id), load_state(instance.state)
    found = turn_for(tree, instance, state, user)
    back = return_targets(tree, state, found[1].id) if found else ()
    following = tree.following(instance.node)
    label = names[following].label if following in names else ""
    targets = [(node, names[node].label) for node in back]
    return DecisionBox(instance.moved, names[instance.node].label, label, targets, "")


def _state(
    node: str, names: Mapping[str, StageName], instance: FlowInstance, here: set[str], visited: set[str], *, late: bool
) -> str:
    if node in here:
        return "late" if late else "now"
    if instance.status == "closed":
        return "done" if node in visited else ""
    reached = max((names[one].position for one in here if one in names), default=0)
    return "done" if node in visited and names[node].position < reached else ""
