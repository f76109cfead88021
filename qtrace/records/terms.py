"""Where records hold terms of the taxonomies in their typed columns, for mergers."""

from collections.abc import Iterable

from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.classification.answers import term_fields
from qtrace.classification.places import Place, column_place, register_places
from qtrace.core.db import db, table_of
from qtrace.forms.models import FormField, FormVersion
from qtrace.records.models import Record, RecordChange

RECORDS, CHANGES = table_of(Record), table_of(RecordChange)


def register(app: Flask) -> None:
    """Let mergers of terms reach the typed columns of records."""
    register_places(app, labels={"record": _l("表单记录")}, find=_slots)


def _slots(kind: str) -> Iterable[Place]:
    fields = term_fields(kind)
    form_of = {row.id: row.form_id for row in db.session.execute(select(FormVersion.id, FormVersion.form_id))}
    for row in db.session.execute(select(FormField.form_id, FormField.field, FormField.slot)):
        if row.form_id in {form_of[version] for version in fields.get(row.field, ())}:
            key = f"record.{row.slot}.{row.form_id}"
            # the same rows are counted by their answers already
            yield column_place(key, RECORDS.c[row.slot], within=RECORDS.c.form_id == row.form_id, counted=False)
    for field_id, versions in fields.items():
        forms = {form_of[version] for version in versions}
        records = select(RECORDS.c.id).where(RECORDS.c.form_id.in_(forms))
        within = (CHANGES.c.field == field_id) & CHANGES.c.record_id.in_(records)
        yield column_place(f"record_change.ref_value.{field_id}", CHANGES.c.ref_value, within=within, counted=False)
