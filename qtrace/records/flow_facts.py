"""What flows may ask of a record: the fields of its form; and whom the record leads to."""

from collections.abc import Mapping, Sequence

from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.conditions.builder import BuilderField
from qtrace.core.db import db
from qtrace.flows.subjects import FlowSubject, register_flow_subject
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.records.models import Record
from qtrace.rules.editor import fields_to_ask
from qtrace.rules.reading import FormWords
from qtrace.rules.subject import Sight
from qtrace.web.filters import localised

LEADS_TO = {"sku": "sku", "supplier": "supplier", "channel_shop": "shop"}  # controls that name such a row


def register(app: Flask) -> None:
    """Let flows be about records."""
    subject = FlowSubject("record", _l("记录"), fields, values_of, links_of, form_of, forms)
    register_flow_subject(app, subject)


def fields(form: str) -> Sequence[BuilderField]:
    """Return the fields of a form; of every form where none is named, each id once."""
    keys = [form] if form else [key for key, _name in forms()]
    found = {
        field.id: field for key in reversed(keys) for field in fields_to_ask(FormWords(current_definition(key)[1]))
    }
    return tuple(found.values())


def forms() -> Sequence[tuple[str, str]]:
    """Return (key, name) of every published form whose records may go through a flow."""
    statement = select(Form).where(Form.kind == "record", Form.state == "active").order_by(Form.key)
    return [(form.key, localised(form)) for form in db.session.scalars(statement)]


def form_of(record_id: int) -> str:
    """Return the key of a record's form."""
    return db.session.scalars(
        select(Form.key).join(Record, Record.form_id == Form.id).where(Record.id == record_id)
    ).one()


def values_of(record_id: int) -> Mapping[str, object]:
    """Return the answers of a record as conditions see them."""
    record, definition = _record(record_id)
    return Sight(definition).of({}, record.answers)


def links_of(record_id: int) -> Mapping[str, int]:
    """Return the rows a record is about, by the first field that names one."""
    record, definition = _record(record_id)
    found: dict[str, int] = {}
    for asked in definition.fields:
        kind, value = LEADS_TO.get(asked.control), record.answers.get(asked.id)
        if kind and isinstance(value, int):
            found.setdefault(kind, value)
    own = {"shop": record.shop_id, "sku": record.sku_id}
    return {kind: row for kind, row in own.items() if row is not None} | found


def _record(record_id: int) -> tuple[Record, FormDefinition]:
    record, key = db.session.execute(
        select(Record, Form.key).join(Form, Form.id == Record.form_id).where(Record.id == record_id)
    ).one()
    return record, stored_definition(key, record.form_version_id)
