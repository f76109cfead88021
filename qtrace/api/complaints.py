"""Complaints over the API: read only, because they come in from the shops and from people."""

from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import aliased

from qtrace.accounts.access import visible_to
from qtrace.api.answers import Answer
from qtrace.api.blueprint import bp
from qtrace.api.listing import Column, Listing, list_parameters, page_schema, read_one, read_page
from qtrace.api.operation import Call, Operation, operation
from qtrace.api.schema import flag, integer, moment, one_of, text
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import NotFound
from qtrace.issues.models import Issue
from qtrace.orders.models import Lot, Order

TYPE, SEVERITY = aliased(Term), aliased(Term)


def _origin(statement: Select[Any]) -> Select[Any]:
    about: tuple[tuple[Any, Any], ...] = (
        (TYPE, Complaint.type_id), (SEVERITY, Complaint.severity_id), (Shop, Complaint.shop_id),
        (Order, Complaint.order_id), (Sku, Complaint.sku_id), (Lot, Complaint.lot_id),
        (Supplier, Complaint.supplier_id), (Issue, Complaint.issue_id),
    )  # fmt: skip
    statement = statement.select_from(Complaint)
    for model, column in about:
        statement = statement.outerjoin(model, model.id == column)
    return statement


COMPLAINTS = Listing(
    {
        "number": Column(Complaint.number, text(20), FieldKind.TEXT, sortable=True),
        "source": Column(Complaint.source_kind, one_of("review", "order", "after_sale", "staff"), FieldKind.TEXT),
        "status": Column(Complaint.status, one_of("open", "closed"), FieldKind.TEXT),
        "occurred_at": Column(Complaint.occurred_at, moment(), FieldKind.DATETIME, sortable=True),
        "created_at": Column(Complaint.created_at, moment(), FieldKind.DATETIME, sortable=True),
        "type": Column(TYPE.code, text(60), FieldKind.TEXT, may_miss=True),
        "severity": Column(SEVERITY.code, text(60), FieldKind.TEXT, may_miss=True),
        "safety": Column(Complaint.safety, flag(), FieldKind.BOOL),
        "shop": Column(Shop.key, text(60), FieldKind.TEXT, may_miss=True),
        "order": Column(Order.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "sku": Column(Sku.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "lot": Column(Lot.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "supplier": Column(Supplier.external_id, text(120), FieldKind.TEXT, may_miss=True),
        "courier_line": Column(Complaint.courier_line, text(120), FieldKind.TEXT),
        "stars": Column(Complaint.stars, integer(1, 5), FieldKind.NUMBER, may_miss=True),
        "reason": Column(Complaint.raw_reason, text(300), FieldKind.TEXT),
        "text": Column(Complaint.text, {"type": "string"}, FieldKind.TEXT),
        "amount_minor": Column(Complaint.amount_minor, integer(), FieldKind.NUMBER),
        "currency": Column(Complaint.currency, text(3), FieldKind.TEXT),
        "platform_due_at": Column(Complaint.platform_due_at, moment(), FieldKind.DATETIME, may_miss=True),
        "issue": Column(Issue.number, text(20), FieldKind.TEXT, may_miss=True),
    },
    _origin, Complaint.__table__.c.id, "-occurred_at", "number",
)  # fmt: skip


@bp.get("/complaints")
@operation(
    Operation(
        summary="List complaints", scope="complaints:read", permission="complaint.read",
        answer=page_schema(COMPLAINTS.item), query=list_parameters(COMPLAINTS.sorts),
    )
)  # fmt: skip
def complaints_index(call: Call) -> Answer:
    """Return a page of the complaints the person may see."""
    return Answer(read_page(COMPLAINTS, call, lambda statement: visible_to(statement, Complaint, call.user)).data)


@bp.get("/complaints/<number>")
@operation(
    Operation(summary="Read a complaint", scope="complaints:read", permission="complaint.read", answer=COMPLAINTS.item)
)
def complaint_show(call: Call, number: str) -> Answer:
    """Return one complaint."""
    found = read_one(
        COMPLAINTS, lambda statement: visible_to(statement, Complaint, call.user).where(Complaint.number == number)
    )
    if found is None:
        raise NotFound
    return Answer(found)
