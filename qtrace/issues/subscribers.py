"""Keep the issue in step with its flow: stage, owner, due time and status follow the flow's own events."""

from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm.util import identity_key

from qtrace.core.db import require_write, table_of
from qtrace.core.events import Event, subscribe
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task


def subscribe_all(app: Flask) -> None:
    """Listen to the flow and to the to-dos of the stages."""
    subscribe(app, "stage_entered", stage_entered)
    subscribe(app, "flow_closed", flow_closed)
    subscribe(app, "flow_terminated", flow_terminated)
    subscribe(app, "flow_reopened", flow_reopened)
    subscribe(app, "task_claimed", task_moved)
    subscribe(app, "task_transferred", task_moved)


def stage_entered(event: Event) -> None:
    """Put the issue into the stage with its owner and due time."""
    due = event.body.get("due_at")
    _set(
        event, stage=event.body["node"], due_at=datetime.fromisoformat(due) if due else None,
        owner_id=event.body.get("owner_id"), status="open", closed_at=None,
    )  # fmt: skip


def flow_closed(event: Event) -> None:
    """Close the issue."""
    _set(event, status="closed", closed_at=event.at, due_at=None)


def flow_terminated(event: Event) -> None:
    """End the issue without a proof."""
    _set(event, status="terminated", closed_at=event.at, due_at=None)


def flow_reopened(event: Event) -> None:
    """Open the issue again at the stage the flow names."""
    _set(event, status="open", closed_at=None, stage=event.body["node"])


def task_moved(event: Event) -> None:
    """Let the issue's owner follow the to-do of its stage."""
    owner = event.body.get("owner")
    new_owner = owner.get("new") if isinstance(owner, dict) else owner
    kind = require_write().scalar(select(Task.kind).where(Task.id == event.body.get("task")))
    if kind == "stage":
        _set(event, owner_id=new_owner)


def _set(event: Event, **values: Any) -> None:
    if event.subject_kind != "issue":
        return
    session = require_write()
    issue = session.identity_map.get(identity_key(Issue, event.subject_id))
    if issue is None:
        session.execute(update(table_of(Issue)).where(table_of(Issue).c.id == event.subject_id).values(**values))
        return
    for name, value in values.items():  # an issue opened in this transaction stands as it was inserted
        setattr(issue, name, value)
