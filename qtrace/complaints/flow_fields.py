"""What the branches of a flow may ask of a complaint."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.catalog.models import Sku
from qtrace.catalog.queries import shops
from qtrace.classification.queries import terms_of
from qtrace.complaints.models import Complaint
from qtrace.conditions.builder import BuilderField
from qtrace.conditions.tree import FieldKind
from qtrace.core.db import db
from qtrace.core.money import Money
from qtrace.flows.condition_fields import FieldGroup, Seen
from qtrace.web.filters import localised

KINDS: Mapping[str, FieldKind] = {
    "amount": FieldKind.NUMBER, "stars": FieldKind.NUMBER, "type": FieldKind.REF, "severity": FieldKind.REF,
    "responsible_party": FieldKind.REF, "safety": FieldKind.BOOL, "shop": FieldKind.REF, "source_kind": FieldKind.TEXT,
    "raw_reason": FieldKind.TEXT, "text": FieldKind.TEXT, "courier_line": FieldKind.TEXT,
    "occurred_at": FieldKind.DATETIME, "sku": FieldKind.TEXT,
}  # fmt: skip
LABELS = {
    "amount": _l("涉及金额(元)"), "stars": _l("星级"), "type": _l("问题类型"), "severity": _l("严重程度"),
    "responsible_party": _l("责任方"), "safety": _l("安全问题"), "shop": _l("店铺"), "source_kind": _l("来源"),
    "raw_reason": _l("买家选的原因"), "text": _l("买家的话"), "courier_line": _l("快递线路"), "occurred_at": _l("发生时间"),
    "sku": _l("商品名"),
}  # fmt: skip
SOURCES = {"review": _l("评价"), "order": _l("订单"), "after_sale": _l("售后"), "staff": _l("同事登记")}
TERMS = ("type", "severity", "responsible_party")


def complaint_groups(_flow_key: str) -> Sequence[FieldGroup]:
    """Return the fields of complaints."""
    choices = {name: tuple((str(term.id), localised(term)) for term in terms_of(name)) for name in TERMS}
    choices["shop"] = tuple((str(shop.id), shop.name) for shop in shops())
    choices["source_kind"] = tuple((code, str(name)) for code, name in SOURCES.items())
    fields = (BuilderField(name, str(LABELS[name]), kind, choices.get(name, ())) for name, kind in KINDS.items())
    return [FieldGroup(_("客诉"), tuple(fields), settable=TERMS)]


def seen_complaint(complaint_id: int) -> Seen:
    """Return a complaint as conditions see it; the amount counts in the currency's main unit."""
    return seen_of_complaint(db.session.get_one(Complaint, complaint_id))


def seen_of_complaint(row: Complaint) -> Seen:
    """Return a complaint of the open session as conditions see it."""
    sku = db.session.get(Sku, row.sku_id) if row.sku_id else None
    values = {
        "amount": Money(row.amount_minor, row.currency).amount, "stars": row.stars, "type": row.type_id,
        "severity": row.severity_id, "responsible_party": row.responsible_party_id, "safety": row.safety,
        "shop": row.shop_id, "source_kind": row.source_kind, "raw_reason": row.raw_reason, "text": row.text,
        "courier_line": row.courier_line, "occurred_at": row.occurred_at,
        "sku": sku.label if sku else "",
    }  # fmt: skip
    return Seen(KINDS, values, lambda: complaint_groups("")[0].fields)
