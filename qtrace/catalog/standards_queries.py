"""Reads of quality standards; the most specific one that is in force counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, and_, or_, select

from qtrace.catalog.models import Category, Shop, Sku, Standard, StandardVersion
from qtrace.core.db import db, existing
from qtrace.core.errors import NotFound
from qtrace.core.models import StoredFileRow

MOST_LISTED = 200


@dataclass(frozen=True)
class Listed:
    """A standard with what it is about and the version in force."""

    standard: Standard
    sku: Sku | None
    category: Category | None
    shop: Shop | None
    version: StandardVersion | None


def standard_for(sku_id: int, shop_id: int | None, on: date) -> StandardVersion | None:
    """Return what is demanded of an article on a day: its own standard before its category's, the shop's before all shops'."""
    sku = existing(Sku, sku_id)
    in_category = select(Category.id).where(
        Category.shop_id == sku.shop_id, or_(Category.external_id == sku.category, Category.name == sku.category)
    )
    shop = sku.shop_id if shop_id is None else shop_id
    statement = (
        select(StandardVersion)
        .join(Standard, Standard.id == StandardVersion.standard_id)
        .where(
            Standard.retired_at.is_(None),
            StandardVersion.effective_on <= on,
            or_(Standard.sku_id == sku_id, Standard.category_id.in_(in_category)),
            or_(Standard.shop_id.is_(None), Standard.shop_id == shop),
        )
        .order_by(
            Standard.sku_id.is_(None), Standard.shop_id.is_(None), StandardVersion.effective_on.desc(),
            StandardVersion.version.desc(),
        )
        .limit(1)
    )  # fmt: skip
    return db.session.scalar(statement)


def listed(on: date, *, words: str = "", retired: bool = False) -> list[Listed]:
    """Return the standards whose name, article or category contains the words, with the version in force."""
    statement = _named().where(Standard.retired_at.is_not(None) if retired else Standard.retired_at.is_(None))
    if words:
        columns = (Standard.name, Sku.name, Sku.external_id, Category.name)
        statement = statement.where(or_(*(column.contains(words, autoescape=True) for column in columns)))
    rows = db.session.execute(statement.order_by(Standard.name, Standard.id).limit(MOST_LISTED)).all()
    current = _in_force([row[0].id for row in rows], on)
    return [Listed(*row, current.get(row[0].id)) for row in rows]


def in_use() -> Sequence[tuple[Standard, Sku | None, Shop | None]]:
    """Return every standard that is not retired, with its article and shop."""
    rows = db.session.execute(_named().where(Standard.retired_at.is_(None)).order_by(Standard.name, Standard.id))
    return [(standard, sku, shop) for standard, sku, _category, shop in rows]


def shown(standard_id: int, on: date) -> Listed:
    """Return one standard with the version in force."""
    row = db.session.execute(_named().where(Standard.id == standard_id)).one_or_none()
    if row is None:
        raise NotFound
    return Listed(*row, _in_force([standard_id], on).get(standard_id))


def versions(standard_id: int) -> Sequence[StandardVersion]:
    """Return every version of a standard, the newest first."""
    statement = select(StandardVersion).where(StandardVersion.standard_id == standard_id)
    return db.session.scalars(statement.order_by(StandardVersion.version.desc())).all()


def photo(standard_id: int, file_id: str) -> StoredFileRow:
    """Return a photo of any version of a standard."""
    if not any(file_id in version.photos for version in versions(standard_id)):
        raise NotFound
    return db.session.get_one(StoredFileRow, file_id)


def categories() -> Sequence[tuple[Category, Shop]]:
    """Return every category with its shop, for a choice."""
    statement = select(Category, Shop).join(Shop, Shop.id == Category.shop_id).order_by(Shop.name, Category.name)
    return [(category, shop) for category, shop in db.session.execute(statement)]


def _named() -> Select[Standard, Sku, Category, Shop]:
    return (
        select(Standard, Sku, Category, Shop)
        .outerjoin(Sku, Sku.id == Standard.sku_id)
        .outerjoin(Category, Category.id == Standard.category_id)
        .outerjoin(Shop, Shop.id == Standard.shop_id)
    )


def _in_force(ids: Sequence[int], on: date) -> dict[int, StandardVersion]:
    rows = db.session.scalars(
        select(StandardVersion)
        .where(and_(StandardVersion.standard_id.in_(ids), StandardVersion.effective_on <= on))
        .order_by(StandardVersion.effective_on, StandardVersion.version)
    )
    return {row.standard_id: row for row in rows}
