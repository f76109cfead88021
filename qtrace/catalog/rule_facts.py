"""What the rules of forms may ask of the master data."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from flask import Flask
from sqlalchemy import ColumnElement, Select, select

from qtrace.catalog.models import Category, Shop, Sku, Supplier, Warehouse
from qtrace.catalog.standards_queries import standard_for
from qtrace.core.db import db
from qtrace.rules.facts import AskedForm, register_known, register_limits
from qtrace.sdk.rules import Limits
from qtrace.web.filters import site_zone


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


def standard_limits(form: AskedForm, name: str, values: Mapping[str, object], now: datetime) -> Limits | None:
    """Return the limits the quality standard in force sets for a measured name of the article the record is about."""
    by_control = {asked.control: values.get(asked.id) for asked in reversed(list(form.definition.fields))}
    sku_id, shop_id = by_control.get("sku"), by_control.get("channel_shop")
    if not isinstance(sku_id, int):
        return None
    today = now.astimezone(site_zone()).date()
    version = standard_for(sku_id, shop_id if isinstance(shop_id, int) else None, today)
    row = next((one for one in version.limits if one.get("name") == name), None) if version else None
    return Limits(_number(row.get("low")), _number(row.get("high")), str(row.get("unit") or "")) if row else None


def register_rule_facts(app: Flask) -> None:
    """Answer what rules ask of articles, suppliers, shops, warehouses and categories."""
    register_known(app, "sku", is_known_sku)
    register_known(app, "supplier", is_known_supplier)
    register_known(app, "shop", is_known_shop)
    register_known(app, "warehouse", is_known_warehouse)
    register_known(app, "category", is_known_category)
    register_limits(app, standard_limits)


def _is_there(statement: Select[int]) -> bool:
    return db.session.scalar(statement.limit(1)) is not None


def _number(value: object) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))
