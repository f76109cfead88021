"""Controls that name facts: orders and lots."""

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.registry import Cell, Control, FieldDefinition, Sent, Storage, Value, register_control
from qtrace.orders.models import Lot, Order
from qtrace.orders.queries import clean_number


class OrderRef(Control):
    """An order, named by its number as staff paste it."""

    key, name_zh, name_en = "order_ref", "订单", "Order"
    storage = Storage.REF

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the order's id; refuse an unknown number."""
        return _id_of(Order, sent.first(field.id))

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the order number."""
        order = db.session.get(Order, value) if isinstance(value, int) else None
        return {field.id: [order.external_id]} if order else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the whole order number."""
        return next(iter(self.send(field, value).get(field.id, ())), "—")

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the order number as text."""
        return next(iter(self.send(field, value).get(field.id, ())), None)


class LotNo(Control):
    """A lot, named by its number."""

    key, name_zh, name_en = "lot_no", "批次", "Lot"
    storage = Storage.REF

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the lot's id; refuse an unknown number."""
        return _id_of(Lot, sent.first(field.id))

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the lot number."""
        lot = db.session.get(Lot, value) if isinstance(value, int) else None
        return {field.id: [lot.external_id]} if lot else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the lot number."""
        return next(iter(self.send(field, value).get(field.id, ())), "—")

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the lot number as text."""
        return next(iter(self.send(field, value).get(field.id, ())), None)


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    register_control(app, OrderRef())
    register_control(app, LotNo())


def _id_of(model: type[Order] | type[Lot], text: str) -> int | None:
    number = clean_number(text)
    if not number:
        return None
    found = db.session.scalars(select(model.id).where(model.external_id == number).limit(2)).all()
    if not found:
        raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=number[:60]))
    if len(found) > 1:
        raise Refused(_("「%(code)s」在几个店铺里都有。请从上面的扫码框选择。", code=number[:60]))
    return found[0]
