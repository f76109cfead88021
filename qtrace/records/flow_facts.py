"""Whom the flows of a record may ask by what it is about."""

from collections.abc import Mapping

from flask import Flask
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.flows.subjects import FlowSubject, register_flow_subject
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.records.models import Record

LEADS_TO = {"sku": "sku", "supplier": "supplier", "channel_shop": "shop"}  # controls that name such a row


def register(app: Flask) -> None:
    """Let flows be about records."""
    register_flow_subject(app, FlowSubject("record", _("记录"), links_of, begins=False))  # its form says which flow


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
