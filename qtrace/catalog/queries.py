"""Reads of the master data."""

from collections.abc import Sequence

from sqlalchemy import select

from qtrace.catalog.models import Category, Shop, Sku, Supplier
from qtrace.core.db import db


def shops() -> Sequence[Shop]:
    """Return every shop by name."""
    return db.session.scalars(select(Shop).order_by(Shop.name, Shop.id)).all()


def shop_by_key(key: str) -> Shop | None:
    """Return the shop with this key."""
    return db.session.scalar(select(Shop).where(Shop.key == key))


def skus_by_code(code: str, *, limit: int = 20) -> Sequence[Sku]:
    """Return the articles with this SKU code or barcode, over all shops."""
    matches = (Sku.external_id == code) | (Sku.barcode == code)
    return db.session.scalars(select(Sku).where(matches).order_by(Sku.id).limit(limit)).all()


def suppliers_by_code(code: str, *, limit: int = 20) -> Sequence[Supplier]:
    """Return the suppliers with this code or name, over all shops."""
    matches = (Supplier.external_id == code) | (Supplier.name == code)
    return db.session.scalars(select(Supplier).where(matches).order_by(Supplier.id).limit(limit)).all()


def category_names(shop_id: int) -> dict[str, str]:
    """Return {category as the source writes it: name staff read}."""
    rows = db.session.execute(select(Category.external_id, Category.name).where(Category.shop_id == shop_id))
    return {row.external_id: row.name for row in rows}
