"""The records of a company's own forms, as the designer of a form counts and samples them."""

from collections.abc import Mapping, Sequence

from flask import url_for
from sqlalchemy import func, select

from qtrace.accounts.models import User
from qtrace.core.db import db, table_of
from qtrace.forms.models import Form
from qtrace.forms.sources import Sample
from qtrace.records.models import Record
from qtrace.records.visibility import seen

RECORDS = table_of(Record)


class RecordSource:
    """Where the records of every form are that fills no table of its own; voided ones are left out."""

    def count(self, forms: Sequence[Form]) -> Mapping[int, int]:
        """Return how many records each of these forms has, by the form's id."""
        statement = (
            select(RECORDS.c.form_id, func.count())
            .where(RECORDS.c.form_id.in_([form.id for form in forms]), RECORDS.c.state != "void")
            .group_by(RECORDS.c.form_id)
        )
        return dict.fromkeys((form.id for form in forms), 0) | {row[0]: row[1] for row in db.session.execute(statement)}

    def recent(self, form: Form, limit: int, *, user: User) -> Sequence[Sample]:
        """Return the newest records of a form the person sees, the newest first."""
        statement = seen(select(RECORDS.c.number, RECORDS.c.answers), user).where(
            RECORDS.c.form_id == form.id, RECORDS.c.state != "void"
        )
        rows = db.session.execute(statement.order_by(RECORDS.c.id.desc()).limit(limit))
        return [
            Sample(row.number, url_for("records.show", form_key=form.key, number=row.number), {}, row.answers)
            for row in rows
        ]

    def list_url(self, form: Form) -> str:
        """Return the address of the list of the form's records."""
        return url_for("records.list_show", form_key=form.key)

    def new_url(self, form: Form) -> str:
        """Return the address at which the form is filled in."""
        return url_for("records.new", form_key=form.key)
