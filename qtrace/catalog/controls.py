"""Controls that name master data: articles and suppliers."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Sequence

from flask import Flask
from flask_babel import gettext as _

from qtrace.catalog.models import Sku, Supplier
from qtrace.catalog.queries import skus_by_code, suppliers_by_code
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.registry import Cell, Control, FieldDefinition, Sent, Storage, Value, register_control


class SkuRef(Control):
    """An article, named by its SKU code or barcode."""

    key, name_zh, name_en = "sku", "商品 SKU", "SKU"
    storage = Storage.REF

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the article's id; refuse an unknown code."""
        code = sent.first(field.id)
        return only_one(skus_by_code(code, limit=2), code) if code else None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the SKU code."""
        sku = db.session.get(Sku, value) if isinstance(value, int) else None
        return {field.id: [sku.external_id]} if sku else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return what staff call the article."""
        sku = db.session.get(Sku, value) if isinstance(value, int) else None
        return sku.label if sku else "—"

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the SKU code."""
        return next(iter(self.send(field, value).get(field.id, ())), None)


class SupplierRef(Control):
    """A supplier, named by code or name."""

    key, name_zh, name_en = "supplier", "供应商", "Supplier"
    storage = Storage.REF
    public = False  # outsiders must not learn whom the company buys from

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the supplier's id; refuse an unknown one."""
        code = sent.first(field.id)
        return only_one(suppliers_by_code(code, limit=2), code) if code else None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the supplier's code, which is surer than the name."""
        supplier = db.session.get(Supplier, value) if isinstance(value, int) else None
        return {field.id: [supplier.external_id]} if supplier else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the supplier's name."""
        supplier = db.session.get(Supplier, value) if isinstance(value, int) else None
        return supplier.name if supplier else "—"

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the supplier's code."""
        return next(iter(self.send(field, value).get(field.id, ())), None)


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    register_control(app, SkuRef())
    register_control(app, SupplierRef())


def only_one(found: Sequence[Sku] | Sequence[Supplier], code: str) -> int:
    """Return the id of the only match; refuse none and several."""
    if not found:
        raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=code[:60]))
    if len(found) > 1:
        raise Refused(_("「%(code)s」对应多条记录。请填写更具体的编号。", code=code[:60]))
    return found[0].id
