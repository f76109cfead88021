"""What a print template sees: plain frozen values, never a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.investigation.models import Action, CostLine, EffectCheck, Responsibility, Why
from qtrace.issues.models import Issue
from qtrace.printing.decisions import StageLine, decisions_of
from qtrace.web.filters import localised, show_money, show_percent, show_time

MAX_COMPLAINTS = 30


@dataclass(frozen=True)
class Fact:
    """A label with its value."""

    label: str
    value: str


@dataclass(frozen=True)
class WhyLine:
    """One node of the 5-Why tree at its depth."""

    depth: int
    statement: str
    evidence: str
    tested: str
    root: str


@dataclass(frozen=True)
class ActionLine:
    """One action."""

    kind: str
    text: str
    owner: str
    due: str
    done: str
    proof: str


@dataclass(frozen=True)
class ComplaintLine:
    """One complaint of the issue."""

    number: str
    at: str
    order: str
    words: str


@dataclass(frozen=True)
class IssueReport:
    """Everything the issue report prints."""

    number: str
    title: str
    description: str
    facts: Sequence[Fact]
    source: Sequence[Fact]
    responsibility: Sequence[Fact]
    whys: Sequence[WhyLine]
    actions: Sequence[ActionLine]
    effect: Sequence[Fact]
    costs: Sequence[Fact]
    complaints: Sequence[ComplaintLine]
    complaint_count: int
    decisions: Sequence[StageLine]
    printed_at: str
    printed_by: str
    chain_head: str


def issue_report(issue: Issue, *, now: datetime, by: str, chain_head: str) -> IssueReport:
    """Gather the report of an issue the reader may see."""
    count = db.session.scalar(select(func.count()).select_from(Complaint).where(Complaint.issue_id == issue.id)) or 0
    return IssueReport(
        number=issue.number,
        title=issue.title,
        description=issue.description,
        facts=_facts(issue),
        source=_source(issue),
        responsibility=_responsibility(issue.id),
        whys=_whys(issue.id),
        actions=_actions(issue.id),
        effect=_effect(issue.id),
        costs=_costs(issue.id),
        complaints=_complaints(issue.id),
        complaint_count=count,
        decisions=decisions_of("issue", issue.id),
        printed_at=show_time(now),
        printed_by=by,
        chain_head=chain_head[:16],
    )


def _facts(issue: Issue) -> list[Fact]:
    states = {"open": _("处理中"), "closed": _("已结案"), "terminated": _("已终止")}
    quantity = f"{issue.bad_qty} / {issue.checked_qty}" if issue.bad_qty is not None else "—"
    return [
        Fact(_("状态"), states.get(issue.status, issue.status)),
        Fact(_("严重程度"), localised(issue.severity)),
        Fact(_("问题类型"), localised(issue.type)),
        Fact(_("发现环节"), localised(issue.detection_point)),
        Fact(_("数量(不良 / 检查)"), quantity),
        Fact(_("登记时间"), show_time(issue.opened_at)),
        Fact(_("结案时间"), show_time(issue.closed_at)),
        Fact(_("负责人"), issue.owner.name if issue.owner else "—"),
    ]


def _source(issue: Issue) -> list[Fact]:
    return [
        Fact(_("店铺"), issue.shop.name if issue.shop else "—"),
        Fact(_("订单"), issue.order.external_id if issue.order else "—"),
        Fact("SKU", f"{issue.sku.label}({issue.sku.external_id})" if issue.sku else "—"),
        Fact(_("批次"), issue.lot.external_id if issue.lot else _("未知")),
        Fact(_("供应商"), issue.supplier.name or issue.supplier.external_id if issue.supplier else "—"),
        Fact(_("快递线路"), issue.courier_line or "—"),
    ]


def _responsibility(issue_id: int) -> list[Fact]:
    statement = (
        select(Responsibility).where(Responsibility.issue_id == issue_id).order_by(Responsibility.percent.desc())
    )
    return [
        Fact(localised(row.party), f"{row.percent}%" + (f" · {row.reason}" if row.reason else ""))
        for row in db.session.scalars(statement)
    ]


def _whys(issue_id: int) -> list[WhyLine]:
    rows = db.session.scalars(select(Why).where(Why.issue_id == issue_id).order_by(Why.position, Why.id)).all()
    children: dict[int | None, list[Why]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row)
    kinds = {"occurrence": _("为什么会坏"), "escape": _("为什么没查出来"), "system": _("管理原因")}
    tested = {"open": _("待证实"), "true": _("已证实"), "false": _("已排除")}
    lines: list[WhyLine] = []

    def walk(parent: int | None, depth: int) -> None:
        for row in children.get(parent, ()):
            root = _("根因 · %(kind)s", kind=kinds.get(row.kind, row.kind)) if row.is_root else ""
            lines.append(WhyLine(min(depth, 8), row.statement, row.evidence, tested.get(row.tested, row.tested), root))
            walk(row.id, depth + 1)

    walk(None, 0)
    return lines


def _actions(issue_id: int) -> list[ActionLine]:
    kinds = {"containment": _("临时"), "correction": _("纠正"), "corrective": _("整改"), "preventive": _("预防")}
    statement = select(Action).where(Action.issue_id == issue_id, Action.cancelled_at.is_(None)).order_by(Action.id)
    return [
        ActionLine(
            kinds.get(row.kind, row.kind),
            row.text,
            row.owner.name if row.owner else "—",
            show_time(row.due_at),
            show_time(row.done_at),
            row.proof,
        )
        for row in db.session.scalars(statement)
    ]


def _effect(issue_id: int) -> list[Fact]:
    row = db.session.scalar(
        select(EffectCheck)
        .where(EffectCheck.issue_id == issue_id, EffectCheck.accepted)
        .order_by(EffectCheck.id.desc())
        .limit(1)
    )
    if row is None:
        return []
    verdicts = {
        "improved": _("有改善"),
        "no_change": _("看不出变化"),
        "worse": _("变差"),
        "too_little_data": _("数据不足"),
    }
    facts = [Fact(_("生效日"), show_time(row.effective_at)), Fact(_("判断"), verdicts.get(row.verdict, row.verdict))]
    for key, label in (("before", _("生效前")), ("after", _("生效后"))):
        part = row.figures.get(key)
        if isinstance(part, dict) and part.get("units"):
            rate = show_percent(part["events"] / part["units"], 2)
            facts.append(Fact(label, f"{rate}({part['events']} / {part['units']})"))
    if row.note:
        facts.append(Fact(_("说明"), row.note))
    return facts


def _costs(issue_id: int) -> list[Fact]:
    names = {
        "prevention": _("预防成本"),
        "appraisal": _("鉴定成本"),
        "internal": _("内部损失"),
        "external": _("外部损失"),
    }
    statement = (
        select(CostLine.category, CostLine.currency, func.sum(CostLine.amount_minor))
        .where(CostLine.issue_id == issue_id)
        .group_by(CostLine.category, CostLine.currency)
        .order_by(CostLine.category, CostLine.currency)
    )
    rows = db.session.execute(statement)
    return [Fact(names.get(category, category), show_money(int(total), currency)) for category, currency, total in rows]


def _complaints(issue_id: int) -> list[ComplaintLine]:
    statement = (
        select(Complaint)
        .where(Complaint.issue_id == issue_id)
        .order_by(Complaint.occurred_at.desc(), Complaint.id.desc())
        .limit(MAX_COMPLAINTS)
    )
    return [
        ComplaintLine(
            row.number,
            show_time(row.occurred_at),
            row.order.external_id if row.order else "—",
            (row.text or row.raw_reason or "—")[:120],
        )
        for row in db.session.scalars(statement)
    ]
