"""Verbs of the investigation on actions, their effect and costs; each records what changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import require_write
from qtrace.core.errors import Conflict, Forbidden, NotFound, Refused
from qtrace.core.money import to_decimal, to_minor
from qtrace.investigation.data import MATURE_DAYS, Measured, measure
from qtrace.investigation.models import FINISH, Action, CostLine, EffectCheck, Why
from qtrace.investigation.words import long_text, said
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, close_tasks, open_task

ACTION_KINDS = ("containment", "correction", "corrective", "preventive")
COST_CATEGORIES = ("prevention", "appraisal", "internal", "external")
PAYERS = ("company", "supplier", "courier")


@dataclass(frozen=True, kw_only=True)
class NewAction:
    """What shall be done, by whom and until when."""

    kind: str
    text: str
    owner_id: int | None
    due_at: datetime | None
    why_id: int | None = None


def plan_action(issue: Issue, new: NewAction, *, by: int | None, now: datetime) -> int:
    """Plan an action and give its owner a to-do."""
    if new.kind not in ACTION_KINDS:
        raise Refused(_("请选择措施的类别。"), field="kind")
    text = said(new.text, "text")
    session = require_write()
    owner = session.get(User, new.owner_id) if new.owner_id else None
    if owner is None or not owner.active:
        raise Refused(_("请选择措施的负责人。"), field="owner_id")
    _require_able(owner, "owner_id")
    if new.why_id is not None and not _is_answer_of(issue.id, new.why_id):
        raise NotFound
    action = Action(
        issue_id=issue.id, kind=new.kind, text=text, owner_id=owner.id, due_at=new.due_at, why_id=new.why_id,
        created_at=now, created_by=by,
    )  # fmt: skip
    session.add(action)
    session.flush()  # the to-do names the action
    open_task(
        NewTask(
            kind="action", subject=("issue", issue.id), node=_node(action.id), title=text,
            url=f"/issues/{issue.number}#action-{action.id}", owner_id=owner.id, department_id=owner.department_id,
            due_at=new.due_at, detail=issue.title,
        ),
        by=by, now=now,
    )  # fmt: skip
    body = {"action": action.id, "kind": new.kind, "text": text, "owner": owner.name}
    events.record("action_planned", subject=("issue", issue.id), by=by, now=now, body=body)
    return action.id


def finish_action(
    issue_id: int, action_id: int, *, proof: str, effective_at: datetime | None, version: int, by: int, now: datetime
) -> None:
    """Mark an action as done with its proof: its owner may, and who investigates; from then on goods are better."""
    action = _locked(issue_id, action_id)
    _require_finisher(action, by)
    _require_open(action, version)
    proof = long_text(proof)
    if not proof:
        raise Refused(_("请写一句怎么证明已完成,例如文件名或照片说明。"), field="proof")
    action.done_at, action.done_by, action.proof = now, by, proof
    action.effective_at = effective_at or now
    action.version += 1
    _close_task(action, by=by, now=now)
    body = {"action": action_id, "text": action.text, "proof": action.proof}
    events.record("action_done", subject=("issue", issue_id), by=by, now=now, body=body)


def cancel_action(issue_id: int, action_id: int, *, version: int, reason: str, by: int, now: datetime) -> None:
    """Cancel an action with a reason."""
    action = _locked(issue_id, action_id)
    _require_open(action, version)
    reason = long_text(reason)
    if not reason:
        raise Refused(_("请写明为什么取消。"), field="reason")
    _cancel(action, reason=reason, by=by, now=now)


def cancel_open_actions(issue_id: int, *, reason: str, by: int | None, now: datetime) -> None:
    """Cancel every open action of an issue that ends without a result, so that no to-do is left behind."""
    statement = select(Action).where(
        Action.issue_id == issue_id, Action.done_at.is_(None), Action.cancelled_at.is_(None)
    )
    for action in require_write().scalars(statement.order_by(Action.id).with_for_update()).all():
        _cancel(action, reason=reason, by=by, now=now)


def hand_over_action(task_id: int, *, owner_id: int) -> None:
    """Let an action's owner follow its to-do; refused for who could not finish it. To-dos of stages have no action."""
    session = require_write()
    node = session.scalar(select(Task.node).where(Task.id == task_id, Task.kind == "action"))
    if node:
        _require_able(session.get_one(User, owner_id), "to")
        changed = update(Action).where(Action.id == int(node.removeprefix(_node(""))), Action.done_at.is_(None))
        session.execute(changed.values(owner_id=owner_id))


def check_effect(
    issue: Issue, *, effective_at: datetime, accepted: bool, note: str, by: int, now: datetime,
    mature_days: int = MATURE_DAYS,
) -> EffectCheck:  # fmt: skip
    """Judge the effect on the data as it stands and keep the judgement; too little data is accepted with a reason only."""
    if effective_at > now:
        raise Refused(_("生效日不能在将来。"), field="effective_at")
    found = measure(issue, effective_at=effective_at, now=now, mature_days=mature_days)
    verdict, note = found.verdict.verdict, long_text(note)
    if accepted and verdict != "improved" and not note:
        raise Refused(_("数据没有显示改善。要通过,请写明理由。"), field="note")
    return keep_check(issue, found, accepted=accepted, note=note, by=by, now=now)


def keep_check(
    issue: Issue, found: Measured, *, accepted: bool, note: str, by: int | None, now: datetime
) -> EffectCheck:
    """Keep a judgement of the effect with every figure it rests on; without a person it was the program's."""
    verdict = found.verdict.verdict
    check = EffectCheck(
        issue_id=issue.id, effective_at=found.effective_at, scope=found.scope, figures=found.figures(),
        verdict=verdict, accepted=accepted, note=note, by=by, at=now,
    )  # fmt: skip
    require_write().add(check)
    body = {"verdict": verdict, "accepted": accepted, "figures": found.figures()}
    events.record("effect_checked", subject=("issue", issue.id), by=by, now=now, body=body, reason=note)
    return check


def add_cost(issue_id: int, values: Mapping[str, str], *, by: int, now: datetime) -> None:
    """Add a cost line; the amount is in major units."""
    if values.get("category") not in COST_CATEGORIES or values.get("payer") not in PAYERS:
        raise Refused(_("请选择成本类别和承担方。"), field="category")
    amount = read_amount(values.get("amount", ""))
    line = CostLine(
        issue_id=issue_id, category=values["category"], payer=values["payer"], amount_minor=amount,
        note=long_text(values.get("note", ""))[:300], by=by, at=now,
    )  # fmt: skip
    require_write().add(line)
    body = {"category": line.category, "payer": line.payer, "amount_minor": amount}
    events.record("cost_added", subject=("issue", issue_id), by=by, now=now, body=body)


def read_amount(text: str) -> int:
    """Return an amount of yuan as fen; refused where it is none."""
    value = to_decimal(text)
    if value is None or value <= 0 or value >= 10**10:
        raise Refused(_("请填写大于 0 的金额,例如 128.50。"), field="amount")
    minor = to_minor(value)
    if minor != value * 100:
        raise Refused(_("金额最多两位小数。"), field="amount")
    return minor


def _require_able(owner: User, field: str) -> None:
    if not owner.can(FINISH):
        raise Refused(_("%(name)s 的角色不能登记措施的完成情况,请选择别的负责人。", name=owner.name), field=field)


def _is_answer_of(issue_id: int, why_id: int) -> bool:
    statement = select(Why.id).where(Why.id == why_id, Why.issue_id == issue_id)
    return require_write().scalar(statement) is not None


def _node(action_id: int | str) -> str:
    """Return the name under which an action's to-do is found."""
    return f"action:{action_id}"


def _close_task(action: Action, *, by: int | None, now: datetime, done: bool = True) -> None:
    subject = ("issue", action.issue_id)
    statement = select(Task.id).where(
        Task.subject_kind == subject[0],
        Task.subject_id == subject[1],
        Task.node == _node(action.id),
        Task.state == "open",
    )
    for task_id in require_write().scalars(statement).all():
        close_tasks(subject, by=by, now=now, task_id=task_id, done=done)


def _cancel(action: Action, *, reason: str, by: int | None, now: datetime) -> None:
    action.cancelled_at = now
    action.version += 1
    _close_task(action, by=by, now=now, done=False)
    body = {"action": action.id, "text": action.text}
    events.record("action_cancelled", subject=("issue", action.issue_id), by=by, now=now, body=body, reason=reason)


def _locked(issue_id: int, action_id: int) -> Action:
    action = require_write().scalar(select(Action).where(Action.id == action_id).with_for_update())
    if action is None or action.issue_id != issue_id:
        raise NotFound
    return action


def _require_finisher(action: Action, by: int) -> None:
    if not action.can_be_finished_by(require_write().get_one(User, by)):
        owner = action.owner.name if action.owner else "—"
        raise Forbidden(_("这项措施由 %(owner)s 负责,您不能登记完成。", owner=owner))


def _require_open(action: Action, version: int) -> None:
    if action.version != version or action.done_at or action.cancelled_at:
        raise Conflict(_("这项措施刚刚被别人处理过,没有保存。请刷新后查看。"))
