"""Quality standards in the configuration file, known by the article or category they are about; photos stay here."""

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.catalog.models import Category, Shop, Sku, Standard, StandardVersion
from qtrace.catalog.standards import Content, Limit, Scope, check_content
from qtrace.core.configuration import Change, Item, Section
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused

EVERYWHERE = "*"


def dump() -> dict[str, dict[str, Any]]:
    """Return every standard that is in use with its versions."""
    shops = {shop.id: shop.key for shop in db.session.scalars(select(Shop))}
    found = {}
    for standard in db.session.scalars(select(Standard).where(Standard.retired_at.is_(None)).order_by(Standard.id)):
        versions = db.session.scalars(
            select(StandardVersion).where(StandardVersion.standard_id == standard.id).order_by(StandardVersion.version)
        )
        found[_key(standard, shops)] = {"name": standard.name, "versions": [_version(row) for row in versions]}
    return dict(sorted(found.items()))


def load(key: str, item: Item, change: Change) -> None:
    """Add a standard with its versions, or the versions that are missing; a published version is never changed."""
    session, scope = require_write(), _scope(key)
    standard = session.scalar(
        select(Standard).where(
            Standard.retired_at.is_(None), Standard.sku_id.is_not_distinct_from(scope.sku_id),
            Standard.category_id.is_not_distinct_from(scope.category_id),
            Standard.shop_id.is_not_distinct_from(scope.shop_id),
        )
    )  # fmt: skip
    if standard is None:
        standard = Standard(
            name=item["name"], sku_id=scope.sku_id, category_id=scope.category_id, shop_id=scope.shop_id,
            created_at=change.now,
        )  # fmt: skip
        session.add(standard)
        session.flush()  # the versions name their standard
    if standard.name != item["name"]:
        standard.name = item["name"]
    there = {
        row.version: _version(row)
        for row in session.scalars(select(StandardVersion).where(StandardVersion.standard_id == standard.id))
    }
    for row in item["versions"]:
        _load_version(standard.id, row, there, change)
    session.flush()  # a value the database refuses belongs to this item


def _load_version(standard_id: int, row: Item, there: dict[int, dict[str, Any]], change: Change) -> None:
    number, held = int(row["version"]), there.get(int(row["version"]))
    if held is not None and held != dict(row):
        raise Refused(_("第 %(n)d 版在本站是另一个内容。已发布的版本不会改;请在本站发布新的一版。", n=number))
    if held is None:
        limits = [Limit(one["name"], one["low"], one["high"], one["unit"]) for one in row["limits"]]
        content = Content(effective_on=date.fromisoformat(row["effective_on"]), text=row["text"], limits=limits)
        require_write().add(
            StandardVersion(
                standard_id=standard_id, version=number, effective_on=content.effective_on, text=content.text,
                limits=check_content(content), photos=[], created_at=change.now, created_by=change.by,
            )
        )  # fmt: skip


def _version(row: StandardVersion) -> dict[str, Any]:
    return {
        "version": row.version, "effective_on": row.effective_on.isoformat(), "text": row.text, "limits": row.limits,
    }  # fmt: skip


def _key(standard: Standard, shops: dict[int, str]) -> str:
    row: Sku | Category = (
        db.session.get_one(Sku, standard.sku_id)
        if standard.sku_id is not None
        else db.session.get_one(Category, standard.category_id)
    )
    kind, shop = "sku" if isinstance(row, Sku) else "category", shops.get(standard.shop_id or 0, EVERYWHERE)
    return f"{kind}:{shops[row.shop_id]}/{row.external_id}@{shop}"


def _scope(key: str) -> Scope:
    kind, _colon, rest = key.partition(":")
    named, _at, shop = rest.rpartition("@")
    owner, _slash, code = named.partition("/")
    shops = {row.key: row.id for row in require_write().scalars(select(Shop))}
    model: type[Sku] | type[Category] = Sku if kind == "sku" else Category
    statement = select(model.id).where(model.shop_id == shops.get(owner, 0), model.external_id == code)
    found = require_write().scalar(statement)
    if kind not in ("sku", "category") or found is None or (shop != EVERYWHERE and shop not in shops):
        raise Refused(_("本站没有「%(key)s」所说的商品、品类或店铺。", key=key))
    return Scope(
        sku_id=found if kind == "sku" else None,
        category_id=found if kind == "category" else None,
        shop_id=shops.get(shop),
    )


SECTION = Section("standards", _l("质量标准"), dump, load)
