"""Work on records that is left to the worker: filling the slots of a field that lists filter by from now on."""

from typing import Any

from sqlalchemy import bindparam, select, update

from qtrace.core.db import db, existing, require_write, table_of, write
from qtrace.core.jobs import JobContext
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.slots import slots_of
from qtrace.records.models import Record
from qtrace.records.slots import slot_values, slotted

RECORDS = table_of(Record)
BATCH = 500


def reindex(payload: dict[str, Any], context: JobContext) -> None:
    """Bring the slots of a form's records up to date, batch by batch; run again it does the same."""
    form_id, last = int(payload["form_id"]), 0
    while True:
        with write():
            context.extend()
            last = _batch(form_id, last)
        if not last:
            return


def _batch(form_id: int, after: int) -> int:
    """Fill the slots of the next records and return the last one's id, 0 at the end."""
    form, slots = existing(Form, form_id), slots_of(form_id)
    statement = (
        select(RECORDS.c.id, RECORDS.c.form_version_id, RECORDS.c.answers)
        .where(RECORDS.c.form_id == form_id, RECORDS.c.id > after)
        .order_by(RECORDS.c.id)
        .limit(BATCH)
    )
    rows = db.session.execute(statement).all()
    changes = []
    for row in rows:
        fields = slotted(stored_definition(form.key, row.form_version_id), slots)
        changes.append(dict.fromkeys(slots.values()) | slot_values(fields, row.answers) | {"row_id": row.id})
    if changes:
        filled = update(RECORDS).where(RECORDS.c.id == bindparam("row_id"))
        require_write().connection().execute(filled, changes)
    return rows[-1].id if rows else 0
