"""Withdraw an issue that nobody has worked on, as when the import that brought it is taken back."""

from datetime import datetime

from sqlalchemy import exists, select

from qtrace.accounts.models import User
from qtrace.core.db import db, require_write
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.issues.models import Attachment, Comment, Issue

FIRST_VERSION = 1


def withdraw(issue_id: int, *, by: User, now: datetime, note: str) -> str:
    """End the issue's flow inside the open write; return its number, and leave it alone, when somebody has worked on it."""
    issue = require_write().get_one(Issue, issue_id)
    instance = db.session.scalar(
        select(FlowInstance).where(FlowInstance.subject_kind == "issue", FlowInstance.subject_id == issue_id)
    )
    if instance is None or issue.version != FIRST_VERSION or issue.complaint_count or _is_worked_on(issue, instance):
        return issue.number
    case = Case(("issue", issue.id), issue.title, f"/issues/{issue.number}", issue.created_by, issue.department_id)
    decide(case, verdict="terminate", expected_version=instance.moved, by=by, now=now, note=note)
    return ""


def _is_worked_on(issue: Issue, instance: FlowInstance) -> bool:
    said = (
        exists().where(FlowDecision.instance_id == instance.id),
        exists().where(Comment.issue_id == issue.id),
        exists().where(Attachment.issue_id == issue.id),
    )
    return any(db.session.scalar(select(one)) for one in said)
