"""What rules may ask of the records of a company's own forms; a field is compared in its slot."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import url_for
from sqlalchemy import Select, select

from qtrace.core.db import db, table_of
from qtrace.forms.slots import slots_of
from qtrace.records.models import SCALE, Record
from qtrace.records.queries import history_of
from qtrace.records.slots import slot_value, slotted
from qtrace.rules.facts import AskedForm, Sample
from qtrace.sdk.rules import Match

RECORDS = table_of(Record)
Row = Select[*tuple[Any, ...]]


class RecordFacts:
    """Answers about records; a question about a field that lists do not filter by has no answer."""

    def twin(
        self, form: AskedForm, name: str, value: object, *, same: Mapping[str, object], since: datetime | None,
        besides: int | None,
    ) -> Match | None:  # fmt: skip
        """Return a record whose field has the value and whose `same` fields are equal."""
        return self.alike(form, {name: value, **same}, since=since, besides=besides)

    def alike(
        self, form: AskedForm, values: Mapping[str, object], *, since: datetime | None, besides: int | None
    ) -> Match | None:
        """Return the newest record with all these values."""
        statement = _matching(form, values, since, besides)
        row = None if statement is None else db.session.execute(statement.limit(1)).first()
        return Match(row.number, _url(form, row.number)) if row else None

    def recent_numbers(
        self, form: AskedForm, name: str, *, same: Mapping[str, object], most: int, besides: int | None
    ) -> Sequence[Decimal]:
        """Return the newest values of a numeric field."""
        statement, slot = _matching(form, same, None, besides), slots_of(form.id).get(name)
        if statement is None or slot is None:
            return []
        column = RECORDS.c[slot]
        rows = db.session.scalars(statement.with_only_columns(column).where(column.is_not(None)).limit(most))
        return [Decimal(value).scaleb(-SCALE) for value in rows]

    def history(self, form: AskedForm, record_id: int) -> Mapping[str, Sequence[object]]:
        """Return the earlier values of each field of a record, oldest first."""
        numbers = {one.field.id for one in slotted(form.definition, slots_of(form.id)) if one.slot.startswith("n")}
        return {
            name: [Decimal(int(str(value))).scaleb(-SCALE) if name in numbers and value is not None else value for value in values]
            for name, values in history_of(record_id).items()
        }  # fmt: skip

    def newest(self, form: AskedForm, most: int) -> Sequence[Sample]:
        """Return the newest records."""
        statement = select(Record).where(Record.form_id == form.id, Record.state != "void").order_by(Record.id.desc())
        return [_sample(form, record) for record in db.session.scalars(statement.limit(most))]

    def by_number(self, form: AskedForm, number: str) -> Sample | None:
        """Return the record with this number."""
        record = db.session.scalar(select(Record).where(Record.form_id == form.id, Record.number == number))
        return _sample(form, record) if record else None


def _sample(form: AskedForm, record: Record) -> Sample:
    return Sample(record.number, _url(form, record.number), {}, record.answers, record_id=record.id)


def _url(form: AskedForm, number: str) -> str:
    return url_for("records.show", form_key=form.key, number=number)


def _matching(form: AskedForm, values: Mapping[str, object], since: datetime | None, besides: int | None) -> Row | None:
    """Select matching records, newest first; None when a field has no slot."""
    slots = slots_of(form.id)
    if not all(name in slots for name in values):
        return None
    statement: Row = select(RECORDS.c.number).where(RECORDS.c.form_id == form.id, RECORDS.c.state != "void")
    for name, value in values.items():
        column, stored = RECORDS.c[slots[name]], slot_value(value)
        statement = statement.where(column.is_(None) if stored is None else column == stored)
    if since is not None:
        statement = statement.where(RECORDS.c.created_at >= since)
    if besides is not None:
        statement = statement.where(RECORDS.c.id != besides)
    return statement.order_by(RECORDS.c.id.desc())
