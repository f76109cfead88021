"""Verbs on quality standards (质量标准/封样): what an article must be like, in versions with a day each begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.catalog.models import Category, Shop, Sku, Standard, StandardVersion
from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile
from qtrace.core.models import StoredFileRow
from qtrace.forms.registry import as_decimal

MAX_NAME = 120
MAX_TEXT = 10_000
MAX_UNIT = 20
MOST_LIMITS = 60
MOST_PHOTOS = 9


@dataclass(frozen=True)
class Limit:
    """What a measured value must keep to; an empty end is open. Numbers keep their spelling."""

    name: str
    low: str = ""
    high: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What a standard is about: an article or a category, in one shop or in all."""

    sku_id: int | None = None
    category_id: int | None = None
    shop_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Content:
    """What a version says: words, limits, photos kept from before and new ones, and the day it begins."""

    effective_on: date
    text: str = ""
    limits: Sequence[Limit] = ()
    kept: Sequence[str] = ()
    photos: Sequence[StoredFile] = field(default_factory=tuple)


def add_standard(name: str, scope: Scope, content: Content, *, by: int | None, now: datetime) -> int:
    """Add a standard with its first version and return its id; one article or category has one per shop."""
    session = require_write()
    name = name.strip()[:MAX_NAME]
    if not name:
        raise Refused(_("请填写名称。"), field="name")
    _check_scope(scope)
    standard = Standard(
        name=name, sku_id=scope.sku_id, category_id=scope.category_id, shop_id=scope.shop_id, created_at=now
    )
    session.add(standard)
    session.flush()  # the version names its standard
    events.record("standard_added", subject=("standard", standard.id), by=by, now=now, body={"name": name})
    add_version(standard.id, content, by=by, now=now)
    return standard.id


def add_version(standard_id: int, content: Content, *, by: int | None, now: datetime, seen: int | None = None) -> int:
    """Add what the standard says from a day on and return the version; earlier versions stay as they were.

    `seen` is the newest version the person looked at.
    """
    session = require_write()
    session.execute(select(Standard.id).where(Standard.id == standard_id).with_for_update())
    existing(Standard, standard_id)
    last = session.scalars(
        select(StandardVersion)
        .where(StandardVersion.standard_id == standard_id)
        .order_by(StandardVersion.version.desc())
    ).first()
    if seen is not None and seen != (last.version if last else 0):
        raise Refused(_("刚刚有人发布了新的一版。请看过再发布。"))
    if last is not None and content.effective_on < last.effective_on:
        raise Refused(_("生效日不能早于上一版的 %(day)s。", day=last.effective_on.isoformat()), field="effective_on")
    limits = check_content(content)
    if not (content.text.strip() or limits or content.photos or content.kept):
        raise Refused(_("请填写要求、限值或照片,至少一样。"), field="text")
    kept = [photo for photo in content.kept if last is not None and photo in last.photos]
    if len(kept) + len(content.photos) > MOST_PHOTOS:
        raise Refused(_("最多 %(most)d 张照片。请去掉几张。", most=MOST_PHOTOS), field="photos")
    number = (last.version if last else 0) + 1
    version = StandardVersion(
        standard_id=standard_id, version=number, effective_on=content.effective_on, text=content.text.strip(),
        limits=limits, photos=[*kept, *_stored(content.photos, by=by, now=now)], created_at=now, created_by=by,
    )  # fmt: skip
    session.add(version)
    body: dict[str, Any] = {"version": number, "effective_on": content.effective_on.isoformat()}
    for name in ("text", "limits", "photos"):
        old, new = getattr(last, name) if last else None, getattr(version, name)
        if old != new:
            body[name] = {"old": old, "new": new}
    events.record("standard_published", subject=("standard", standard_id), by=by, now=now, body=body)
    return number


def switch_standard(standard_id: int, *, active: bool, by: int, now: datetime) -> None:
    """Retire a standard or bring it back; its versions stay."""
    standard = existing(Standard, standard_id)
    if (standard.retired_at is None) == active:
        return
    if active:
        _check_scope(Scope(sku_id=standard.sku_id, category_id=standard.category_id, shop_id=standard.shop_id))
    standard.retired_at = None if active else now
    events.record(
        "standard_restored" if active else "standard_retired", subject=("standard", standard_id), by=by, now=now
    )


def limits_from(names: Sequence[str], parts: Mapping[str, Sequence[str]]) -> list[Limit]:
    """Return the limits of a form's rows; rows that are wholly empty are left out."""
    rows = []
    for place, name in enumerate(names):
        low, high, unit = (_at(parts.get(part, ()), place) for part in ("low", "high", "unit"))
        if name.strip() or low or high or unit:
            rows.append(Limit(name.strip(), low, high, unit))
    return rows


def _at(values: Sequence[str], place: int) -> str:
    return values[place].strip() if place < len(values) else ""


def _check_scope(scope: Scope) -> None:
    session = require_write()
    if (scope.sku_id is None) == (scope.category_id is None):
        raise Refused(_("请填写 SKU,或选择品类,二者选一。"), field="sku")
    for model, row_id in ((Sku, scope.sku_id), (Category, scope.category_id), (Shop, scope.shop_id)):
        if row_id is not None:
            existing(model, row_id)
    same = select(Standard).where(
        Standard.retired_at.is_(None), Standard.sku_id.is_not_distinct_from(scope.sku_id),
        Standard.category_id.is_not_distinct_from(scope.category_id), Standard.shop_id.is_not_distinct_from(scope.shop_id),
    )  # fmt: skip
    twin = session.scalars(same.limit(1)).first()
    if twin is not None:
        raise Refused(_("这里已经有「%(name)s」。请给它发布新的一版。", name=twin.name), field="sku")


def check_content(content: Content) -> list[dict[str, str]]:
    """Return the limits as they are kept; refuse words, limits or photos that can't be published."""
    limits = [_checked(limit) for limit in content.limits]
    if len(content.text) > MAX_TEXT:
        raise Refused(
            _("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=MAX_TEXT, n=len(content.text)), field="text"
        )
    if len(limits) > MOST_LIMITS:
        raise Refused(_("最多 %(most)d 项限值。", most=MOST_LIMITS), field="limits")
    names = [limit["name"] for limit in limits]
    double = next((name for name in names if names.count(name) > 1), None)
    if double:
        raise Refused(_("「%(name)s」写了两次。", name=double), field="limits")
    return limits


def _checked(limit: Limit) -> dict[str, str]:
    if not limit.name:
        raise Refused(_("每项限值都要有名称。"), field="limits")
    low, high = _number(limit.low, limit.name), _number(limit.high, limit.name)
    if low is None and high is None:
        raise Refused(_("「%(name)s」请填写下限或上限。", name=limit.name), field="limits")
    if low is not None and high is not None and low > high:
        raise Refused(_("「%(name)s」的下限大于上限。", name=limit.name), field="limits")
    return {"name": limit.name[:MAX_NAME], "low": limit.low, "high": limit.high, "unit": limit.unit[:MAX_UNIT]}


def _number(text: str, name: str) -> Decimal | None:
    number = as_decimal(text) if text else None
    if text and number is None:
        raise Refused(_("「%(name)s」的限值「%(text)s」不是数字。", name=name, text=text[:40]), field="limits")
    return number


def _stored(photos: Sequence[StoredFile], *, by: int | None, now: datetime) -> list[str]:
    session = require_write()
    for photo in photos:
        session.add(
            StoredFileRow(
                id=photo.id, name=photo.name, media_type=photo.media_type, size=photo.size, sha256=photo.sha256,
                created_at=now, created_by=by,
            )
        )  # fmt: skip
    return [photo.id for photo in photos]
