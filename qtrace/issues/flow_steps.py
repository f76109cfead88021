"""What a flow may do by itself with a complaint: open the issue that holds it."""

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.complaints.models import Complaint
from qtrace.core.db import require_write
from qtrace.core.errors import Refused
from qtrace.flows.steps import Step, StepCase, register_step
from qtrace.issues.opening import open_issue_from


def register(app: Flask) -> None:
    """Offer the step to automatic nodes."""
    register_step(app, "open_issue", Step(_l("为这条客诉立案"), open_issue))


def open_issue(step: StepCase) -> None:
    """Open an issue for the complaint; one that an issue holds already is left there."""
    kind, complaint_id = step.case.subject
    if kind != "complaint":
        raise Refused(_("只有客诉可以立案。"))
    complaint = require_write().get_one(Complaint, complaint_id)
    if complaint.issue_id is None:
        open_issue_from([complaint], by=step.instance.initiator_id, now=step.now)
