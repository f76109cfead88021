"""Open issues where complaints pile up: the engine's decisions turned into rows, in the transaction that brought them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update

from qtrace.catalog.models import Sku, Supplier
from qtrace.classification.models import Term
from qtrace.complaints.intake import LINKED, OPENED
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import RECLASSIFIED
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.events import Event, subscribe
from qtrace.core.models import EventRow
from qtrace.issues.models import Issue, OpeningRule
from qtrace.issues.opening_engine import ComplaintFact, Join, Open, OpenIssueFact, RuleFact, Step, assign
from qtrace.issues.service import NewIssue, create_issue
from qtrace.orders.models import Lot

IMPORT_FINISHED = "import_finished"
CHUNK = 500
GIVEN_BACK = "complaints_given_back"
COLUMNS = (
    Complaint.id,
    Complaint.occurred_at,
    Complaint.type_id,
    Complaint.safety,
    Complaint.lot_id,
    Complaint.sku_id,
    Complaint.supplier_id,
    Complaint.courier_line,
    Complaint.order_id,
)


def subscribe_all(app: Flask) -> None:
    """Judge complaints when they come in; those of a file when the whole file is in."""
    subscribe(app, OPENED, complaints_came_in)
    subscribe(app, LINKED, complaints_came_in)
    subscribe(app, RECLASSIFIED, complaints_came_in)
    subscribe(app, IMPORT_FINISHED, lambda event: _judge(None, event))


def complaints_came_in(event: Event) -> None:
    """Run the rules over the new complaints, unless the rest of their file is still to come."""
    if not event.body.get("deferred"):
        _judge([int(complaint) for complaint in event.body["ids"]], event)


def run_rules(*, now: datetime, by: int | None, around: Sequence[int] | None = None) -> int:
    """Open and join by the enabled rules; `around` limits it to complaints near these. Return how many issues opened."""
    rules = rule_facts()
    span = _span(around, max((rule.days for rule in rules), default=0)) if around is not None else None
    if not rules or (around is not None and span is None):
        return 0
    facts, known = _free_complaints(span, rules)
    steps = assign(facts, _open_issues(rules), rules)
    _carry_out(steps, known, rules, now=now, by=by)
    return sum(isinstance(step, Open) for step in steps)


def preview(rule: RuleFact, since: datetime, until: datetime) -> int:
    """Return how many issues this rule alone would have opened on the complaints of a span."""
    facts, _known = _complaints((since, until), [rule], free_only=False)
    return sum(isinstance(step, Open) for step in assign(facts, (), [rule]))


def rule_facts() -> list[RuleFact]:
    """Return the enabled rules in their order, as the engine reads them."""
    statement = select(OpeningRule).where(OpeningRule.enabled).order_by(OpeningRule.position, OpeningRule.id)
    return [rule_fact(row) for row in db.session.scalars(statement)]


def rule_fact(row: OpeningRule) -> RuleFact:
    """Return one rule as the engine reads it; the condition lists the types it does not count."""
    return RuleFact(row.id, row.scope, row.threshold, row.days, uncounted(row.condition.get("not_types", [])))


def uncounted(codes: Sequence[str]) -> frozenset[str]:
    """Return the types with these codes and everything beneath them, as the engine names types."""
    named = select(Term.id).where(Term.kind == "type", Term.code.in_(codes))
    ids = db.session.scalars(select(Term.id).where(or_(Term.id.in_(named), Term.parent_id.in_(named))))
    return frozenset(str(term) for term in ids)


def given_back() -> set[int]:
    """Return the complaints a person took out of an issue; the rules leave these to people."""
    bodies = db.session.scalars(select(EventRow.body).where(EventRow.name == GIVEN_BACK))
    return {int(complaint) for body in bodies for complaint in body["complaints"]}


def _judge(ids: Sequence[int] | None, event: Event) -> None:
    run_rules(now=event.at, by=event.by, around=ids)


def _span(ids: Sequence[int], days: int) -> tuple[datetime, datetime] | None:
    """Return the span outside of which these complaints change nothing: two windows back, one ahead."""
    first: datetime | None = None
    last: datetime | None = None
    for begin in range(0, len(ids), CHUNK):
        statement = select(func.min(Complaint.occurred_at), func.max(Complaint.occurred_at))
        low, high = db.session.execute(statement.where(Complaint.id.in_(ids[begin : begin + CHUNK]))).one()
        if low is not None:
            first, last = min(first or low, low), max(last or high, high)
    if first is None or last is None:
        return None
    return first - timedelta(days=2 * days), last + timedelta(days=days)


def _free_complaints(
    span: tuple[datetime, datetime] | None, rules: Sequence[RuleFact]
) -> tuple[list[ComplaintFact], dict[int, Any]]:
    return _complaints(span, rules, free_only=True)


def _complaints(
    span: tuple[datetime, datetime] | None, rules: Sequence[RuleFact], *, free_only: bool
) -> tuple[list[ComplaintFact], dict[int, Any]]:
    statement = select(*COLUMNS)
    if free_only:
        statement = statement.where(Complaint.issue_id.is_(None))
    if span is not None:
        statement = statement.where(Complaint.occurred_at.between(*span))
    left_alone = given_back() if free_only else set()
    rows = {row.id: row for row in db.session.execute(statement) if row.id not in left_alone}
    assert rules
    return [_fact(row) for row in rows.values()], rows


def _fact(row: Any) -> ComplaintFact:
    return ComplaintFact(
        id=row.id,
        occurred_at=row.occurred_at,
        type=str(row.type_id or ""),
        safety=row.safety,
        lot=str(row.lot_id or ""),
        sku=str(row.sku_id or ""),
        supplier=str(row.supplier_id or ""),
        courier_line=row.courier_line,
        order=str(row.order_id or ""),
    )


def _open_issues(rules: Sequence[RuleFact]) -> list[OpenIssueFact]:
    assert rules
    statement = (
        select(Issue.id, Issue.signature, func.min(Complaint.occurred_at), func.max(Complaint.occurred_at))
        .join(Complaint, Complaint.issue_id == Issue.id)
        .where(Issue.status == "open", Issue.signature != "")
        .group_by(Issue.id, Issue.signature)
        .order_by(Issue.id)
    )
    return [OpenIssueFact(*row) for row in db.session.execute(statement)]


def _carry_out(
    steps: Sequence[Step], known: dict[int, Any], rules: Sequence[RuleFact], *, now: datetime, by: int | None
) -> None:
    scopes = {rule.id: rule.scope for rule in rules}
    joined: dict[int, list[int]] = {}
    for step in steps:
        if isinstance(step, Open):
            rows = [known[complaint] for complaint in step.complaints]
            open_issue_from(rows, scope=scopes[step.rule], rule_id=step.rule, signature=step.signature, by=by, now=now)
        elif isinstance(step, Join):
            joined.setdefault(step.issue, []).append(step.complaint)
    for issue_id, complaints in joined.items():
        hold(issue_id, complaints, now=now, by=by)


def hold(issue_id: int, complaints: Sequence[int], *, now: datetime, by: int | None) -> None:
    """Put free complaints into an issue; those another issue took first stay there."""
    session = require_write()
    taken: list[int] = []
    for begin in range(0, len(complaints), CHUNK):
        chunk = complaints[begin : begin + CHUNK]
        statement = update(Complaint).where(Complaint.id.in_(chunk), Complaint.issue_id.is_(None))
        taken += session.execute(statement.values(issue_id=issue_id).returning(Complaint.id)).scalars().all()
    recount(issue_id)
    body = {"complaints": sorted(taken), "count": len(taken)}
    events.record("complaints_joined", subject=("issue", issue_id), by=by, now=now, body=body)


def recount(issue_id: int) -> None:
    """Bring the issue's count and its latest complaint up to date."""
    count, last = (
        require_write()
        .execute(select(func.count(), func.max(Complaint.occurred_at)).where(Complaint.issue_id == issue_id))
        .one()
    )
    require_write().execute(
        update(Issue).where(Issue.id == issue_id).values(complaint_count=count, last_complaint_at=last)
    )


def open_issue_from(
    rows: Sequence[Any],
    *,
    scope: str = "",
    rule_id: int | None = None,
    signature: str = "",
    by: int | None,
    now: datetime,
) -> int:
    """Open an issue that holds these complaints and return its id; what they all share becomes the issue's own.

    `rows` are complaints or rows of `COLUMNS`.
    """
    ids = [row.id for row in rows]
    shared = {
        name: _same(getattr(row, name) for row in rows) for name in ("lot_id", "sku_id", "supplier_id", "type_id")
    }
    courier = _same(row.courier_line or None for row in rows) or ""
    full = list(db.session.scalars(select(Complaint).where(Complaint.id.in_(ids[:CHUNK])).order_by(Complaint.id)))
    issue = create_issue(
        NewIssue(
            title=_title(scope, shared, courier),
            description=_words(full),
            severity_id=_same(row.severity_id for row in full),
            responsible_party_id=_same(row.responsible_party_id for row in full),
            safety=any(row.safety for row in rows),
            shop_id=_same(row.shop_id for row in full),
            order_id=_same(row.order_id for row in rows),
            courier_line=courier,
            rule_id=rule_id,
            signature=signature,
            **shared,
        ),
        by=by,
        now=now,
    )
    hold(issue.id, ids, now=now, by=by)
    return issue.id


def _title(scope: str, shared: dict[str, Any], courier: str) -> str:
    kind = db.session.get(Term, shared["type_id"]) if shared["type_id"] else None
    what = kind.name_zh if kind else _("多种问题")
    sku = db.session.get(Sku, shared["sku_id"]) if shared["sku_id"] else None
    lot = db.session.get(Lot, shared["lot_id"]) if shared["lot_id"] else None
    supplier = db.session.get(Supplier, shared["supplier_id"]) if shared["supplier_id"] else None
    article, maker = (sku.label if sku else ""), ((supplier.name or supplier.external_id) if supplier else "")
    where = {
        "lot": _("%(article)s 批次 %(lot)s", article=article, lot=lot.external_id if lot else "").strip(),
        "sku": article,
        "safety": article,
        "supplier": maker,
        "courier_line": courier,
    }.get(scope, article or maker or courier)
    if scope == "safety":
        return _("%(where)s:涉及安全的%(what)s", where=where or _("未知商品"), what=what)
    return f"{where or '—'}:{what}"  # no count: more complaints will join


def _words(complaints: Sequence[Complaint]) -> str:
    said = [row.text or row.raw_reason for row in complaints if row.text or row.raw_reason]
    return "\n".join(f"「{words[:120]}」" for words in said[:5])


def _same(values: Iterable[Any]) -> Any:
    found = set(values)
    return found.pop() if len(found) == 1 else None
