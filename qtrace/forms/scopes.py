"""Where a form is offered: everywhere, or only for some categories, shops, platforms or departments (由点到面).

Rows of one kind widen each other; a form with rows of several kinds is offered where every kind fits. What the kinds are
made of and how much of the recent business a choice covers is known to packages above, which register it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import gettext as _
from sqlalchemy import delete, select

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import affected, db, insert_into, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.forms.models import Form, FormScope

KINDS = "qtrace_scope_kinds"
SHARES = "qtrace_scope_shares"
Chosen = Mapping[str, frozenset[str]]  # kind -> values; a kind that is not there is not restricted


@dataclass(frozen=True)
class ScopeKind:
    """A kind of scope: its name, what can be chosen, and the values a category and a shop stand for."""

    key: str
    label: LazyString | str
    options: Callable[[], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Share:
    """How much of something recent a scope covers."""

    label: str
    covered: int
    total: int


@dataclass(frozen=True)
class Setting:
    """Where somebody is about to fill in a form; what is not known restricts nothing."""

    category_id: int | None = None
    shop_id: int | None = None
    platform: str = ""
    department_id: int | None = None


ShareFinder = Callable[[Chosen, datetime], Share]


def register_scope(app: Flask, kind: ScopeKind) -> None:
    """Let a package offer a kind of scope."""
    app.extensions.setdefault(KINDS, {})[kind.key] = kind


def register_share(app: Flask, finder: ShareFinder) -> None:
    """Let a package say how much of its recent records a scope covers."""
    app.extensions.setdefault(SHARES, []).append(finder)


def scope_kinds() -> Mapping[str, ScopeKind]:
    """Return the kinds of scope there are."""
    kinds: Mapping[str, ScopeKind] = current_app.extensions.get(KINDS, {})
    return kinds


def scopes_of(form_id: int) -> Sequence[FormScope]:
    """Return where a form is offered, in the order it was widened."""
    return db.session.scalars(select(FormScope).where(FormScope.form_id == form_id).order_by(FormScope.id)).all()


def chosen_of(rows: Sequence[FormScope]) -> Chosen:
    """Return the values of each kind of these rows."""
    kinds = dict.fromkeys(row.kind for row in rows)
    return {kind: frozenset(row.value for row in rows if row.kind == kind) for kind in kinds}


def shares(chosen: Chosen, *, now: datetime) -> list[Share]:
    """Return how much of the recent business these scopes cover."""
    finders: Sequence[ShareFinder] = current_app.extensions.get(SHARES, ())
    return [finder(chosen, now) for finder in finders]


def add_scope(form: Form, kind: str, values: Sequence[str], *, by: int, now: datetime) -> None:
    """Offer the form in more places; the first row makes a form that was everywhere a pilot."""
    known = scope_kinds().get(kind)
    allowed = {value for value, _label in known.options()} if known else set()
    wanted = [value for value in dict.fromkeys(values) if value]
    if not wanted or not allowed.issuperset(wanted):
        raise Refused(_("请从列表中选择。"), "value")
    for value in wanted:
        row = {"form_id": form.id, "kind": kind, "value": value, "added_at": now, "added_by": by}
        require_write().execute(insert_into(FormScope).values(row).on_conflict_do_nothing())
    events.record(
        "form_scope_widened", subject=("form", form.id), by=by, now=now, body={"kind": kind, "values": wanted}
    )


def remove_scope(form: Form, scope_id: int, *, by: int, now: datetime) -> None:
    """Offer the form no longer in one place; without any row it is offered everywhere."""
    row = db.session.get(FormScope, scope_id)
    if row is None or row.form_id != form.id:
        raise NotFound
    body = {"kind": row.kind, "value": row.value}
    affected(delete(FormScope).where(FormScope.id == scope_id))
    events.record("form_scope_removed", subject=("form", form.id), by=by, now=now, body=body)


def offer_everywhere(form: Form, *, by: int, now: datetime) -> None:
    """End the pilot: the form is offered everywhere."""
    affected(delete(FormScope).where(FormScope.form_id == form.id))
    events.record("form_scope_cleared", subject=("form", form.id), by=by, now=now)


def forms_offered(
    user: User, *, category_id: int | None = None, shop_id: int | None = None, platform: str = ""
) -> Sequence[Form]:
    """Return the published forms this person is offered for an article's category and a shop, by name."""
    setting = Setting(category_id, shop_id, platform, user.department_id)
    active = select(Form).where(Form.state == "active", Form.current_version > 0).order_by(Form.name_zh, Form.id)
    found = db.session.scalars(active).all()
    rows: dict[int, list[FormScope]] = {}
    for row in db.session.scalars(select(FormScope)):
        rows.setdefault(row.form_id, []).append(row)
    return [form for form in found if fits(chosen_of(rows.get(form.id, [])), setting)]


def fits(chosen: Chosen, setting: Setting) -> bool:
    """Say whether a form of this scope is offered in this setting; a kind that is not known there does not exclude it."""
    here = {
        "category": setting.category_id, "shop": setting.shop_id, "platform": setting.platform or None,
        "department": setting.department_id,
    }  # fmt: skip
    return all(here.get(kind) is None or str(here[kind]) in values for kind, values in chosen.items())
