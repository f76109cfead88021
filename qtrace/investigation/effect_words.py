"""What the figures of an effect mean, and what the program is waiting for, in one plain sentence each."""

from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.flows.definition import Node
from qtrace.flows.instances import definition_of
from qtrace.flows.stages import stages_of
from qtrace.investigation.data import MATURE_DAYS, MINIMUM_UNITS, Measured
from qtrace.investigation.models import Action
from qtrace.issues.models import Issue
from qtrace.web.filters import show_day, show_percent

WAIT_DAYS = 30  # where the node does not say


def effect_sentence(found: Measured) -> str:
    """Say in one plain sentence what the figures mean."""
    if found.end == found.effective_at:
        return _("生效后发出的货还没有满 %(days)d 天,现在下结论太早。", days=found.mature_days)
    figures = {
        "n": found.after.units, "k": found.after.events, "before_n": found.before.units, "least": MINIMUM_UNITS,
        "before": show_percent(found.verdict.before_rate, 2), "after": show_percent(found.verdict.after_rate, 2),
    }  # fmt: skip
    words = {
        "rate_fell": _("生效后发出 %(n)d 件,投诉 %(k)d 起,投诉率从 %(before)s 降到 %(after)s,不像是偶然。", **figures),
        "rate_rose": _("生效后发出 %(n)d 件,投诉 %(k)d 起,投诉率从 %(before)s 升到 %(after)s,不像是偶然。", **figures),
        "may_be_chance": _("投诉率从 %(before)s 变为 %(after)s,差别可能只是偶然,还不能说有效。", **figures),
        "no_events": _("生效前后都没有投诉,看不出变化。"),
        "few_units_before": _(
            "生效前同样长的时间里只发了 %(before_n)d 件(至少要 %(least)d 件),不能下结论。", **figures
        ),
        "few_units_after": _("生效后只发了 %(n)d 件(至少要 %(least)d 件),不能下结论。", **figures),
    }
    return words[found.verdict.reason]


def waiting_sentence(issue: Issue) -> str:
    """Say when the program will judge by itself; empty where the issue does not stand on a verify node."""
    flow = definition_of("issue", issue.id)
    node = next((one for one in stages_of(flow[0]) if one.id == flow[1].node), None) if flow else None
    if node is None or node.kind != "verify":
        return ""
    effective = effective_since(issue.id)
    if effective is None:
        return _("系统会按数据判断效果:先在措施里登记从哪天起的货是好的。")
    day, units = show_day(ripe_at(node, effective)), number(node, "wait_units", 0)
    if units:
        return _("系统会自动判断:最晚 %(day)s,或生效后发满 %(units)d 件就判断。", day=day, units=units)
    return _("系统会在 %(day)s 自动判断。", day=day)


def effective_since(issue_id: int) -> datetime | None:
    """Return from when the last corrective action made goods better, None where none has yet."""
    statement = select(Action.effective_at).where(
        Action.issue_id == issue_id, Action.kind == "corrective", Action.cancelled_at.is_(None),
        Action.effective_at.is_not(None),
    ).order_by(Action.effective_at.desc()).limit(1)  # fmt: skip
    return db.session.scalar(statement)


def ripe_at(node: Node, effective: datetime) -> datetime:
    """Return when goods shipped for the days of the node after the effective date have all had time to be complained about."""
    return effective + timedelta(days=number(node, "wait_days", WAIT_DAYS) + number(node, "mature_days", MATURE_DAYS))


def number(node: Node, name: str, otherwise: int) -> int:
    """Return a whole number of a node's options, `otherwise` where it says nothing of the kind."""
    value = node.options.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise
