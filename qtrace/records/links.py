"""The records of a company's own forms, as fields of other forms link to them."""

from collections.abc import Sequence

from flask import url_for
from sqlalchemy import Select, select

from qtrace.accounts.access import visible_to
from qtrace.accounts.models import User
from qtrace.core.db import db, table_of
from qtrace.forms.definition import FormDefinition
from qtrace.forms.linking import Linked
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import OptionChoice
from qtrace.records.models import Record
from qtrace.records.queries import record_forms

RECORDS = table_of(Record)
ASKED = (RECORDS.c.id, RECORDS.c.number, RECORDS.c.title, RECORDS.c.answers)


class RecordLinks:
    """Every form that makes records; a voided record is not offered, but stays linked where it was."""

    def targets(self) -> Sequence[OptionChoice]:
        """Return the forms in use."""
        return [OptionChoice(form.key, form.name_zh, form.name_en) for form, _version in record_forms()]

    def definition(self, target: str) -> FormDefinition:
        """Return the form's current definition."""
        return current_definition(target)[1]

    def by_number(self, target: str, number: str, user: User | None) -> Linked | None:
        """Return the record with this number."""
        return _first(target, _of(target, user).where(RECORDS.c.number == number.upper(), RECORDS.c.state != "void"))

    def by_id(self, target: str, row_id: int, user: User | None) -> Linked | None:
        """Return the record with this id."""
        return _first(target, _of(target, user).where(RECORDS.c.id == row_id))

    def begins(self, target: str, text: str, limit: int, user: User | None) -> Sequence[Linked]:
        """Return the newest records whose number begins like this."""
        found = _of(target, user).where(
            RECORDS.c.number >= text.upper(), RECORDS.c.number < text.upper() + "\U0010ffff", RECORDS.c.state != "void"
        )
        rows = db.session.execute(found.order_by(RECORDS.c.id.desc()).limit(limit))
        return [_linked(target, *row) for row in rows]


def _of(target: str, user: User | None) -> Select[int, str, str, dict[str, object]]:
    form = select(Form.id).where(Form.key == target).scalar_subquery()
    statement = select(*ASKED).where(RECORDS.c.form_id == form)
    return statement if user is None else visible_to(statement, Record, user)


def _first(target: str, statement: Select[int, str, str, dict[str, object]]) -> Linked | None:
    row = db.session.execute(statement.limit(1)).one_or_none()
    return None if row is None else _linked(target, *row)


def _linked(target: str, row_id: int, number: str, title: str, answers: dict[str, object]) -> Linked:
    url = url_for("records.show", form_key=target, number=number)
    return Linked(row_id, number, title, url, {}, answers)  # type: ignore[arg-type]  # answers are made of values
