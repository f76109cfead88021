"""Complaints that go through a flow: sent there by who handles them, decided on their own page."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.core.errors import Forbidden, Refused
from qtrace.flows.impact import flows_for
from qtrace.flows.service import Case, Verdict, active_definition, decide, definition_of, start_submitted

KIND = "complaint"
MOST_TITLE = 60


def case_of(complaint: Complaint, by: User | None = None) -> Case:
    """Return what a flow needs to know of a complaint; who sends it there has started it."""
    flow = definition_of(KIND, complaint.id)
    initiator = flow[1].initiator_id if flow else by.id if by else complaint.created_by
    department = complaint.department_id or (by.department_id if by else None)
    title = (complaint.text or complaint.raw_reason)[:MOST_TITLE] or complaint.number
    return Case((KIND, complaint.id), title, f"/complaints/{complaint.number}", initiator, department)


def begin(complaint: Complaint, key: str, *, by: User, now: datetime) -> None:
    """Send a complaint through a flow, once; who begins it needs what its first step asks."""
    if definition_of(KIND, complaint.id) is not None:
        raise Refused(_("这条客诉已经在流程里了。"), "flow")
    found = active_definition(key) if key in flows_for(KIND) else None
    if found is None:
        raise Refused(_("请从列出的流程里选一个。"), "flow")
    if not by.can(found[1].first.permission or "complaint.handle"):
        raise Forbidden
    start_submitted(case_of(complaint, by), flow=key, by=by.id, now=now)


def decide_on(
    complaint: Complaint, verdict: Verdict, *, version: int, by: User, now: datetime, note: str, target: str
) -> None:
    """Decide on where the complaint stands in its flow."""
    case = case_of(complaint)
    decide(case, verdict=verdict, expected_version=version, by=by, now=now, note=note, target=target or None)


def describe_tasks(complaint_ids: Sequence[int]) -> Mapping[int, str]:
    """Return what a to-do about each complaint says of it."""
    rows = db.session.execute(select(Complaint.id, Complaint.number).where(Complaint.id.in_(complaint_ids)))
    return {row.id: _("客诉 %(number)s", number=row.number) for row in rows}
