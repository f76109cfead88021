"""What the rules of a form may ask of its other records, and what they are tried on.

A field that lists filter by is looked up in its indexed slot; any other is compared as it is spelled in the answers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, select

from qtrace.core.db import db, table_of
from qtrace.core.errors import Refused
from qtrace.forms.slots import slots_of
from qtrace.records.models import SCALE, Record
from qtrace.records.queries import history_of
from qtrace.records.slots import slot_value
from qtrace.rules.facts import AskedForm, Sample, spellings
from qtrace.rules.subject import seen_numbers, split_same
from qtrace.sdk.rules import Match

RECORDS = table_of(Record)


class RecordFacts:
    """Answers about the records of every form that makes records; voided ones are left out."""

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
        number = None if statement is None else db.session.scalar(statement.limit(1))
        return Match(number, f"/records/{form.key}/{number}") if number else None

    def recent_numbers(
        self, form: AskedForm, name: str, *, same: Mapping[str, object], most: int, besides: int | None
    ) -> Sequence[Decimal]:
        """Return the newest values of a numeric field, or of a column in the rows of records."""
        table, _dot, column = name.partition(".")
        outside, inside = split_same(table, same)
        asked = form.definition.field(table)
        statement = _matching(form, outside, None, besides)
        if asked is None or statement is None:
            return []
        rows = db.session.scalars(statement.with_only_columns(RECORDS.c.answers).limit(most))
        found = [number for answers in rows for number in seen_numbers(asked, column, answers.get(table), inside)]
        return found[:most]

    def history(self, form: AskedForm, record_id: int) -> Mapping[str, Sequence[object]]:
        """Return the earlier values of the fields that lists filter by; a number as the rules see it."""
        slots = slots_of(form.id)
        return {name: [_seen(slots.get(name, ""), one) for one in held] for name, held in history_of(record_id).items()}

    def newest(self, form: AskedForm, most: int) -> Sequence[Sample]:
        """Return the newest records."""
        statement = select(Record).where(Record.form_id == form.id, Record.state != "void").order_by(Record.id.desc())
        return [_sample(form, record) for record in db.session.scalars(statement.limit(most))]

    def by_number(self, form: AskedForm, number: str) -> Sample | None:
        """Return the record with this number."""
        record = db.session.scalar(select(Record).where(Record.form_id == form.id, Record.number == number))
        return _sample(form, record) if record else None


def _sample(form: AskedForm, record: Record) -> Sample:
    return Sample(record.number, f"/records/{form.key}/{record.number}", answers=record.answers, record_id=record.id)


def _matching(
    form: AskedForm, values: Mapping[str, object], since: datetime | None, besides: int | None
) -> Select[str] | None:
    """Select the numbers of matching records, newest first; None when a field can't be compared."""
    statement = select(RECORDS.c.number).where(RECORDS.c.form_id == form.id, RECORDS.c.state != "void")
    slots = slots_of(form.id)
    for name, value in values.items():
        if form.definition.field(name) is None:
            return None
        equal = _equal(name, value, slots)
        if equal is None:
            return None
        statement = statement.where(*equal)
    if since is not None:
        statement = statement.where(RECORDS.c.created_at >= since)
    if besides is not None:
        statement = statement.where(RECORDS.c.id != besides)
    return statement.order_by(RECORDS.c.id.desc())


def _equal(name: str, value: object, slots: Mapping[str, str]) -> list[ColumnElement[bool]] | None:
    spelled = Record.answers[name].as_string().in_(spellings(value))
    if name not in slots:
        return [spelled]
    try:
        held = slot_value(value)
    except Refused:
        return None
    in_slot: ColumnElement[bool] = RECORDS.c[slots[name]] == held
    # a slot holds the beginning of a long text; the answers tell the rest
    return [in_slot, spelled] if isinstance(value, str) and value != held else [in_slot]


def _seen(slot: str, value: object) -> object:
    """Return a kept value as rules see it: numbers without the scale of their slot, yes and no as such."""
    if slot.startswith("n") and isinstance(value, int):
        return Decimal(value).scaleb(-SCALE)
    return bool(value) if slot.startswith("b") and value is not None else value
