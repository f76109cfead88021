"""The records that links name, and what can be looked up in them."""

from collections.abc import Sequence

from flask_login import current_user
from sqlalchemy import Select, or_, select

from qtrace.core.db import db, table_of
from qtrace.forms.controls.compute import Taken
from qtrace.forms.controls.relation import Linked
from qtrace.forms.models import Form
from qtrace.forms.registry import Value
from qtrace.records.models import Record
from qtrace.records.visibility import seen

RECORDS, FORMS = table_of(Record), table_of(Form)


class RecordLinks:
    """Links by the numbers of records; voided ones can't be linked anew."""

    def find(self, form: str, text: str, *, limit: int) -> Sequence[Linked]:
        """Return the records the reader may see whose number or title the text begins; every form's for ""."""
        text = text.strip()
        begins = or_(
            RECORDS.c.number.startswith(text.upper(), autoescape=True),
            RECORDS.c.title.startswith(text, autoescape=True),
        )
        statement = _seen(form).where(begins, RECORDS.c.state != "void").order_by(RECORDS.c.id.desc()).limit(limit)
        return [
            Linked(row.id, row.number, row.title, _url(row.key, row.number)) for row in db.session.execute(statement)
        ]

    def by_number(self, form: str, number: str) -> Linked | None:
        """Return the record with this number, None when the form has none the reader may see: lookups tell its title."""
        return _one(_seen(form).where(RECORDS.c.number == number, RECORDS.c.state != "void"))

    def label(self, record_id: int) -> Linked | None:
        """Return a record by its id."""
        return _one(_of("").where(RECORDS.c.id == record_id))


TAKEN = {
    "number": Taken("编号", "Number", "text", lambda value: _said(value, "number"), private=True),
    "title": Taken("标题", "Title", "text", lambda value: _said(value, "title"), private=True),
}


def _of(form: str) -> Select[int, str, str, str]:
    statement = select(RECORDS.c.id, RECORDS.c.number, RECORDS.c.title, FORMS.c.key).join(
        FORMS, FORMS.c.id == RECORDS.c.form_id
    )
    return statement.where(FORMS.c.key == form) if form else statement


def _seen(form: str) -> Select[int, str, str, str]:
    """Select what the reader may see; a job, which has no reader, sees everything."""
    reader = current_user if current_user and current_user.is_authenticated else None
    return _of(form) if reader is None else seen(_of(form), reader)


def _one(statement: Select[int, str, str, str]) -> Linked | None:
    row = db.session.execute(statement.limit(1)).first()
    return Linked(row.id, row.number, row.title, _url(row.key, row.number)) if row else None


def _said(value: Value, name: str) -> Value:
    found = RecordLinks().label(value) if isinstance(value, int) else None
    return str(getattr(found, name)) or None if found else None


def _url(form: str, number: str) -> str:
    return f"/records/{form}/{number}"  # a job, which builds no addresses, reads links too
