"""Verbs of the investigation: responsibility, 5-Why, actions, effect, costs; each records what changed."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.core import events
from qtrace.core.db import require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.money import to_minor
from qtrace.investigation.data import MATURE_DAYS, measure
from qtrace.investigation.models import Action, CostLine, EffectCheck, Responsibility, Why
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from qtrace.tasks.queries import BIGGEST_ID
from qtrace.tasks.service import NewTask, close_tasks, open_task

WHY_KINDS = ("occurrence", "escape", "system")
TESTED = ("open", "true", "false")
ACTION_KINDS = ("containment", "correction", "corrective", "preventive")
COST_CATEGORIES = ("prevention", "appraisal", "internal", "external")
PAYERS = ("company", "supplier", "courier")
MAX_TEXT = 500
MAX_LONG_TEXT = 2000
MAX_DEPTH = 12  # a chain of answers longer than this is no analysis
INVESTIGATE = "issue.investigate"


@dataclass(frozen=True, kw_only=True)
class NewAction:
    """What shall be done, by whom and until when."""

    kind: str
    text: str
    owner_id: int | None
    due_at: datetime | None
    why_id: int | None = None


def decide_responsibility(issue: Issue, shares: Mapping[int, int], *, reason: str, by: int, now: datetime) -> None:
    """Set who is responsible in percent; the shares must add up to 100, the largest becomes the issue's party."""
    reason = _long(reason)
    shares = {party: percent for party, percent in shares.items() if percent}
    if any(percent < 0 for percent in shares.values()) or sum(shares.values()) != 100:
        raise Refused(_("各方占比加起来必须是 100%%,现在是 %(sum)d%%。", sum=sum(shares.values())), field="percent")
    session = require_write()
    statement = select(Term).where(Term.kind == "responsible_party", Term.id.in_(shares))
    names = {term.id: term.name_zh for term in session.scalars(statement)}
    if set(names) != set(shares):
        raise Refused(_("请从列表中选择责任方。"), field="party")
    session.execute(delete(Responsibility).where(Responsibility.issue_id == issue.id))
    for party, percent in shares.items():
        session.add(Responsibility(issue_id=issue.id, party_id=party, percent=percent, reason=reason, by=by, at=now))
    row = _issue(issue.id)
    row.responsible_party_id = max(shares, key=lambda party: (shares[party], -party))
    row.version += 1
    body = {"shares": [{"party": party, "name": names[party], "percent": percent} for party, percent in shares.items()]}
    events.record("responsibility_decided", subject=("issue", issue.id), by=by, now=now, body=body, reason=reason)


def add_why(
    issue_id: int, *, parent_id: int | None, statement: str, evidence: str, kind: str, by: int, now: datetime
) -> int:
    """Ask why once more: below another answer, or at the top of the tree."""
    statement = _said(statement, "statement")
    if kind not in WHY_KINDS:
        raise Refused(_("请选择原因的类别。"), field="kind")
    session = require_write()
    if parent_id is not None and _depth(issue_id, parent_id) >= MAX_DEPTH:
        raise Refused(_("已经追问了 %(n)d 层。请换一条线,或先把查到的原因标为根因。", n=MAX_DEPTH), field="statement")
    place = session.scalar(
        select(func.count()).select_from(Why).where(Why.issue_id == issue_id, Why.parent_id == parent_id)
    )
    why = Why(
        issue_id=issue_id, parent_id=parent_id, position=place or 0, statement=statement, evidence=_long(evidence),
        kind=kind, by=by, at=now,
    )  # fmt: skip
    session.add(why)
    session.flush()  # the id is the answer
    events.record(
        "why_added", subject=("issue", issue_id), by=by, now=now, body={"why": why.id, "statement": statement}
    )
    return why.id


def change_why(issue_id: int, why_id: int, values: Mapping[str, Any], *, by: int, now: datetime) -> None:
    """Change an answer; only one that was tested true can be a root cause."""
    why = _why(why_id)
    if why.issue_id != issue_id:
        raise NotFound
    new = {
        "statement": _said(str(values.get("statement", why.statement)), "statement"),
        "evidence": _long(str(values.get("evidence", why.evidence))),
        "tested": values.get("tested", why.tested),
        "kind": values.get("kind", why.kind),
        "is_root": bool(values.get("is_root", why.is_root)),
    }
    if new["tested"] not in TESTED or new["kind"] not in WHY_KINDS:
        raise Refused(_("请从列表中选择。"), field="tested")
    if new["is_root"] and new["tested"] != "true":
        raise Refused(_("只有已证实的原因才能标为根因。请先写明证据并选「已证实」。"), field="is_root")
    if new["is_root"] and not str(new["evidence"]).strip():
        raise Refused(_("根因需要证据。请写明怎么证实的。"), field="evidence")
    body = {
        name: {"old": getattr(why, name), "new": value} for name, value in new.items() if getattr(why, name) != value
    }
    for name, value in new.items():
        setattr(why, name, value)
    if body:
        events.record("why_changed", subject=("issue", issue_id), by=by, now=now, body=body | {"why": why_id})


def remove_why(issue_id: int, why_id: int, *, by: int, now: datetime) -> None:
    """Remove an answer nothing hangs on."""
    why = _why(why_id)
    session = require_write()
    if why.issue_id != issue_id:
        raise NotFound
    if session.scalar(select(Why.id).where(Why.parent_id == why_id).limit(1)):
        raise Refused(_("下面还有追问,不能删除。请先删除下级。"))
    if session.scalar(select(Action.id).where(Action.why_id == why_id).limit(1)):
        raise Refused(_("有措施针对这个原因,不能删除。"))
    session.delete(why)
    events.record("why_removed", subject=("issue", issue_id), by=by, now=now, body={"statement": why.statement})


def plan_action(issue: Issue, new: NewAction, *, by: int, now: datetime) -> int:
    """Plan an action and give its owner a to-do."""
    if new.kind not in ACTION_KINDS:
        raise Refused(_("请选择措施的类别。"), field="kind")
    text = _said(new.text, "text")
    session = require_write()
    owner = session.get(User, new.owner_id) if new.owner_id else None
    if owner is None or not owner.active:
        raise Refused(_("请选择措施的负责人。"), field="owner_id")
    if not owner.can(INVESTIGATE):
        raise Refused(_("%(name)s 的角色不能登记措施的完成情况,请选择别的负责人。", name=owner.name), field="owner_id")
    if new.why_id is not None and _why(new.why_id).issue_id != issue.id:
        raise NotFound
    action = Action(
        issue_id=issue.id, kind=new.kind, text=text, owner_id=owner.id, due_at=new.due_at, why_id=new.why_id,
        created_at=now, created_by=by,
    )  # fmt: skip
    session.add(action)
    session.flush()  # the to-do names the action
    open_task(
        NewTask(
            kind="action", subject=("issue", issue.id), node=_node(action.id), title=text, url=f"/issues/{issue.number}",
            owner_id=owner.id, department_id=owner.department_id, due_at=new.due_at, detail=issue.title,
        ),
        by=by, now=now,
    )  # fmt: skip
    body = {"action": action.id, "kind": new.kind, "text": text, "owner": owner.name}
    events.record("action_planned", subject=("issue", issue.id), by=by, now=now, body=body)
    return action.id


def finish_action(
    issue_id: int, action_id: int, *, proof: str, effective_at: datetime | None, version: int, by: int, now: datetime
) -> None:
    """Mark an action as done with its proof; from `effective_at` on goods are better."""
    action = _open_action(issue_id, action_id, version)
    proof = _long(proof)
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
    action = _open_action(issue_id, action_id, version)
    reason = _long(reason)
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
    """Let an action's owner follow its to-do; to-dos of stages have no action."""
    node = require_write().scalar(select(Task.node).where(Task.id == task_id, Task.kind == "action"))
    if node:
        changed = update(Action).where(Action.id == int(node.removeprefix(_node(""))), Action.done_at.is_(None))
        require_write().execute(changed.values(owner_id=owner_id))


def check_effect(
    issue: Issue, *, effective_at: datetime, accepted: bool, note: str, by: int, now: datetime,
    mature_days: int = MATURE_DAYS,
) -> EffectCheck:  # fmt: skip
    """Judge the effect on the data as it stands and keep the judgement; too little data is accepted with a reason only."""
    if effective_at > now:
        raise Refused(_("生效日不能在将来。"), field="effective_at")
    found = measure(issue, effective_at=effective_at, now=now, mature_days=mature_days)
    verdict, note = found.verdict.verdict, _long(note)
    if accepted and verdict != "improved" and not note:
        raise Refused(_("数据没有显示改善。要通过,请写明理由。"), field="note")
    check = EffectCheck(
        issue_id=issue.id, effective_at=effective_at, scope=found.scope, figures=found.figures(), verdict=verdict,
        accepted=accepted, note=note, by=by, at=now,
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
        note=_long(values.get("note", ""))[:300], by=by, at=now,
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


def to_decimal(text: str) -> Decimal | None:
    """Return a typed number, full-width digits and thousands commas allowed; None where it is none."""
    try:
        value = Decimal(unicodedata.normalize("NFKC", text).strip().replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _said(text: str, field: str) -> str:
    text = _long(text)[:MAX_TEXT]
    if not text:
        raise Refused(_("请填写内容。"), field=field)
    return text


def _long(text: str) -> str:
    return text.replace("\x00", "").replace("\r\n", "\n").strip()[:MAX_LONG_TEXT]


def _depth(issue_id: int, why_id: int) -> int:
    """Return how many answers the chain up to the top has; not found when it is another issue's."""
    why, depth = _why(why_id), 1
    if why.issue_id != issue_id:
        raise NotFound
    while why.parent_id is not None:
        why, depth = _why(why.parent_id), depth + 1
    return depth


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


def _issue(issue_id: int) -> Issue:
    issue = require_write().get(Issue, issue_id)
    if issue is None:
        raise NotFound
    return issue


def _why(why_id: int) -> Why:
    why = require_write().get(Why, min(why_id, BIGGEST_ID))
    if why is None:
        raise NotFound
    return why


def _open_action(issue_id: int, action_id: int, version: int) -> Action:
    action = require_write().scalar(select(Action).where(Action.id == min(action_id, BIGGEST_ID)).with_for_update())
    if action is None or action.issue_id != issue_id:
        raise NotFound
    if action.version != version or action.done_at or action.cancelled_at:
        raise Conflict(_("这项措施刚刚被别人处理过,没有保存。请刷新后查看。"))
    return action
