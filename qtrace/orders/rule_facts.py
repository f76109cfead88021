"""What the rules of forms may ask of orders, parcels and lots."""

from flask import Flask
from sqlalchemy import select

from qtrace.catalog.models import Sku
from qtrace.core.db import db
from qtrace.orders.models import Lot, Order, OrderLine, Parcel
from qtrace.orders.queries import clean_number
from qtrace.rules.facts import register_known, register_link


def is_known_order(value: object) -> bool:
    """Say whether an order that was imported has this id or number."""
    found = Order.id == value if isinstance(value, int) else Order.external_id == clean_number(str(value))
    return db.session.scalar(select(Order.id).where(found, Order.known).limit(1)) is not None


def is_known_lot(value: object) -> bool:
    """Say whether a lot has this id or number."""
    found = Lot.id == value if isinstance(value, int) else Lot.external_id == clean_number(str(value))
    return db.session.scalar(select(Lot.id).where(found).limit(1)) is not None


def is_known_shipment(value: object) -> bool:
    """Say whether a parcel has this id or tracking number."""
    found = Parcel.id == value if isinstance(value, int) else Parcel.external_id == clean_number(str(value))
    return db.session.scalar(select(Parcel.id).where(found).limit(1)) is not None


def lot_of_sku(lot: object, sku: object) -> bool | None:
    """Say whether the lot is one of the article; None when either is unknown or nobody said what the lot holds."""
    wanted = _sku_ids(sku)
    found = Lot.id == lot if isinstance(lot, int) else Lot.external_id == clean_number(str(lot))
    held = set(db.session.scalars(select(Lot.sku_id).where(found, Lot.sku_id.is_not(None))))
    return not held.isdisjoint(wanted) if held and wanted else None


def sku_in_order(order: object, sku: object) -> bool | None:
    """Say whether the order contains the article; None when either is unknown or the order came without its lines."""
    wanted = _sku_ids(sku)
    found = Order.id == order if isinstance(order, int) else Order.external_id == clean_number(str(order))
    statement = (
        select(OrderLine.sku_id).join(Order, Order.id == OrderLine.order_id).where(found, OrderLine.sku_id.is_not(None))
    )
    bought = set(db.session.scalars(statement))
    return not bought.isdisjoint(wanted) if bought and wanted else None


def register_rule_facts(app: Flask) -> None:
    """Answer what rules ask of orders, parcels and lots."""
    register_known(app, "order", is_known_order)
    register_known(app, "lot", is_known_lot)
    register_known(app, "shipment", is_known_shipment)
    register_link(app, "lot_of_sku", lot_of_sku)
    register_link(app, "sku_in_order", sku_in_order)


def _sku_ids(sku: object) -> set[int]:
    """Return the articles a rule means: one id, or every shop's article with a code."""
    if isinstance(sku, int):
        return {sku}
    code = str(sku)
    return set(db.session.scalars(select(Sku.id).where((Sku.external_id == code) | (Sku.barcode == code))))
