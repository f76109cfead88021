"""What clocks are driven by in tests: the minutes of the worker, decisions, and what is stored against what follows."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.calendars.alarms import TICK
from qtrace.calendars.clock_service import clocks_of
from qtrace.core.db import db, write
from qtrace.core.jobs import enqueue, run_one
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide
from qtrace.flows.models import FlowInstance
from qtrace.issues.clock_sync import issue_clocks
from qtrace.issues.models import Issue
from tests.conftest import user_id


def tick(now: datetime) -> None:
    """Let the worker's minute pass."""
    with write():
        enqueue(TICK, {}, now=now)
    while run_one(clock=lambda: now):
        pass


def stored(issue_id: int) -> dict[str, Any]:
    db.session.remove()
    return {row.kind: clock for row, clock in clocks_of(("issue", issue_id))}


def replayed(issue_id: int) -> dict[str, Any]:
    return {kind: kept.clock for kind, kept in issue_clocks(issue_id).items()}


def decided(issue_id: int, verdict: Any, now: datetime) -> None:
    with write() as session:
        issue, lead = session.get_one(Issue, issue_id), session.get_one(User, user_id("quality_lead"))
        instance = session.scalars(select(FlowInstance).where(FlowInstance.subject_id == issue_id)).one()
        case = Case(("issue", issue_id), issue.title, "/", issue.created_by, issue.department_id)
        decide(case, verdict=verdict, expected_version=instance.moved, by=lead, now=now, note="复核")
