"""Forms in the configuration file: what each asks and where it is offered, places named by key or name."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.models import Department
from qtrace.catalog.models import Category, Shop
from qtrace.core.configuration import Change, Item, Section
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.forms.definition import dump_definition
from qtrace.forms.models import Form, FormScope, FormVersion
from qtrace.forms.queries import forms
from qtrace.forms.service import publish_form
from qtrace.forms.vocabulary import read_definition
from qtrace.records.flow import choose_flow
from qtrace.records.flow_templates import chosen_in

KINDS = ("issue", "complaint", "inspection", "warehouse", "supplier_request", "survey", "record")
PLAIN = ("name_zh", "name_en", "kind", "prefix", "note_zh", "note_en", "state")


def dump() -> dict[str, dict[str, Any]]:
    """Return every form with its current definition."""
    return {form.key: _form(form, version) for form, version in sorted(forms(), key=lambda pair: pair[0].key)}


def load(key: str, item: Item, change: Change) -> None:
    """Publish a definition that differs as the form's next version, and give the form its names and places."""
    session = require_write()
    form = session.scalar(select(Form).where(Form.key == key))
    if (form is not None and form.built_in) != item["built_in"]:
        raise Refused(_("表单「%(key)s」是自带的还是自建的,与本站不符。", key=key))
    if item["kind"] not in KINDS or item["state"] not in ("active", "retired"):
        raise Refused(_("表单「%(key)s」的种类或状态不认识。", key=key))
    definition = read_definition(key, item["definition"])
    scopes = {(str(one["kind"]), _value(str(one["kind"]), str(one["name"]))) for one in item["scopes"]}
    if form is None or _definition(form) != dump_definition(definition):
        publish_form(
            key, definition, name_zh=item["name_zh"], name_en=item["name_en"], by=change.by, now=change.now,
            prefix=item["prefix"],
        )  # fmt: skip
        form = session.scalars(select(Form).where(Form.key == key)).one()
    for name in PLAIN:
        if getattr(form, name) != item[name]:
            setattr(form, name, item[name])
    template, role = chosen_in(item["flow"])
    if item["flow"] and not template:
        raise Refused(_("表单「%(key)s」的流程不认识。", key=key))
    choose_flow(form, template, role, by=change.by, now=change.now)
    there = {
        (row.kind, row.value): row for row in session.scalars(select(FormScope).where(FormScope.form_id == form.id))
    }
    for place, row in there.items():
        if place not in scopes:
            session.delete(row)
    for kind, value in sorted(scopes - set(there)):
        session.add(FormScope(form_id=form.id, kind=kind, value=value, added_at=change.now, added_by=change.by))
    session.flush()  # a value the database refuses belongs to this item


def _form(form: Form, version: FormVersion) -> dict[str, Any]:
    scopes = db.session.scalars(select(FormScope).where(FormScope.form_id == form.id))
    named = sorted(({"kind": row.kind, "name": _name(row.kind, row.value)} for row in scopes), key=lambda row: str(row))
    # read anew: a version of an import that is only tried must not be remembered
    definition = dump_definition(read_definition(form.key, version.definition))
    plain = {name: getattr(form, name) for name in PLAIN}
    return {**plain, "built_in": form.built_in, "flow": form.flow, "definition": definition, "scopes": named}


def _definition(form: Form) -> dict[str, object]:
    statement = select(FormVersion).where(FormVersion.form_id == form.id, FormVersion.version == form.current_version)
    return dump_definition(read_definition(form.key, require_write().scalars(statement).one().definition))


def _value(kind: str, name: str) -> str:
    if kind == "platform":
        return name
    found = NAMED[kind]().get(name) if kind in NAMED else None
    if found is None:
        raise Refused(_("试点范围里的「%(name)s」本站没有。请先建好,再导入一次。", name=name))
    return str(found)


def _name(kind: str, value: str) -> str:
    if kind == "platform":
        return value
    names = {str(row_id): name for name, row_id in NAMED[kind]().items()}
    return names.get(value, value)


def _shops() -> dict[str, int]:
    return {row.key: row.id for row in db.session.execute(select(Shop.key, Shop.id))}


def _categories() -> dict[str, int]:
    statement = select(Shop.key, Category.external_id, Category.id).join(Shop, Shop.id == Category.shop_id)
    return {f"{row.key}/{row.external_id}": row.id for row in db.session.execute(statement)}


def _departments() -> dict[str, int]:
    return {row.name: row.id for row in db.session.execute(select(Department.name, Department.id))}


NAMED: Mapping[str, Callable[[], dict[str, int]]] = {
    "shop": _shops,
    "category": _categories,
    "department": _departments,
}
SECTION = Section("forms", _l("表单"), dump, load)
