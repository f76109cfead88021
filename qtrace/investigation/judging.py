"""What the data says of an issue that stands on its verify node: wait, the action works, or it does not.

It is judged once there is enough to see: so many days after the last corrective action took effect, plus the days goods
need to be complained about, or so many pieces shipped since. What was judged is kept as an effect check without a person.
"""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import require_write
from qtrace.flows.definition import Node
from qtrace.flows.verifying import Judgement
from qtrace.investigation.data import MATURE_DAYS, Measured, measure
from qtrace.investigation.effect_words import effect_sentence, effective_since, number, ripe_at
from qtrace.investigation.models import FINISH, EffectCheck
from qtrace.investigation.service import NewAction, keep_check, plan_action
from qtrace.issues.models import Issue

STANDARDISE_DAYS = 14
WAITS = Judgement("waits")


def judge(issue_id: int, node: Node, now: datetime) -> Judgement:
    """Judge the effect of the last corrective action; keeps the figures whenever they say something new."""
    session = require_write()
    issue = session.get_one(Issue, issue_id)
    effective = effective_since(issue_id)
    if effective is None:
        return Judgement("waits", _("还没有登记从哪天起的货是好的,系统不能判断效果。"))
    last = session.scalar(
        select(EffectCheck).where(EffectCheck.issue_id == issue_id, EffectCheck.by.is_(None))
        .order_by(EffectCheck.id.desc()).limit(1)
    )  # fmt: skip
    if last is not None and last.effective_at == effective and last.verdict != "too_little_data":
        return Judgement("waits", _("上次判断没有通过,之后还没有新的整改措施生效。"))
    if effective > now or not (found := _ripe(issue, node, effective, now)):
        return WAITS
    return _judged(issue, found, last, now)


def _ripe(issue: Issue, node: Node, effective: datetime, now: datetime) -> Measured | None:
    found = measure(issue, effective_at=effective, now=now, mature_days=number(node, "mature_days", MATURE_DAYS))
    units = number(node, "wait_units", 0)
    enough = units > 0 and found.after.units >= units
    return found if enough or now >= ripe_at(node, effective) else None


def _judged(issue: Issue, found: Measured, last: EffectCheck | None, now: datetime) -> Judgement:
    verdict, note = found.verdict.verdict, effect_sentence(found)
    if verdict == "too_little_data":
        known = last is not None and last.effective_at == found.effective_at
        if not known:  # said once, not in every round
            keep_check(issue, found, accepted=False, note=_("数据还不够,系统会继续等。") + note, by=None, now=now)
        return Judgement("waits", note)
    passed = verdict == "improved"
    keep_check(issue, found, accepted=passed, note=note, by=None, now=now)
    if passed:
        _standardise(issue, now)
    return Judgement("passed" if passed else "failed", note)


def _standardise(issue: Issue, now: datetime) -> None:
    """Ask the owner to make what works the rule for everybody."""
    owner = require_write().get(User, issue.owner_id) if issue.owner_id else None
    if owner is None or not owner.active or not owner.can(FINISH):
        return
    text = _("标准化:把有效的做法写进作业标准、检验标准或对供应商的要求")
    due = now + timedelta(days=STANDARDISE_DAYS)
    plan_action(issue, NewAction(kind="preventive", text=text, owner_id=owner.id, due_at=due), by=None, now=now)
