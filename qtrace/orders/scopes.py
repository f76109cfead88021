"""How many of the recent orders the scope of a form covers."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, func, select

from qtrace.catalog.models import Shop, Sku
from qtrace.catalog.scopes import articles_within, shops_within
from qtrace.core.db import db
from qtrace.forms.scopes import Share
from qtrace.orders.models import Order, OrderLine

DAYS = 90


def order_share(chosen: Mapping[str, frozenset[str]], now: datetime) -> Share:
    """Return how many orders of the last days fall into the scope; departments don't divide orders."""
    recent = select(func.count()).select_from(Order).where(Order.placed_at >= now - timedelta(days=DAYS))
    total = db.session.scalar(recent) or 0
    covered = db.session.scalar(_within(recent, chosen)) or 0
    return Share(_("近 %(n)d 天的订单", n=DAYS), covered, total)


def _within(statement: Select[int], chosen: Mapping[str, frozenset[str]]) -> Select[int]:
    shops = shops_within(chosen)
    if shops:
        statement = statement.where(Order.shop_id.in_(select(Shop.id).where(*shops)))
    articles = articles_within(chosen)
    if articles is not None:
        lines = select(OrderLine.order_id).join(Sku, Sku.id == OrderLine.sku_id).where(articles)
        statement = statement.where(Order.id.in_(lines))
    return statement
