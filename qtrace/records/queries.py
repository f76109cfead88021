"""Reads of records; every one starts from what the reader may see.

A list sorted by a form's own field shows the records that have a value first and the others after them, newest first; so
each part is read from an index, and a page knows by its cursor in which part it ended.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.sql.elements import UnaryExpression

from qtrace.accounts.models import User
from qtrace.conditions.compile import to_sql
from qtrace.core import search
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.core.models import StoredFileRow
from qtrace.forms.models import Form, FormVersion
from qtrace.orders.facts import storable
from qtrace.records.asking import Asked
from qtrace.records.fields import RECORDS, ListField, ListFields
from qtrace.records.in_turn import as_seen
from qtrace.records.models import Record, RecordChange, RecordEdit, RecordFile
from qtrace.records.visibility import seen

PAGE = 50
CAP = 1001

Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True)
class Page:
    """One page of a list and the cursor where the next begins, empty at the end."""

    rows: Sequence[Record]
    next: str


def record_page(
    form_id: int, asked: Asked, fields: ListFields, user: User, *, after: str = "", size: int = PAGE
) -> Page:
    """Return one page of a form's records in the asked order, without what the person's own turns hide."""
    where = matching(form_id, asked, fields)
    name = asked.sort.removeprefix("-")
    falling = asked.sort.startswith("-") or not asked.sort
    field = fields.by_id.get(name)
    part, value, row_id = _read_cursor(after, field)
    rows: list[Record] = []
    if field is not None and part == "value":
        rows = _sorted(where, field, user, value, row_id, falling=falling, size=size + 1)
        part, row_id = "rest", None
    if field is not None and len(rows) <= size:
        missing = [*where, field.column.is_(None)]
        rows += _newest(missing, user, row_id, size=size + 1 - len(rows))
    if field is None:
        rows = _newest(where, user, row_id, size=size + 1)
    more = len(rows) > size
    return Page(as_seen(rows[:size], form_id, user), _cursor(rows[size - 1], field) if more else "")


def count(form_id: int, asked: Asked, fields: ListFields, user: User) -> int:
    """Return how many match, counting no further than CAP."""
    rows = seen(select(RECORDS.c.id), user).where(*matching(form_id, asked, fields)).limit(CAP)
    return db.session.scalar(select(func.count()).select_from(rows.subquery())) or 0


def matching(form_id: int, asked: Asked, fields: ListFields) -> Conditions:
    """Return the conditions of what is asked of a form's records; voided ones are left out unless asked for."""
    found: Conditions = [RECORDS.c.form_id == form_id]
    found.append(RECORDS.c.state == asked.state if asked.state else RECORDS.c.state != "void")
    if asked.condition is not None:
        found.append(to_sql(asked.condition, fields.columns))
    if asked.q:
        found.append(search.matching("record", asked.q, RECORDS.c.id))
    return found


def visible_record(form_id: int, number: str, user: User) -> Record:
    """Return one record of a form; not found when it is missing or out of the person's reach."""
    statement = seen(select(Record), user).where(Record.form_id == form_id, Record.number == number)
    found = db.session.scalar(statement)
    if found is None:
        raise NotFound
    return found


def record_by_number(number: str, user: User) -> tuple[Record, Form]:
    """Return a record of any form with its form."""
    statement = seen(select(Record, Form), user).join(Form, Form.id == Record.form_id)
    row = db.session.execute(statement.where(Record.number == number)).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def files_of(record_id: int) -> dict[str, list[StoredFileRow]]:
    """Return the files of a record by field."""
    statement = (
        select(RecordFile.field, StoredFileRow)
        .join(StoredFileRow, StoredFileRow.id == RecordFile.file_id)
        .where(RecordFile.record_id == record_id)
        .order_by(RecordFile.id)
    )
    found: dict[str, list[StoredFileRow]] = {}
    for field, file in db.session.execute(statement):
        found.setdefault(field, []).append(file)
    return found


def last_edit(record_id: int) -> RecordEdit | None:
    """Return what the record said before its last edit; None when it was never edited."""
    statement = select(RecordEdit).where(RecordEdit.record_id == record_id).order_by(RecordEdit.version.desc())
    return db.session.scalar(statement.limit(1))


def history_of(record_id: int) -> dict[str, list[object]]:
    """Return the earlier values of each field, the oldest first, as conditions see them."""
    statement = select(RecordChange).where(RecordChange.record_id == record_id).order_by(RecordChange.id)
    found: dict[str, list[object]] = {}
    for row in db.session.scalars(statement):
        values = (row.text_value, row.number_value, row.time_value, row.ref_value)
        found.setdefault(row.field, []).append(next((value for value in values if value is not None), None))
    return found


def counts_by_form(user: User) -> dict[int, int]:
    """Return how many open records each form has, as far as the person sees them."""
    statement = seen(select(RECORDS.c.form_id, func.count()), user).where(RECORDS.c.state == "open")
    return {row[0]: row[1] for row in db.session.execute(statement.group_by(RECORDS.c.form_id))}


def record_forms() -> Sequence[tuple[Form, FormVersion]]:
    """Return the forms in use that make records, with their current versions."""
    statement = (
        select(Form, FormVersion)
        .join(FormVersion, (FormVersion.form_id == Form.id) & (FormVersion.version == Form.current_version))
        .where(Form.built_in.is_(False), Form.state == "active")
        .order_by(Form.name_zh, Form.id)
    )
    return [(form, version) for form, version in db.session.execute(statement)]


def is_version_of(form_id: int, version_id: int) -> bool:
    """Say whether this is a published version of the form."""
    statement = select(FormVersion.id).where(FormVersion.id == version_id, FormVersion.form_id == form_id)
    return db.session.scalar(statement) is not None


def _sorted(
    where: Conditions, field: ListField, user: User, value: Any, row_id: int | None, *, falling: bool, size: int
) -> list[Record]:
    column, key = field.column, RECORDS.c.id
    statement = _visible(where, user).where(column.is_not(None))
    if row_id is not None:
        here = literal(value, column.type)
        beyond = column < here if falling else column > here
        statement = statement.where(or_(beyond, and_(column == here, key < row_id if falling else key > row_id)))
    order: list[UnaryExpression[Any]] = [column.desc(), key.desc()] if falling else [column.asc(), key.asc()]
    return list(db.session.scalars(statement.order_by(*order).limit(size)))


def _newest(where: Conditions, user: User, row_id: int | None, *, size: int) -> list[Record]:
    statement = _visible(where, user)
    if row_id is not None:
        statement = statement.where(RECORDS.c.id < row_id)
    return list(db.session.scalars(statement.order_by(RECORDS.c.id.desc()).limit(size)))


def _visible(where: Conditions, user: User) -> Select[Record]:
    return seen(select(Record), user).where(*where)


def _cursor(row: Record, field: ListField | None) -> str:
    value = getattr(row, field.column.key or "") if field else None
    part = "rest" if value is None else "value"
    told = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([part, told, row.id]).encode()).decode().rstrip("=")


def _read_cursor(text: str, field: ListField | None) -> tuple[str, Any, int | None]:
    """Return (part, value, id) where the page before ended; the beginning for a cursor that is none."""
    beginning = ("value", None, None)
    if not text:
        return beginning
    try:
        part, value, row_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if field is not None and value is not None and field.column.type.python_type is datetime:
            value = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, TypeError, binascii.Error, NotImplementedError):
        return beginning
    if part not in ("value", "rest") or isinstance(row_id, bool) or not isinstance(row_id, int) or abs(row_id) >= 2**63:
        return beginning
    if part == "value" and field is not None and not _fits(value, field):
        return beginning
    return part, value, row_id


def _fits(value: Any, field: ListField) -> bool:
    kind = field.column.type.python_type
    if kind is int and (isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63):
        return False
    return isinstance(value, kind) and not (isinstance(value, str) and not storable(value))
