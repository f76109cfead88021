"""What a flow may do by itself with an issue: plan an action that is called as its node is."""

from datetime import timedelta

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.core.db import require_write
from qtrace.core.errors import Refused
from qtrace.flows.steps import Step, StepCase, register_step
from qtrace.investigation.service import NewAction, plan_action
from qtrace.issues.models import Issue

DUE_DAYS = 7


def register(app: Flask) -> None:
    """Offer the step to automatic nodes."""
    register_step(app, "plan_action", Step(_l("给负责人安排一项整改,内容是节点的名称"), plan))


def plan(step: StepCase) -> None:
    """Plan a corrective action for who has the issue, or for who opened it."""
    kind, issue_id = step.case.subject
    if kind != "issue":
        raise Refused(_("只有质量问题可以安排整改。"))
    issue = require_write().get_one(Issue, issue_id)
    owner = issue.owner_id or step.instance.initiator_id
    new = NewAction(
        kind="corrective", text=step.node.name_zh, owner_id=owner, due_at=step.now + timedelta(days=DUE_DAYS)
    )
    plan_action(issue, new, by=None, now=step.now)
