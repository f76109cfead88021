"""What flows do when a to-do is claimed or handed over on its own page, and when a person leaves."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select, union

from qtrace.core.db import require_write
from qtrace.core.errors import NotFound
from qtrace.core.events import Event
from qtrace.flows.instances import case_of, locked
from qtrace.flows.models import FlowInstance, flow_later
from qtrace.flows.service import apply
from qtrace.flows.state import Claim, HandOver, Operation, Transfer
from qtrace.flows.stored import load_state
from qtrace.tasks.models import Task


def follow_claim(event: Event) -> None:
    """Let the turn be the person's who claimed its to-do, or for whom a deputy did."""
    task, owner = _task(event), event.body.get("owner")
    if task is not None and task.entry is not None and isinstance(owner, int):
        _apply(task, Claim(task.entry, owner, admitted=True), event)


def follow_transfer(event: Event) -> None:
    """Let the turn be the person's whom its to-do was handed to."""
    task, owner = _task(event), event.body.get("owner")
    to = owner.get("new") if isinstance(owner, dict) else owner
    if task is not None and task.entry is not None and event.by is not None and isinstance(to, int):
        _apply(task, Transfer(task.entry, event.by, to, event.reason), event)


def follow_people(event: Event) -> None:
    """Give the turns of a person who was switched off to who stands above."""
    active = event.body.get("active")
    if isinstance(active, dict) and active.get("new") is False:
        hand_over_all(event.subject_id, None, by=event.by, now=event.at)


def hand_over_all(user_id: int, to: int | None, *, by: int | None, now: datetime) -> int:
    """Give every turn of a person in running cases, those to come too, to another, or to who stands above; return how many cases changed."""
    asked = select(FlowInstance.id).join(
        Task, (Task.subject_kind == FlowInstance.subject_kind) & (Task.subject_id == FlowInstance.subject_id)
    ).where(Task.owner_id == user_id, Task.state == "open", Task.kind == "stage")  # fmt: skip
    later = select(flow_later.c.instance_id).where(flow_later.c.user_id == user_id)
    statement = (
        select(FlowInstance).where(FlowInstance.id.in_(union(asked, later)), FlowInstance.status == "running")
        .order_by(FlowInstance.id).with_for_update()
    )  # fmt: skip
    found = require_write().scalars(statement).all()
    for instance in found:
        apply(instance, case_of(instance), HandOver(user_id, to, by), by=by, now=now)
    return len(found)


FOLLOW: Mapping[str, Callable[[Event], None]] = {
    "task_claimed": follow_claim, "task_transferred": follow_transfer, "user_changed": follow_people,
}  # fmt: skip


def _task(event: Event) -> Task | None:
    task = require_write().get(Task, event.body.get("task"))
    return task if task is not None and task.kind == "stage" else None


def _apply(task: Task, operation: Operation, event: Event) -> None:
    """Do it unless the turn is so already: what the flow itself assigned is told by the same event."""
    try:
        instance = locked((task.subject_kind, task.subject_id))
    except NotFound:
        return
    for token in load_state(instance.state).tokens:
        for seat in token.seats:
            for entry in seat.chain:
                if entry.id == task.entry and entry.user != task.owner_id:
                    apply(instance, case_of(instance), operation, by=event.by, now=event.at)
                    return
