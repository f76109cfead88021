"""Records of a company's own forms over the API: the list, one, a new one, a change, and many at once by their key."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.api.answers import Answer, kept
from qtrace.api.blueprint import PREFIX, bp
from qtrace.api.goods import OUTCOMES, told_outcomes
from qtrace.api.listing import USUAL, list_parameters, page_schema, read_filter, told
from qtrace.api.operation import Call, Operation, etag, operation, refuse_stale
from qtrace.api.problems import Wrong
from qtrace.api.schema import Problem, Schema, integer, listed, maybe, moment, one_of, text, thing
from qtrace.api.values import REASONS, VALUES, field_paths, sent_of, stopped, told_values
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Forbidden, NotFound
from qtrace.forms.answers import sent_from
from qtrace.forms.definition import FormDefinition
from qtrace.forms.filling import note_rows
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import Sent
from qtrace.forms.slots import slots_of
from qtrace.records import queries
from qtrace.records.asking import Asked
from qtrace.records.bulk import RECORDS, Row, Sender, Target, key_of, take_rows
from qtrace.records.doors import check_rows, checked_change, checked_form
from qtrace.records.fields import list_fields
from qtrace.records.flow import asked_at_start, refuse_locked
from qtrace.records.in_turn import allowed, as_seen
from qtrace.records.models import Record
from qtrace.records.plain import merged, row_of
from qtrace.records.service import NewRecord, change_record, create_record
from qtrace.records.visibility import seen
from qtrace.rules.doors import Checked, Door, note_warnings

SOURCE = "api"
MOST_ROWS = 500
NOTES: Schema = {
    "type": "object", "additionalProperties": text(),
    "description": "Warnings that were let through with the reason given, by field; `form` is about no single one.",
}  # fmt: skip
RECORD: Schema = thing({
    "number": text(24), "title": text(200), "state": one_of("open", "done", "void"),
    "stage": text(60, description="Where it stands in the flow of its form: fill, check, lead_check, approved; empty without one."),
    "source": one_of("page", "public", "import", "api", "connector", "flow"), "key": maybe(text(200)),
    "form_version": integer(1), "created_at": moment(), "changed_at": moment(), "version": integer(1), "values": VALUES,
    "notes": NOTES,
})  # fmt: skip
CHANGE: Schema = thing({"values": VALUES}, {"reasons": REASONS, "version": integer(0)})
ROW: Schema = thing({"values": VALUES})
ROWS: Schema = thing(
    {"key": text(60, least=1, description="The field that names a record again."), "rows": listed(ROW, MOST_ROWS, least=1)},
    {"reason": text(500, description="Why warnings do not stop the rows.")},
)  # fmt: skip


@bp.get("/records/<form>")
@operation(
    Operation(
        summary="List the records of a form", scope="records:read", permission="record.read",
        answer=page_schema(RECORD), query=list_parameters(()),
        note="Fields of the form are asked as `f.<field id>` where they are filterable; also state, source, number, title, created_at, changed_at. Voided records are left out unless the filter asks for the state.",
    )
)  # fmt: skip
def records_index(call: Call, form: str) -> Answer:
    """Return a page of a form's records."""
    row, definition, _version = _form(form)
    fields = list_fields(definition, slots_of(row.id), english=True)
    sort, cursor = call.query.get("sort", ""), call.query.get("cursor", "")
    if sort and sort.removeprefix("-") not in fields.by_id:
        call.refuse("sort", _("不能按「%(name)s」排序。", name=sort[:60]))
    if cursor and not _is_cursor(cursor):
        call.refuse("cursor", _("这个 cursor 不属于这次查询。请原样使用上一页的 next_cursor,排序也不要改。"))
    asked = Asked(condition=read_filter(call.query.get("filter", ""), fields.kinds), sort=sort)
    found = queries.record_page(row.id, asked, fields, call.user, after=cursor, size=call.query.get("limit", USUAL))
    return Answer({"items": [_told(row, one) for one in found.rows], "next_cursor": found.next or None})


@bp.get("/records/<form>/<number>")
@operation(Operation(summary="Read a record", scope="records:read", permission="record.read", answer=RECORD))
def record_show(call: Call, form: str, number: str) -> Answer:
    """Return one record of a form."""
    return _answer(form, number, call.user)


@bp.post("/records/<form>")
@operation(
    Operation(
        summary="Fill in a form", scope="records:write", permission="record.create", answer=RECORD, status=201,
        body=thing({"values": VALUES}, {"reasons": REASONS}), note="Photos and files are added on the page.",
    )
)  # fmt: skip
def record_create(call: Call, form: str) -> Answer:
    """Store a record by the rules of its form."""
    row, whole, version = _form(form)
    definition = asked_at_start(row, whole)
    sent, problems = sent_of(definition, call.body["values"], call.body.get("reasons", {}))
    now, key = clock.now(), row.key
    checked = _checked(key, definition, sent, problems, call.user, now)
    new = NewRecord(
        row.id, version, checked.answers.answers, source=SOURCE, department_id=call.user.department_id,
        notes=checked.notes,
    )  # fmt: skip
    with write(), field_paths():
        number = create_record(new, by=call.user.id, now=now)
        note_rows(new.form_id, definition, [new.answers])
        answer = _answer(key, number, call.user)
        where = {"Location": f"{PREFIX}/records/{key}/{number}"} | answer.headers
        return kept(Answer(answer.data, 201, where))


@bp.patch("/records/<form>/<number>")
@operation(
    Operation(
        summary="Change a record", scope="records:write", permission="record.read", answer=RECORD, version=True,
        body=CHANGE,
        note="Values that are left out stay as they are; null empties a field. Needs the permission to change records, or a to-do in the record's flow whose stage lets fill in the fields.",
    )
)  # fmt: skip
def record_update(call: Call, form: str, number: str) -> Answer:
    """Change answers of a record unless somebody else was faster."""
    row, record = _record(form, number, call.user)
    may = allowed(record, call.user)
    if not may.changes and not call.user.can("record.edit"):
        raise Forbidden
    expected = refuse_stale(call, record.version)
    refuse_locked(record)
    if not may.changes and record.state != "void":
        raise Forbidden
    definition = stored_definition(row.key, record.form_version_id)
    given, problems = sent_of(definition, call.body["values"], call.body.get("reasons", {}))
    now, key, record_id, by = clock.now(), row.key, record.id, call.user.id
    named = list(call.body["values"]) if may.restricts(definition) else [asked.id for asked in definition.fields]
    sent = merged(sent_from(definition, {}, record.answers, reveal=True), given, call.body["values"])
    checked, changed = checked_change(
        key, definition, sent, {}, named, door=Door.API, by=by, now=now, record=record
    )  # fmt: skip
    wrong = stopped(checked, problems)
    if wrong:
        raise Wrong(wrong)
    with write(), field_paths():
        answers = checked.answers.answers
        change_record(
            record_id, answers, expected_version=expected, by=by, now=now, notes=checked.notes, given=changed
        )  # fmt: skip
        note_warnings("record", record_id, checked, now=now)
        return kept(_answer(key, number, call.user))


@bp.post("/records/<form>/bulk")
@operation(
    Operation(
        summary="Fill in a form many times", scope="records:write", permission="record.edit", answer=OUTCOMES,
        body=ROWS,
        note="A row whose key a record has changes that record, any other makes a new one. Each row has its own outcome; 200 also when rows are refused.",
    )
)  # fmt: skip
def records_take(call: Call, form: str) -> Answer:
    """Store rows by their key, each by the rules of the form."""
    row, definition, version = _form(form)
    key = call.body["key"]
    if definition.field(key) is None:
        call.refuse("key", _("这个表单没有「%(name)s」这一项。", name=key))
    if not call.user.can("record.create"):
        raise NotFound
    target, now = Target(row, version, definition, key), clock.now()
    rows = [row_of(definition, one["values"]) for one in call.body["rows"]]
    check_rows(target, rows, door=Door.API, by=call.user.id, now=now, reason=call.body.get("reason", ""))
    sender = Sender(SOURCE, call.user.id, call.user.department_id)
    with write():
        _refuse_hidden(target, rows, call.user)
        outcomes = take_rows(target, rows, sender, now=now)
        reasons = {
            at: "; ".join(f"{name}: {why}" if name else why for name, why in one.reasons)
            for at, one in enumerate(outcomes)
            if one.reasons
        }
        return kept(Answer(told_outcomes([one.outcome for one in outcomes], reasons)))


def _form(key: str) -> tuple[Form, FormDefinition, int]:
    form, version = current_form(key)
    if form.built_in or form.state != "active":
        raise NotFound
    return form, stored_definition(form.key, version.id), version.id


def _record(key: str, number: str, user: User) -> tuple[Form, Record]:
    form, _version = current_form(key)
    return form, queries.visible_record(form.id, number, user)


def _refuse_hidden(target: Target, rows: Sequence[Row], user: User) -> None:
    """Refuse rows that would change a record the person may not see."""
    keys = {key for row in rows if (key := key_of(target, row)) is not None}
    named = select(RECORDS.c.key).where(RECORDS.c.form_id == target.form.id, RECORDS.c.key.in_(sorted(keys)))
    hidden = set(db.session.scalars(named)) - set(db.session.scalars(seen(named, user)))
    for row in rows:
        if key_of(target, row) in hidden:
            row.reasons.append((target.key, _("用这个值的记录您看不到,不能修改。请联系它所属的部门。")))


def _checked(
    key: str, definition: FormDefinition, sent: Sent, problems: list[Problem], user: User, now: datetime
) -> Checked:
    checked = checked_form(key, definition, sent, {}, door=Door.API, by=user.id, now=now)
    wrong = stopped(checked, problems)
    if wrong:
        raise Wrong(wrong)
    return checked


def _answer(key: str, number: str, user: User) -> Answer:
    form, record = _record(key, number, user)
    return Answer(_told(form, as_seen([record], form.id, user)[0]), headers=etag(record.version))


def _told(form: Form, record: Record) -> dict[str, Any]:
    definition = stored_definition(form.key, record.form_version_id)
    return {
        "number": record.number, "title": record.title, "state": record.state, "stage": record.stage, "source": record.source,
        "key": record.key, "form_version": record.form_version_id, "created_at": told(record.created_at),
        "changed_at": told(record.changed_at), "version": record.version,
        "values": told_values(definition, record.answers), "notes": record.notes or {},
    }  # fmt: skip


def _is_cursor(text: str) -> bool:
    try:
        part, _value, row_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return False
    return part in ("value", "rest") and isinstance(row_id, int)
