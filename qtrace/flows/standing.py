"""A case that waits at a node for something outside: where it stands, what it is about, and letting it go on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from qtrace.core.db import db, require_write
from qtrace.flows.case import Case
from qtrace.flows.definition import Node
from qtrace.flows.instances import case_of, stored_tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.roots import root_of
from qtrace.flows.service import apply
from qtrace.flows.state import Signal
from qtrace.flows.stored import load_state

MOST_NOTE = 500


@dataclass(frozen=True)
class StepCase:
    """The case a step works on."""

    instance: FlowInstance
    node: Node
    token: int
    now: datetime

    @property
    def case(self) -> Case:
        """Return what the flow knows of its subject."""
        return case_of(self.instance)

    @property
    def about(self) -> tuple[str, int]:
        """Return the subject the case is about: of a flow inside a flow that of the outermost case."""
        return root_of(*self.case.subject)


def standing(instance_id: int, token: int, now: datetime, *, locked: bool = True) -> StepCase | None:
    """Return the case where it stands, with its row locked for who changes it; None where the token has gone on."""
    statement = select(FlowInstance).where(FlowInstance.id == instance_id)
    if locked:
        require_write()
        statement = statement.with_for_update().execution_options(populate_existing=True)
    instance = db.session.scalar(statement)
    if instance is None or instance.status != "running":
        return None
    place = next((one.node for one in load_state(instance.state).tokens if one.id == token), None)
    if place is None:
        return None
    return StepCase(instance, stored_tree(instance.definition_id).nodes[place], token, now)


def go_on(found: StepCase, *, passed: bool, note: str) -> None:
    """Let the case leave the node, the node's way for a failure where it did not pass."""
    apply(found.instance, found.case, Signal(found.token, passed, "", note[:MOST_NOTE]), by=None, now=found.now)
