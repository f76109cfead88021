"""What the rules of forms may ask of the master data."""

from flask import Flask
from sqlalchemy import ColumnElement, Select, select

from qtrace.catalog.models import Category, Shop, Sku, Supplier, Warehouse
from qtrace.core.db import db
from qtrace.rules.facts import register_known


def is_known_sku(value: object) -> bool:
    """Say whether an article of the product list has this id, code or barcode."""
    code = str(value)
    found = Sku.id == value if isinstance(value, int) else (Sku.external_id == code) | (Sku.barcode == code)
    return _is_there(select(Sku.id).where(found, Sku.known))


def is_known_supplier(value: object) -> bool:
    """Say whether a supplier has this id, code or name."""
    code = str(value)
    found = Supplier.id == value if isinstance(value, int) else (Supplier.external_id == code) | (Supplier.name == code)
    return _is_there(select(Supplier.id).where(found))


def is_known_shop(value: object) -> bool:
    """Say whether a shop has this id, key or name."""
    code = str(value)
    return _is_there(
        select(Shop.id).where(Shop.id == value if isinstance(value, int) else (Shop.key == code) | (Shop.name == code))
    )


def is_known_warehouse(value: object) -> bool:
    """Say whether a warehouse has this id, code or name."""
    code = str(value)
    found: ColumnElement[bool] = (Warehouse.external_id == code) | (Warehouse.name == code)
    return _is_there(select(Warehouse.id).where(Warehouse.id == value if isinstance(value, int) else found))


def is_known_category(value: object) -> bool:
    """Say whether a category has this id, code or name."""
    code = str(value)
    found: ColumnElement[bool] = (Category.external_id == code) | (Category.name == code)
    return _is_there(select(Category.id).where(Category.id == value if isinstance(value, int) else found))


def register_rule_facts(app: Flask) -> None:
    """Answer what rules ask of articles, suppliers, shops, warehouses and categories."""
    register_known(app, "sku", is_known_sku)
    register_known(app, "supplier", is_known_supplier)
    register_known(app, "shop", is_known_shop)
    register_known(app, "warehouse", is_known_warehouse)
    register_known(app, "category", is_known_category)


def _is_there(statement: Select[int]) -> bool:
    return db.session.scalar(statement.limit(1)) is not None
