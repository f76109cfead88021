"""What can be looked up in articles and suppliers."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from qtrace.catalog.models import Sku, Supplier
from qtrace.core.db import db
from qtrace.forms.controls.compute import Taken, register_lookup
from qtrace.forms.registry import Value


def register_lookups(app: Flask) -> None:
    """Register what forms can take from these."""
    register_lookup(app, "sku", {
        "name": Taken("名称", "Name", "text", of(Sku, lambda sku: sku.label)),
        "code": Taken("编码", "Code", "text", of(Sku, lambda sku: sku.external_id)),
        "category": Taken("品类", "Category", "text", of(Sku, lambda sku: sku.category)),
        "supplier": Taken("供应商", "Supplier", "text", of(Sku, lambda sku: supplier_name(sku.supplier_id)), private=True),
        "weight": Taken("重量(克)", "Weight (g)", "number", of(Sku, lambda sku: sku.weight_g)),
    })  # fmt: skip
    register_lookup(app, "supplier", {
        "name": Taken("名称", "Name", "text", of(Supplier, lambda supplier: supplier.name), private=True),
        "region": Taken("地区", "Region", "text", of(Supplier, lambda supplier: supplier.region), private=True),
        "contact": Taken("联系人", "Contact", "text", of(Supplier, lambda supplier: supplier.contact), private=True),
    })  # fmt: skip


def of(model: type[Any], read: Callable[[Any], Value]) -> Callable[[Value], Value]:
    """Return how to read something of the row a field names."""

    def found(value: Value) -> Value:
        row = db.session.get(model, value) if isinstance(value, int) and not isinstance(value, bool) else None
        return read(row) or None if row is not None else None

    return found


def supplier_name(supplier_id: int | None) -> str | None:
    """Return a supplier's name."""
    supplier = db.session.get(Supplier, supplier_id) if supplier_id else None
    return supplier.name if supplier else None
