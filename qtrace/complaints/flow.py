"""Complaints sent through a flow by who handles them; where they stand there, and who has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import Role, User
from qtrace.complaints.flow_starts import KIND, begin
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.core.errors import Forbidden, Refused
from qtrace.flows.impact import flows_for
from qtrace.flows.instances import active_definition, definition_of, stored_tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.naming import flow_name
from qtrace.flows.stages import Step, names_of, stage_steps
from qtrace.flows.titles import HIDDEN
from qtrace.tasks.models import Task
from qtrace.tasks.queries import mine
from qtrace.web.filters import localised, show_money


@dataclass(frozen=True)
class Turn:
    """One open to-do of a complaint: what it is, who has it, and its number where the reader may act on it."""

    node: str
    holder: str
    task: int | None


@dataclass(frozen=True)
class Standing:
    """Where a complaint stands in its flow."""

    name: str
    status: str
    steps: Sequence[Step]
    turns: Sequence[Turn]


def send(complaint: Complaint, key: str, *, by: User, now: datetime) -> None:
    """Send a complaint through a flow, once; who does it needs what the flow's first step asks."""
    if definition_of(KIND, complaint.id) is not None:
        raise Refused(_("这条客诉已经在流程里了。"), "flow")
    found = active_definition(key) if key in flows_for(KIND) else None
    if found is None:
        raise Refused(_("请从列出的流程里选一个。"), "flow")
    if not by.can(found[1].first.permission or "complaint.handle"):
        raise Forbidden
    begin(complaint, key, by=by.id, now=now)


def standing(complaint: Complaint, user: User, now: datetime) -> Standing | None:
    """Return where the complaint stands in its flow; None where it has none."""
    flow = definition_of(KIND, complaint.id)
    if flow is None:
        return None
    names = names_of(flow[0])
    statement = (
        select(Task, User.name, Role, mine(user)).outerjoin(User, User.id == Task.owner_id)
        .outerjoin(Role, Role.key == Task.role_key)
        .where(
            Task.subject_kind == KIND, Task.subject_id == complaint.id, Task.state == "open", Task.kind == "stage"
        ).order_by(Task.id)
    )  # fmt: skip
    turns = [
        Turn(
            names[task.node].label if task.node in names else task.node,
            name or (localised(role) if role else _("等待领取")), task.id if own else None,
        )
        for task, name, role, own in db.session.execute(statement)
    ]  # fmt: skip
    return Standing(flow_name(flow[0]), flow[1].status, stage_steps(flow, now), turns)


def describe_tasks(complaint_ids: Sequence[int]) -> Mapping[int, str]:
    """Return what a to-do about each complaint says of it."""
    rows = db.session.execute(
        select(Complaint.id, Complaint.number, Complaint.amount_minor, Complaint.currency).where(
            Complaint.id.in_(complaint_ids)
        )
    )
    untold = _without_amount(complaint_ids)
    return {row.id: _described(row.number, 0 if row.id in untold else row.amount_minor, row.currency) for row in rows}


def _without_amount(complaint_ids: Sequence[int]) -> set[int]:
    """Return the complaints whose flow hides the amount from somebody: a line that everybody reads leaves it out."""
    flows = select(FlowInstance.subject_id, FlowInstance.definition_id).where(
        FlowInstance.subject_kind == KIND, FlowInstance.subject_id.in_(complaint_ids)
    )
    return {
        row.subject_id for row in db.session.execute(flows)
        if any(node.fields.get("amount") == HIDDEN for node in stored_tree(row.definition_id).nodes.values())
    }  # fmt: skip


def _described(number: str, amount_minor: int, currency: str) -> str:
    if not amount_minor:
        return _("客诉 %(number)s", number=number)
    return _("客诉 %(number)s · %(amount)s", number=number, amount=show_money(amount_minor, currency))
