"""The flows that begin as complaints come in."""

from datetime import datetime

from flask import Flask
from sqlalchemy import select

from qtrace.complaints.flow_fields import seen_of_complaint
from qtrace.complaints.models import Complaint
from qtrace.core.db import require_write
from qtrace.core.events import Event, subscribe
from qtrace.flows.beginning import start_submitted
from qtrace.flows.case import Case
from qtrace.flows.models import FlowInstance
from qtrace.flows.starting import chosen, starts_for

KIND = "complaint"
MOST_TITLE = 60
CHUNK = 500  # a database takes so many numbers in one question


def register(app: Flask) -> None:
    """Listen to complaints that come in."""
    subscribe(app, "complaints_opened", complaints_came_in)


def complaints_came_in(event: Event) -> None:
    """Begin the flow each new complaint asks for; where the company lets none begin, nothing is looked at."""
    starts = starts_for(KIND)
    if not starts:
        return
    ids = list(event.body.get("ids", []))
    for first in range(0, len(ids), CHUNK):
        wanted = select(Complaint).where(Complaint.id.in_(ids[first : first + CHUNK])).order_by(Complaint.id)
        for complaint in require_write().scalars(wanted).all():
            flow = chosen(starts, seen_of_complaint(complaint))
            if flow:
                begin(complaint, flow, by=event.by, now=event.at)


def begin(complaint: Complaint, flow: str, *, by: int | None, now: datetime) -> None:
    """Begin a flow for a complaint that has none: it is handed in as it came."""
    has_one = select(FlowInstance.id).where(FlowInstance.subject_kind == KIND, FlowInstance.subject_id == complaint.id)
    if require_write().scalar(has_one) is None:
        start_submitted(case_of(complaint, initiator_id=by or complaint.created_by), flow=flow, by=by, now=now)


def case_of(complaint: Complaint, *, initiator_id: int | None) -> Case:
    """Return what a flow needs to know of a complaint; without words it is called by its number."""
    title = (complaint.text or complaint.raw_reason)[:MOST_TITLE] or complaint.number
    url = f"/complaints/{complaint.number}"
    return Case((KIND, complaint.id), title, url, initiator_id, complaint.department_id)
