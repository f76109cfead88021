"""Which flow begins for what comes in: the first whose condition holds, among those the company lets begin by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.condition_fields import Seen, true_of
from qtrace.flows.models import FlowDefinition, FlowStart
from qtrace.flows.subjects import flow_subjects


@dataclass(frozen=True)
class NewStart:
    """For which subjects a flow begins; no condition means for all of the kind."""

    flow: str
    subject_kind: str
    condition: dict[str, Any] | None = None


def starts_for(kind: str) -> Sequence[FlowStart]:
    """Return what may begin for subjects of this kind, in the order it is asked; of flows that are in use only."""
    used = select(FlowDefinition.key).where(FlowDefinition.active)
    statement = select(FlowStart).where(FlowStart.subject_kind == kind, FlowStart.flow.in_(used))
    return db.session.scalars(statement.order_by(FlowStart.position, FlowStart.id)).all()


def starts_of(flow: str) -> Sequence[FlowStart]:
    """Return for what a flow begins by itself."""
    return db.session.scalars(select(FlowStart).where(FlowStart.flow == flow).order_by(FlowStart.id)).all()


def chosen(starts: Sequence[FlowStart], seen: Seen) -> str:
    """Return the flow that begins for a subject that is seen so; empty where none does."""
    found = (start.flow for start in starts if start.condition is None or true_of(start.condition, seen))
    return next(found, "")


def set_start(new: NewStart, *, by: int, now: datetime) -> None:
    """Let a flow begin for subjects of a kind, or change when it does; the newest is asked last."""
    session = require_write()
    subject = flow_subjects().get(new.subject_kind)
    if subject is None or not subject.begins:
        raise Refused(_("请选择流程用在什么上。"), field="subject_kind")
    if session.scalar(select(FlowDefinition.id).where(FlowDefinition.key == new.flow).limit(1)) is None:
        raise NotFound
    row = session.scalar(
        select(FlowStart).where(FlowStart.flow == new.flow, FlowStart.subject_kind == new.subject_kind)
    )
    if row is None:
        last = session.scalar(select(func.max(FlowStart.position)).where(FlowStart.subject_kind == new.subject_kind))
        row = FlowStart(flow=new.flow, subject_kind=new.subject_kind, position=(last or 0) + 1)
        session.add(row)
    row.condition = new.condition
    session.flush()
    body = {"flow": new.flow, "kind": new.subject_kind, "condition": new.condition}
    events.record("flow_start_set", subject=("flow_start", row.id), by=by, now=now, body=body)


def drop_start(start_id: int, *, by: int, now: datetime) -> None:
    """Let a flow no longer begin by itself; NotFound when that is so already."""
    session = require_write()
    row = session.get(FlowStart, start_id)
    if row is None:
        raise NotFound
    body = {"flow": row.flow, "kind": row.subject_kind}
    session.execute(delete(FlowStart).where(FlowStart.id == start_id))
    events.record("flow_start_dropped", subject=("flow_start", start_id), by=by, now=now, body=body)
