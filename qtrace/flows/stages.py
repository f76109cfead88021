"""The stages of a flow as the pages of its subject show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import get_locale
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.flows.engine import Definition, State, return_targets
from qtrace.flows.models import FlowInstance, StageSpan
from qtrace.flows.service import may_decide

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


def names_of(definition: Definition) -> dict[str, StageName]:
    """Return the stages of a definition in the reader's language."""
    english = str(get_locale() or "zh").startswith("en")
    count = len(definition.nodes)
    return {
        node.id: StageName(node.name_en if english else node.name_zh, position, count)
        for position, node in enumerate(definition.nodes, start=1)
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
    names = names_of(definition)
    return [
        Step(
            names[node.id].label, _state(node.id, names, instance, late=late), entered.get(node.id), spent.get(node.id)
        )
        for node in definition.nodes
    ]


def decision_box(flow: Flow | None, user: User) -> DecisionBox | None:
    """Return the box, or None when the person may not decide here."""
    if flow is None:
        return None
    definition, instance = flow
    names = names_of(definition)
    if instance.status != "running" or instance.node is None:
        may = instance.status == "closed" and may_decide(definition, instance, user)
        return DecisionBox(instance.version, "", "", [], instance.status) if may else None
    if not may_decide(definition, instance, user):
        return None
    state = State(instance.node, "running", instance.version, tuple(instance.visits))
    place = definition.index(instance.node) + 1
    following = names[definition.nodes[place].id].label if place < len(definition.nodes) else ""
    targets = [(node, names[node].label) for node in return_targets(definition, state)]
    return DecisionBox(instance.version, names[instance.node].label, following, targets, "")


def _state(node: str, names: Mapping[str, StageName], instance: FlowInstance, *, late: bool) -> str:
    if instance.status == "closed":
        return "done"
    if node == instance.node:
        return "late" if late else "now"
    current = names.get(instance.node or "")
    return "done" if current and names[node].position < current.position else ""
