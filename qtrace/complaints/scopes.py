"""How many of the recent complaints the scope of a form covers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.catalog.models import Shop, Sku
from qtrace.catalog.scopes import articles_within, shops_within
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.core.ids import as_id
from qtrace.forms.scopes import Share

DAYS = 90


def complaint_share(chosen: Mapping[str, frozenset[str]], now: datetime) -> Share:
    """Return how many complaints of the last days fall into the scope."""
    recent = select(func.count()).select_from(Complaint).where(Complaint.occurred_at >= now - timedelta(days=DAYS))
    within = recent
    shops, articles = shops_within(chosen), articles_within(chosen)
    if shops:
        within = within.where(Complaint.shop_id.in_(select(Shop.id).where(*shops)))
    if articles is not None:
        within = within.where(Complaint.sku_id.in_(select(Sku.id).where(articles)))
    if "department" in chosen:
        within = within.where(Complaint.department_id.in_([as_id(value) or 0 for value in chosen["department"]]))
    covered, total = db.session.scalar(within) or 0, db.session.scalar(recent) or 0
    return Share(_("近 %(n)d 天的客诉", n=DAYS), covered, total)
