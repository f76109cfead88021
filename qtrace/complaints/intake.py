"""Make complaints of source records: whenever records come in, the intake rules look at them, once each, ever."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import insert, or_, select

from qtrace.catalog.models import Sku
from qtrace.classification.queries import ready_rules, term_ids
from qtrace.classification.suggest import PARTS, Rule, Suggestion, classify
from qtrace.complaints.links import CHUNK, OrderFacts, facts_of, links_of
from qtrace.complaints.models import Complaint, IntakeRule
from qtrace.complaints.platform import take_over_deadlines
from qtrace.complaints.sources import AFTER_SALE, BY_RECORD_KIND, Source
from qtrace.conditions.compile import to_sql
from qtrace.conditions.tree import parse
from qtrace.core import events, search
from qtrace.core.db import db, require_write
from qtrace.core.events import Event, subscribe
from qtrace.core.models import Setting
from qtrace.core.numbering import take_numbers
from qtrace.orders.events import RECORDS_IMPORTED, read_imported
from qtrace.orders.models import OrderLine, Parcel

PREFIX = "CP"
OPENED = "complaints_opened"
LINKED = "complaints_linked"


def subscribe_all(app: Flask) -> None:
    """Listen to incoming records."""
    subscribe(app, RECORDS_IMPORTED, records_came_in)


def records_came_in(event: Event) -> None:
    """Make complaints of the new records, or complete the links of older ones."""
    imported = read_imported(event)
    deferred = event.subject_kind == "import_run"  # the opening rules wait until the whole file is in
    source = BY_RECORD_KIND.get(imported.kind)
    if source is not None:
        take_in(source, imported.ids, now=event.at, by=event.by, deferred=deferred)
        if source is AFTER_SALE:
            take_over_deadlines(imported.ids, now=event.at, by=event.by)
    if imported.kind in {"lines", "shipments"}:
        orders = _orders_of(imported.kind, imported.ids)
        complete_links(orders, now=event.at, by=event.by, deferred=deferred)


def take_in(source: Source, ids: Sequence[int], *, now: datetime, by: int | None, deferred: bool = False) -> int:
    """Open a complaint for each of these records that a rule catches and that has none yet; return how many."""
    rows = _caught(source, ids)
    if not rows:
        return 0
    facts = facts_of(row["order_id"] for _rule, row in rows if row["order_id"])
    rules, terms = ready_rules(), {kind: term_ids(kind) for kind in PARTS}
    articles = _articles(facts)
    department = _intake_department()
    numbers = take_numbers(PREFIX, now, len(rows))
    values = []
    for number, (rule, row) in zip(numbers, rows, strict=True):
        value = _complaint(source, rule, row, facts.get(row["order_id"] or 0, OrderFacts()), rules, articles)
        value |= {kind + "_id": terms[kind].get(value.pop(kind)) for kind in PARTS}
        values.append(value | {"number": number, "created_at": now, "created_by": by, "department_id": department})
    _insert(source, values, now=now, by=by, deferred=deferred)
    return len(values)


def complete_links(order_ids: Sequence[int], *, now: datetime, by: int | None, deferred: bool = False) -> None:
    """Fill links that were empty when the complaint came before its order's lines or parcels; overwrite nothing."""
    filled: list[int] = []
    for begin in range(0, len(order_ids), CHUNK):
        missing = or_(Complaint.sku_id.is_(None), Complaint.supplier_id.is_(None), Complaint.courier_line == "")
        statement = select(Complaint).where(Complaint.order_id.in_(order_ids[begin : begin + CHUNK]), missing)
        complaints = require_write().scalars(statement).all()
        facts = facts_of(complaint.order_id for complaint in complaints if complaint.order_id)
        filled += [complaint.id for complaint in complaints if _fill(complaint, facts)]
    if filled:
        body = {"ids": filled, "count": len(filled), "deferred": deferred}
        events.record(LINKED, subject=("complaint", filled[0]), by=by, now=now, body=body)


def document(number: str, *texts: str | None) -> str:
    """Return the text under which a complaint is found."""
    return " ".join(text for text in (number, *texts) if text)


def _caught(source: Source, ids: Sequence[int]) -> list[tuple[IntakeRule, dict[str, Any]]]:
    rules = db.session.scalars(
        select(IntakeRule)
        .where(IntakeRule.enabled, IntakeRule.source_kind == source.kind)
        .order_by(IntakeRule.position, IntakeRule.id)
    ).all()
    known = select(Complaint.source_id).where(
        Complaint.source_kind == source.kind, Complaint.source_id == source.model.id
    )
    found: dict[int, tuple[IntakeRule, dict[str, Any]]] = {}
    for rule in rules:
        condition = to_sql(parse(rule.condition, source.fields), source.columns)
        for begin in range(0, len(ids), CHUNK):
            statement = source.rows.where(source.model.id.in_(ids[begin : begin + CHUNK]), condition, ~known.exists())
            for row in db.session.execute(statement).mappings():
                found.setdefault(row["id"], (rule, dict(row)))
    return sorted(found.values(), key=lambda item: (item[1]["occurred_at"], item[1]["id"]))


def _complaint(
    source: Source,
    rule: IntakeRule,
    row: dict[str, Any],
    facts: OrderFacts,
    rules: Sequence[Rule],
    articles: dict[int, tuple[str, str]],
) -> dict[str, Any]:
    links = links_of(facts, sku_id=row.get("sku_id"), line_id=row.get("line_id"))
    text = " ".join(part for part in (row.get("title"), row.get("text")) if part)
    name, category = articles.get(links.sku_id or 0, ("", ""))
    said: dict[str, object] = {
        "text": text,
        "raw_reason": row.get("reason", ""),
        "source_kind": source.kind,
        "stars": row.get("stars"),
        "sku": name,
        "category": category,
        "courier_line": links.courier_line,
    }
    suggestion: Suggestion = classify(said, rules, default=rule.sets)
    return {
        "source_kind": source.kind,
        "source_id": row["id"],
        "rule_id": rule.id,
        "occurred_at": row["occurred_at"],
        "shop_id": row["shop_id"],
        "order_id": row["order_id"],
        "stars": row.get("stars"),
        "raw_reason": row.get("reason", ""),
        "text": text,
        "amount_minor": (row.get("refund_minor") or 0) + (row.get("freight_minor") or 0),
        "currency": row.get("currency") or "CNY",
        "platform_due_at": row.get("platform_due_at"),
        "suggested_by": "、".join(suggestion.reasons)[:120] or rule.name_zh,
        "safety": suggestion.safety,
        "status": "open",
        "version": 1,
        "verified_cause_id": None,
        **asdict(links),
        **{part: suggestion.codes.get(part, "") for part in PARTS},
    }


def _insert(source: Source, values: list[dict[str, Any]], *, now: datetime, by: int | None, deferred: bool) -> None:
    session = require_write()
    session.execute(insert(Complaint), values)
    by_number = {value["number"]: value for value in values}
    ids: list[int] = []
    texts: list[tuple[int, str]] = []
    numbers = list(by_number)
    for begin in range(0, len(numbers), CHUNK):
        statement = select(Complaint.id, Complaint.number).where(Complaint.number.in_(numbers[begin : begin + CHUNK]))
        for complaint_id, number in session.execute(statement):
            value = by_number[number]
            ids.append(complaint_id)
            texts.append((complaint_id, document(number, value["text"], value["raw_reason"], value["courier_line"])))
    search.index("complaint", texts)
    body = {"source": source.kind, "ids": sorted(ids), "count": len(ids), "deferred": deferred}
    events.record(OPENED, subject=("complaint", min(ids)), by=by, now=now, body=body)


def _fill(complaint: Complaint, facts: dict[int, OrderFacts]) -> bool:
    links = links_of(
        facts.get(complaint.order_id or 0, OrderFacts()), sku_id=complaint.sku_id, line_id=complaint.line_id
    )
    changed = False
    for name, value in asdict(links).items():
        if value and not getattr(complaint, name):
            setattr(complaint, name, value)
            changed = True
    return changed


def _orders_of(kind: str, ids: Sequence[int]) -> list[int]:
    model = OrderLine if kind == "lines" else Parcel
    found: set[int] = set()
    for begin in range(0, len(ids), CHUNK):
        statement = select(model.order_id).where(model.id.in_(ids[begin : begin + CHUNK]), model.order_id.is_not(None))
        found.update(order_id for order_id in db.session.scalars(statement) if order_id)
    return sorted(found)


def _articles(facts: dict[int, OrderFacts]) -> dict[int, tuple[str, str]]:
    """Return (name, category) of every article of these orders."""
    wanted = sorted({line.sku_id for fact in facts.values() for line in fact.lines if line.sku_id})
    articles: dict[int, tuple[str, str]] = {}
    for begin in range(0, len(wanted), CHUNK):
        statement = select(Sku.id, Sku.name, Sku.category).where(Sku.id.in_(wanted[begin : begin + CHUNK]))
        articles |= {sku: (name, category) for sku, name, category in db.session.execute(statement)}
    return articles


def _intake_department() -> int | None:
    row = db.session.get(Setting, "intake_department")
    return int(row.value["id"]) if row else None
