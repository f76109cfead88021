"""What flows may ask of a complaint, whom it leads to, and the flows that begin as complaints come in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.catalog.models import Sku
from qtrace.catalog.queries import shops
from qtrace.classification.queries import terms_of
from qtrace.complaints.models import Complaint
from qtrace.conditions.builder import BuilderField
from qtrace.conditions.tree import FieldKind
from qtrace.core.db import db, require_write
from qtrace.core.events import Event, subscribe
from qtrace.flows.models import FlowInstance
from qtrace.flows.service import Case, start_submitted
from qtrace.flows.starting import chosen, starts_for
from qtrace.flows.subjects import FlowSubject, register_flow_subject
from qtrace.web.filters import localised

KIND = "complaint"
SOURCE_NAMES = {"review": _l("评价"), "order": _l("订单"), "after_sale": _l("售后"), "staff": _l("同事登记")}


def register(app: Flask) -> None:
    """Let flows be about complaints, and begin for those that come in."""
    register_flow_subject(app, FlowSubject(KIND, _l("客诉"), fields, values_of, links_of))
    subscribe(app, "complaints_opened", complaints_came_in)


def fields(_form: str) -> Sequence[BuilderField]:
    """Return what can be asked of a complaint; the amount is in yuan."""
    terms = {
        kind: tuple((str(term.id), localised(term)) for term in terms_of(kind))
        for kind in ("type", "severity", "responsible_party")
    }
    return (
        BuilderField("amount", _("金额(元)"), FieldKind.NUMBER),
        BuilderField("safety", _("涉及安全"), FieldKind.BOOL),
        BuilderField("type_id", _("问题类型"), FieldKind.REF, terms["type"]),
        BuilderField("severity_id", _("严重程度"), FieldKind.REF, terms["severity"]),
        BuilderField("responsible_party_id", _("责任方"), FieldKind.REF, terms["responsible_party"]),
        BuilderField(
            "source_kind", _("来源"), FieldKind.TEXT, tuple((key, str(name)) for key, name in SOURCE_NAMES.items())
        ),
        BuilderField("shop_id", _("店铺"), FieldKind.REF, tuple((str(shop.id), shop.name) for shop in shops())),
        BuilderField("sku", _("商品名"), FieldKind.TEXT),
        BuilderField("text", _("买家的话"), FieldKind.TEXT),
        BuilderField("raw_reason", _("买家选的原因"), FieldKind.TEXT),
        BuilderField("courier_line", _("快递线路"), FieldKind.TEXT),
        BuilderField("occurred_at", _("发生时间"), FieldKind.DATETIME),
    )


def values_of(complaint_id: int) -> Mapping[str, object]:
    """Return a complaint as conditions see it."""
    complaint = db.session.get_one(Complaint, complaint_id)
    sku = db.session.get(Sku, complaint.sku_id) if complaint.sku_id else None
    return _seen(complaint, sku.label if sku else "")


def links_of(complaint_id: int) -> Mapping[str, int]:
    """Return the rows a complaint is about."""
    complaint = db.session.get_one(Complaint, complaint_id)
    found = {
        "sku": complaint.sku_id, "shop": complaint.shop_id, "supplier": complaint.supplier_id,
        "responsible_party": complaint.responsible_party_id,
    }  # fmt: skip
    return {kind: row for kind, row in found.items() if row is not None}


def complaints_came_in(event: Event) -> None:
    """Begin the flow each new complaint asks for; where the company lets none begin, nothing is looked at."""
    starts = starts_for(KIND)
    if not starts:
        return
    ids = list(event.body.get("ids", []))
    rows = require_write().execute(
        select(Complaint, Sku).outerjoin(Sku, Sku.id == Complaint.sku_id).where(Complaint.id.in_(ids)).order_by(Complaint.id)
    )  # fmt: skip
    for complaint, sku in rows.all():
        flow = chosen(starts, _seen(complaint, sku.label if sku else ""))
        if flow:
            begin(complaint, flow, by=event.by, now=event.at)


def begin(complaint: Complaint, flow: str, *, by: int | None, now: datetime) -> None:
    """Begin a flow for a complaint that has none: it is handed in as it came."""
    has_one = select(FlowInstance.id).where(FlowInstance.subject_kind == KIND, FlowInstance.subject_id == complaint.id)
    if require_write().scalar(has_one) is None:
        start_submitted(case_of(complaint), flow=flow, by=by, now=now)


def case_of(complaint: Complaint) -> Case:
    """Return what a flow needs to know of a complaint."""
    title = f"{complaint.number} {complaint.text or complaint.raw_reason}".strip()
    url = f"/complaints/{complaint.number}"
    return Case((KIND, complaint.id), title[:300], url, complaint.created_by, complaint.department_id)


def _seen(complaint: Complaint, sku: str) -> Mapping[str, object]:
    return {
        "amount": Decimal(complaint.amount_minor or 0) / 100, "safety": complaint.safety, "type_id": complaint.type_id,
        "severity_id": complaint.severity_id, "responsible_party_id": complaint.responsible_party_id,
        "source_kind": complaint.source_kind, "shop_id": complaint.shop_id, "sku": sku, "text": complaint.text,
        "raw_reason": complaint.raw_reason, "courier_line": complaint.courier_line, "occurred_at": complaint.occurred_at,
    }  # fmt: skip
