"""What must be done before an issue may leave a stage."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from qtrace.core.db import db
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.investigation.models import Action, EffectCheck, Responsibility, Why


def responsibility_decided(_kind: str, issue_id: int) -> str | None:
    """Require a responsibility that adds up."""
    total = db.session.scalar(select(func.sum(Responsibility.percent)).where(Responsibility.issue_id == issue_id))
    return None if total == 100 else _("还没有定责:请先填写责任方和占比。")


def root_cause_found(_kind: str, issue_id: int) -> str | None:
    """Require a tested root cause of why it happened, and one of why it was not noticed."""
    statement = select(Why.kind).where(Why.issue_id == issue_id, Why.is_root, Why.tested == "true")
    kinds = set(db.session.scalars(statement))
    if "occurrence" not in kinds:
        return _("还没有查到根因:请在「5 个为什么」里标出一个已证实的根因(为什么会坏)。")
    if "escape" not in kinds:
        return _("还没有回答为什么没查出来:请再标出一个已证实的流出原因;不适用时写明理由并标为根因。")
    return None


def actions_done(_kind: str, issue_id: int) -> str | None:
    """Require a corrective action that is done, and nothing left open."""
    rows = db.session.execute(
        select(Action.kind, Action.done_at).where(Action.issue_id == issue_id, Action.cancelled_at.is_(None))
    ).all()
    waiting = sum(row.done_at is None for row in rows)
    if waiting:
        return ngettext(
            "还有 %(num)s 项措施没有完成(临时措施也要收尾)。",
            "还有 %(num)s 项措施没有完成(临时措施也要收尾)。",
            waiting,
        )
    if not any(row.kind == "corrective" for row in rows):
        return _("还没有完成的整改措施。纠正只解决这一次,整改才消除原因。")
    return None


def effect_verified(_kind: str, issue_id: int) -> str | None:
    """Require that the last judgement of the effect, made after the last reopening, accepts it."""
    last = db.session.scalar(
        select(EffectCheck).where(EffectCheck.issue_id == issue_id).order_by(EffectCheck.id.desc()).limit(1)
    )
    reopened = reopened_at(issue_id)
    if last is None or (reopened is not None and last.at <= reopened):
        return _("还没有看效果:请用数据比较生效前后,并确认结论。")
    return None if last.accepted else _("最近一次看效果没有通过:请退回整改,或用新的数据再看一次。")


def reopened_at(issue_id: int) -> datetime | None:
    """Return when the issue was last opened again; judgements made before it no longer count."""
    return db.session.scalar(
        select(func.max(FlowDecision.at))
        .join(FlowInstance, FlowInstance.id == FlowDecision.instance_id)
        .where(
            FlowInstance.subject_kind == "issue", FlowInstance.subject_id == issue_id, FlowDecision.verdict == "reopen"
        )
    )


GATES = {
    "responsibility_decided": responsibility_decided,
    "root_cause_found": root_cause_found,
    "actions_done": actions_done,
    "effect_verified": effect_verified,
}
