"""Who is responsible for an article, a shop, a supplier or a responsible party: whom flows ask and notices tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select

from qtrace.accounts.models import User
from qtrace.catalog.models import Duty, Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.web.filters import localised

KINDS = {
    "sku": _l("商品"), "shop": _l("店铺"), "supplier": _l("供应商"), "responsible_party": _l("责任方"),
}  # fmt: skip
TABLES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "sku": (Sku, (Sku.external_id, Sku.name)), "shop": (Shop, (Shop.name, Shop.key)),
    "supplier": (Supplier, (Supplier.name, Supplier.external_id)),
    "responsible_party": (Term, (Term.name_zh, Term.name_en, Term.code)),
}  # fmt: skip


@dataclass(frozen=True)
class DutyRow:
    """One duty: whose it is."""

    duty: Duty
    user: User


def responsible_for(kind: str, ref_id: int) -> list[int]:
    """Return the active people responsible for a row, the first named first."""
    statement = (
        select(User.id).join(Duty, Duty.user_id == User.id)
        .where(Duty.kind == kind, Duty.ref_id == ref_id, User.active).order_by(Duty.id)
    )  # fmt: skip
    return list(db.session.scalars(statement))


def duties() -> Sequence[DutyRow]:
    """Return every duty, by kind and age."""
    statement = select(Duty, User).join(User, User.id == Duty.user_id).order_by(Duty.kind, Duty.ref_id, Duty.id)
    return [DutyRow(*row) for row in db.session.execute(statement)]


def give_duty(kind: str, ref_id: int | None, user_id: int | None, *, by: int, now: datetime) -> None:
    """Make a person responsible for a row; a second time changes nothing."""
    if kind not in KINDS:
        raise Refused(_("请选择对什么负责。"), field="kind")
    if ref_id is None:
        raise Refused(_("没有找到它。请按列表里的名称或编码填写。"), field="ref")
    session = require_write()
    user = session.get(User, user_id) if user_id else None
    if user is None or not user.active:
        raise Refused(_("请选择一位在职的同事。"), field="user_id")
    same = select(Duty.id).where(Duty.kind == kind, Duty.ref_id == ref_id, Duty.user_id == user.id)
    if session.scalar(same) is not None:
        return
    session.add(Duty(kind=kind, ref_id=ref_id, user_id=user.id))
    body = {"kind": kind, "ref": ref_id, "user": user.id}
    events.record("duty_given", subject=("duty", ref_id), by=by, now=now, body=body)


def take_duty(duty_id: int, *, by: int, now: datetime) -> None:
    """Take a duty away; NotFound when it is gone already."""
    session = require_write()
    duty = session.get(Duty, duty_id)
    if duty is None:
        raise NotFound
    body = {"kind": duty.kind, "ref": duty.ref_id, "user": duty.user_id}
    session.execute(delete(Duty).where(Duty.id == duty_id))
    events.record("duty_taken", subject=("duty", duty.ref_id), by=by, now=now, body=body)


def find_ref(kind: str, text: str) -> int | None:
    """Return the row people call so: an article by code, a shop or supplier by name or key, a party by either name."""
    text = text.strip()[:200]
    if not text or kind not in TABLES:
        return None
    model, columns = TABLES[kind]
    for column in columns:
        wanted = select(model.id).where(column == text)
        if kind == "responsible_party":
            wanted = wanted.where(Term.kind == kind, Term.active)
        found = db.session.scalar(wanted.order_by(model.id).limit(1))
        if found is not None:
            return int(found)
    return None


def names_of_refs(rows: Sequence[Duty]) -> dict[tuple[str, int], str]:
    """Return what people call the rows of these duties, one question per kind."""
    found: dict[tuple[str, int], str] = {}
    for kind in sorted({row.kind for row in rows} & TABLES.keys()):
        model = TABLES[kind][0]
        ids = {row.ref_id for row in rows if row.kind == kind}
        for one in db.session.scalars(select(model).where(model.id.in_(ids))):
            found[kind, one.id] = _name(one)
    return found


def _name(row: Any) -> str:
    if isinstance(row, Sku):
        return f"{row.label} {row.external_id}" if row.name else row.external_id
    return localised(row) if isinstance(row, Term) else str(row.name)
