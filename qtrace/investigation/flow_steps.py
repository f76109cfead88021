"""What a flow may do by itself with an issue: plan an action."""

from datetime import timedelta

from flask import Flask
from flask_babel import gettext as _

from qtrace.core.db import require_write
from qtrace.flows.effects import register_effect
from qtrace.flows.standing import StepCase
from qtrace.investigation.service import NewAction, plan_action
from qtrace.issues.models import Issue
from qtrace.sdk.flow_nodes import PlanAction


def register(app: Flask) -> None:
    """Offer it to automatic nodes."""
    register_effect(app, PlanAction, "issue", plan)


def plan(found: StepCase, effect: PlanAction) -> str:
    """Plan a corrective action for who has the issue, or for who opened it."""
    issue = require_write().get_one(Issue, found.about[1])
    new = NewAction(
        kind="corrective", text=effect.text, owner_id=issue.owner_id or found.instance.initiator_id,
        due_at=found.now + timedelta(days=effect.days),
    )  # fmt: skip
    plan_action(issue, new, by=None, now=found.now)
    return _("安排了整改:%(text)s", text=effect.text[:60])
