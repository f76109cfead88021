"""Which article of its order a complaint is about: one of several, or one part of a kit."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.complaints.links import OrderFacts, facts_of, links_of
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import judge_anew, locked_complaint
from qtrace.core import events
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.orders.models import OrderLine

KINDS = {"component": "part", "gift": "gift"}


def lines_of(complaint: Complaint) -> Sequence[OrderLine]:
    """Return the lines of the complaint's order with their articles, parts after what they came with."""
    if complaint.order_id is None:
        return []
    statement = select(OrderLine).where(OrderLine.order_id == complaint.order_id).options(joinedload(OrderLine.sku))
    return db.session.scalars(statement.order_by(OrderLine.id)).all()


def name_article(complaint_id: int, line_id: int, *, by: int, now: datetime, version: int) -> None:
    """Say which line of its order the complaint is about; article, supplier and lot follow, and the rules look anew."""
    complaint = locked_complaint(complaint_id, version)
    facts = facts_of([complaint.order_id]).get(complaint.order_id, OrderFacts()) if complaint.order_id else OrderFacts()
    if line_id not in {line.id for line in facts.lines}:
        raise Refused(_("请选这个订单里的一件商品。"), field="line")
    links = links_of(facts, line_id=line_id)
    wanted = {name: getattr(links, name) for name in ("line_id", "sku_id", "supplier_id", "lot_id")}
    changes = events.change(complaint, wanted)
    if not changes:
        return
    complaint.version += 1
    events.record("complaint_article_named", subject=("complaint", complaint_id), by=by, now=now, body=changes)
    if complaint.issue_id is None:
        judge_anew([complaint_id], by=by, now=now)
