"""The kinds of places a form can be offered in that the master data knows: categories, shops, platforms."""

from collections.abc import Mapping, Sequence

from flask import Flask
from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, and_, false, or_, select

from qtrace.catalog.models import Category, Shop, Sku
from qtrace.catalog.queries import shops
from qtrace.core.db import db
from qtrace.core.ids import as_id
from qtrace.forms.scopes import ScopeKind, register_scope


def register_scopes(app: Flask) -> None:
    """Offer the kinds."""
    register_scope(app, ScopeKind("category", _("商品品类"), categories))
    register_scope(app, ScopeKind("shop", _("店铺"), lambda: [(str(shop.id), shop.name) for shop in shops()]))
    register_scope(app, ScopeKind("platform", _("平台"), platforms))


def categories() -> Sequence[tuple[str, str]]:
    """Return every category by name; the shop stands behind it, since each shop has categories of its own."""
    rows = db.session.execute(
        select(Category.id, Category.name, Shop.name.label("shop"))
        .join(Shop, Shop.id == Category.shop_id)
        .order_by(Category.name, Category.id)
    )
    return [(str(row.id), f"{row.name} · {row.shop}") for row in rows]


def category_of(sku: Sku) -> int | None:
    """Return the id of an article's category, as forms are bound to it; None when the shop names no such category."""
    named = (Category.external_id == sku.category) | (Category.name == sku.category)
    found = select(Category.id).where(Category.shop_id == sku.shop_id, named).order_by(Category.id).limit(1)
    return db.session.scalar(found)


def platforms() -> Sequence[tuple[str, str]]:
    """Return the platforms the company sells on."""
    names = db.session.scalars(select(Shop.platform).where(Shop.platform != "").distinct().order_by(Shop.platform))
    return [(name, name) for name in names]


def shops_within(chosen: Mapping[str, frozenset[str]]) -> list[ColumnElement[bool]]:
    """Return the conditions on a shop that a scope's shops and platforms make."""
    where: list[ColumnElement[bool]] = []
    if "shop" in chosen:
        where.append(Shop.id.in_([as_id(value) or 0 for value in chosen["shop"]]))
    if "platform" in chosen:
        where.append(Shop.platform.in_(chosen["platform"]))
    return where


def articles_within(chosen: Mapping[str, frozenset[str]]) -> ColumnElement[bool] | None:
    """Return the condition on an article that a scope's categories make; None when it has none."""
    if "category" not in chosen:
        return None
    ids = [as_id(value) or 0 for value in chosen["category"]]
    rows = db.session.execute(select(Category.shop_id, Category.external_id, Category.name).where(Category.id.in_(ids)))
    return or_(
        false(), *(and_(Sku.shop_id == row.shop_id, Sku.category.in_([row.external_id, row.name])) for row in rows)
    )
