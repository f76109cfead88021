"""Verbs on issues: each change is one compare-and-set, one event that says old and new, one refreshed search text."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, select, update

from qtrace.accounts.models import User
from qtrace.catalog.models import Sku, Supplier
from qtrace.classification.models import Term
from qtrace.core import events, search
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.models import EventRow
from qtrace.core.numbering import next_number
from qtrace.flows.beginning import DEFAULT_FLOW, prepare_flow, start_flow
from qtrace.flows.case import Case
from qtrace.flows.starting import chosen, starts_for
from qtrace.issues.fields import FIELD_NAMES
from qtrace.issues.flow_fields import seen_of_issue
from qtrace.issues.in_turn import refuse_beyond
from qtrace.issues.models import Issue
from qtrace.orders.models import Lot, Order
from qtrace.tasks.models import Task
from qtrace.tasks.service import transfer

PREFIX = "QI"
SUBJECT = "issue"
MOST_TOLD = 20
EDITABLE = frozenset({
    "title", "description", "answers", "form_version_id", "type_id", "severity_id", "responsible_party_id",
    "detection_point_id", "disposition_id", "verified_cause_id", "safety", "shop_id", "order_id", "sku_id", "lot_id",
    "supplier_id", "courier_line", "bad_qty", "checked_qty",
})  # fmt: skip
WORDS = (
    select(
        Issue.number, Issue.title, Issue.description, Order.external_id, Lot.external_id, Sku.external_id, Sku.name,
        Supplier.name, Issue.courier_line, Issue.answers,
    )
    .outerjoin(Order, Order.id == Issue.order_id)
    .outerjoin(Lot, Lot.id == Issue.lot_id)
    .outerjoin(Sku, Sku.id == Issue.sku_id)
    .outerjoin(Supplier, Supplier.id == Issue.supplier_id)
    .where(Issue.id == bindparam("issue"))
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class NewIssue:
    """Everything known of an issue when it is opened; a missing title is made from the type and the article."""

    title: str = ""
    description: str = ""
    form_version_id: int | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    type_id: int | None = None
    severity_id: int | None = None
    responsible_party_id: int | None = None
    detection_point_id: int | None = None
    disposition_id: int | None = None
    safety: bool = False
    shop_id: int | None = None
    order_id: int | None = None
    sku_id: int | None = None
    lot_id: int | None = None
    supplier_id: int | None = None
    courier_line: str = ""
    bad_qty: int | None = None
    checked_qty: int | None = None
    department_id: int | None = None
    owner_id: int | None = None
    rule_id: int | None = None
    signature: str = ""
    opened_at: datetime | None = None  # when it is not now: an issue found in older records


def create_issue(new: NewIssue, *, by: int | None, now: datetime) -> Issue:
    """Open an issue with the next number, start its flow and return it for the rest of this write."""
    session = require_write()
    values = asdict(new) | {"answers": dict(new.answers), "opened_at": new.opened_at or now}
    values["title"] = (new.title or _title(new))[:300]
    issue = Issue(**values, status="open", closed_at=None, created_by=by)
    starts = starts_for(SUBJECT)
    flow = (chosen(starts, seen_of_issue(issue)) if starts else "") or DEFAULT_FLOW
    prepared = prepare_flow(initiator_id=by, department_id=new.department_id, now=now, flow=flow)
    entry = prepared.entry
    issue.stage, issue.owner_id, issue.due_at = entry.node, entry.owner_id, entry.due_at
    issue.number = next_number(PREFIX, now)
    session.add(issue)
    session.flush()  # the id is needed by the event, the flow and the answer
    events.record(
        "issue_opened", subject=(SUBJECT, issue.id), by=by, now=now,
        body={"number": issue.number, "title": issue.title, "rule_id": new.rule_id},
    )  # fmt: skip
    case = Case((SUBJECT, issue.id), issue.title, f"/issues/{issue.number}", by, new.department_id)
    start_flow(case, prepared, by=by, now=now)
    _index_new(issue)
    return issue


def edit_issue(
    issue_id: int,
    changes: Mapping[str, Any],
    *,
    expected_version: int,
    by: int | None,
    now: datetime,
    event: str = "issue_changed",
    given: Collection[str] | None = None,
) -> bool:
    """Change an issue if nobody else did since `expected_version`; say whether anything differed.

    `given` names the fields the person gave, where rules made more of them; nothing means all that differ.
    """
    issue = _issue(issue_id)
    unknown = set(changes) - EDITABLE
    if unknown:
        raise ValueError(f"these fields are not edited here: {sorted(unknown)}")
    if issue.version != expected_version:
        raise Conflict(_what_changed(issue, expected_version))
    body = events.differences(issue, changes)
    if not body:
        return False
    refuse_beyond(issue, body, given, by)
    changed = (
        require_write()
        .execute(
            update(Issue)
            .where(Issue.id == issue_id, Issue.version == expected_version)
            .values({name: change["new"] for name, change in body.items()} | {"version": expected_version + 1})
            .returning(Issue.id)
        )
        .scalar_one_or_none()
    )
    if changed is None:
        raise Conflict(_what_changed(_issue(issue_id), expected_version))
    events.record(event, subject=(SUBJECT, issue_id), by=by, now=now, body=body | {"version": expected_version + 1})
    index_issue(issue_id)
    return True


def classify_issue(
    issue_id: int, terms: Mapping[str, int | None], *, expected_version: int, by: int, now: datetime
) -> bool:
    """Change type, severity, party or another classification; keys are columns like `severity_id`."""
    return edit_issue(issue_id, terms, expected_version=expected_version, by=by, now=now, event="issue_classified")


def assign_owner(issue_id: int, *, owner_id: int, by: int, note: str, now: datetime) -> None:
    """Hand the issue and the open to-do of its stage to a colleague."""
    session = require_write()
    issue = _issue(issue_id)
    owner = session.get(User, owner_id)
    if owner is None or not owner.active:
        raise Refused(_("请选择一位在职的同事。"), field="owner_id")
    if issue.status != "open":
        raise Refused(_("%(number)s 已经结束,不能转交。需要的话请先重新打开。", number=issue.number))
    before = issue.owner_id
    task = session.scalar(
        select(Task).where(
            Task.subject_kind == SUBJECT, Task.subject_id == issue_id, Task.state == "open", Task.kind == "stage"
        )
    )
    actor = session.get(User, by)
    if task is not None and actor is not None and task.owner_id != owner_id:
        transfer(task.id, to=owner_id, by=actor, note=note, expected_version=task.version, now=now)
    issue.owner_id = owner_id
    if before != owner_id:
        body = {"owner_id": {"old": before, "new": owner_id}}
        events.record("issue_assigned", subject=(SUBJECT, issue_id), by=by, now=now, body=body, reason=note)


def index_issue(issue_id: int) -> None:
    """Refresh what the issue is found by: number, words, order, lot, article and supplier."""
    search.index(SUBJECT, [(issue_id, _text_of(issue_id))])


def _index_new(issue: Issue) -> None:
    if issue.order_id or issue.lot_id or issue.sku_id or issue.supplier_id:
        text = _text_of(issue.id)
    else:  # nothing to look up: what is searched for is in the row itself
        text = _joined((issue.number, issue.title, issue.description, issue.courier_line), issue.answers)
    search.index(SUBJECT, [(issue.id, text)], new=True)


def _text_of(issue_id: int) -> str:
    session = require_write()
    session.flush()  # the names are read from the rows as they are now
    *words, answers = session.execute(WORDS, {"issue": issue_id}).one()
    return _joined(words, answers)


def _joined(words: Iterable[str | None], answers: Mapping[str, Any]) -> str:
    told = [value for value in answers.values() if isinstance(value, str)]
    return "\n".join(word for word in (*words, *told) if word)


def _title(new: NewIssue) -> str:
    session = require_write()
    term = session.get(Term, new.type_id) if new.type_id else None
    sku = session.get(Sku, new.sku_id) if new.sku_id else None
    parts = [term.name_zh if term else "", sku.label if sku else ""]
    return " · ".join(part for part in parts if part) or _("未命名的问题")


def _issue(issue_id: int) -> Issue:
    return existing(Issue, issue_id, fresh=True)


def _what_changed(issue: Issue, since: int) -> str:
    """Return who changed what after the version the reader saw."""
    rows = require_write().execute(
        select(EventRow.body, User.name)
        .outerjoin(User, User.id == EventRow.actor_id)
        .where(
            EventRow.subject_kind == SUBJECT, EventRow.subject_id == issue.id,
            EventRow.name.in_(("issue_changed", "issue_classified")),
        )
        .order_by(EventRow.seq.desc())
        .limit(MOST_TOLD)
    ).all()  # fmt: skip
    newer = [row for row in rows if row.body.get("version", 0) > since]
    names = {name for row in newer for name in row.body if name != "version"}
    fields = "、".join(str(FIELD_NAMES.get(name, name)) for name in sorted(names))
    who = "、".join(sorted({row.name or "—" for row in newer}))
    return _(
        "%(who)s 刚刚改了%(fields)s,您的修改没有保存。请核对下面的最新内容后再提交一次。",
        who=who or "—",
        fields=fields or "—",
    )
