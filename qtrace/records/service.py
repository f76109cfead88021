"""Write verbs of records: make one, change it, undo the last change, finish or void it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core import events, search
from qtrace.core.db import db, existing, require_write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.files import StoredFile
from qtrace.core.models import StoredFileRow
from qtrace.core.numbering import next_number
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import Saving, Value, controls
from qtrace.forms.slots import slots_of
from qtrace.records.flow import begin, refuse_locked, wait
from qtrace.records.following import Following
from qtrace.records.in_turn import refuse_beyond
from qtrace.records.models import Record, RecordChange, RecordEdit, RecordFile
from qtrace.records.slots import Slotted, slotted

HIDDEN = "•••"
KIND = "record"
WHOLE = "form"  # where a note stands that is about no single field


@dataclass(frozen=True)
class NewRecord:
    """What becomes a record: the answers with the version of the form they answer, and the door they came through."""

    form_id: int
    form_version_id: int
    answers: Mapping[str, Value]
    files: Mapping[str, Sequence[StoredFile]] = field(default_factory=dict)
    source: str = "page"
    key: str | None = None
    department_id: int | None = None
    form_link_id: int | None = None
    import_run_id: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)  # the reasons given for warnings, by field


def create_record(new: NewRecord, *, by: int | None, now: datetime) -> str:
    """Store a record, make it findable and return its number."""
    session = require_write()
    form = existing(Form, new.form_id)
    definition = stored_definition(form.key, new.form_version_id)
    zone = current_app.config["QTRACE_TZ"]
    number = next_number(form.prefix, now, zone=zone)
    address = f"{current_app.config['QTRACE_BASE_URL']}/records/{form.key}/{number}"
    answers = assigned(definition, new.answers, Saving(form.key, now, zone, address, new.answers))
    follows = Following(definition, slots_of(form.id))
    columns = follows.columns(answers)
    refuse_taken(form.id, definition, columns)
    row = Record(
        form_id=form.id, form_version_id=new.form_version_id, number=number, answers=answers,
        title=follows.title(answers), notes=dict(new.notes) or None, key=new.key, source=new.source,
        department_id=new.department_id, form_link_id=new.form_link_id, import_run_id=new.import_run_id, created_at=now,
        created_by=by, changed_at=now, changed_by=by, **columns,
    )  # fmt: skip
    session.add(row)
    session.flush()  # for the id its files, its event and the search need
    _attach(row.id, new.files, by=by, now=now)
    search.index(KIND, [(row.id, follows.searched(row.number, answers))], new=True)
    body: dict[str, Any] = {"form": form.key, "number": row.number, "source": new.source}
    if new.notes:
        body["notes"] = dict(new.notes)
    events.record("record_created", subject=(KIND, row.id), by=by, now=now, body=body)
    begin(row, form, by=by, now=now)
    return row.number


def change_record(
    record_id: int, answers: Mapping[str, Value], files: Mapping[str, Sequence[StoredFile]] | None = None, *,
    expected_version: int, by: int | None, now: datetime, import_run_id: int | None = None, reason: str = "",
    notes: Mapping[str, str] | None = None, given: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Give a record new answers unless somebody else was faster; what it said before is kept.

    `notes` are the reasons given for warnings now; older ones stay with the answers that stay. `given` names the fields the
    person gave: those a rule changed after them are none of the person's; nothing means all that differ.
    """
    session = require_write()
    row = session.scalars(select(Record).where(Record.id == record_id).with_for_update()).one()
    if row.version != expected_version:
        raise Conflict(_("这条记录刚被别人改过。请看一下新的内容,再决定是否保存。"))
    if row.state == "void":
        raise Refused(_("这条记录已作废。请先恢复再修改。"))
    refuse_locked(row)
    form = existing(Form, row.form_id)
    definition = stored_definition(form.key, row.form_version_id)
    changed = differing(row.answers, answers)
    added = [name for name, stored in (files or {}).items() if stored]
    if not changed and not added:
        return
    refuse_beyond(row, definition, [*(changed if given is None else given), *added], by)
    _keep_before(row, changed, definition, by=by, now=now, import_run_id=import_run_id)
    row.answers, row.notes = dict(answers), notes_after(row.notes, changed, notes or {})
    follows = Following(definition, slots_of(form.id))
    columns = follows.columns(answers)
    refuse_taken(form.id, definition, columns, but=row.id)
    for name, value in columns.items():
        setattr(row, name, value)
    row.title = follows.title(answers)
    row.version, row.changed_at, row.changed_by = row.version + 1, now, by
    _attach(row.id, files or {}, by=by, now=now)
    search.index(KIND, [(row.id, follows.searched(row.number, answers))])
    body = {"fields": _told(definition, changed)}
    events.record("record_changed", subject=(KIND, row.id), by=by, now=now, body=body, reason=reason)


def undo_last_change(record_id: int, *, expected_version: int, by: int, now: datetime) -> None:
    """Give a record back what it said before its last change; that is a change of its own, so it can be undone too."""
    edit = db.session.scalar(
        select(RecordEdit).where(RecordEdit.record_id == record_id).order_by(RecordEdit.version.desc()).limit(1)
    )
    if edit is None:
        raise Refused(_("这条记录没有可以撤销的修改。"))
    change_record(
        record_id, edit.answers, expected_version=expected_version, by=by, now=now, reason=_("撤销上一次修改")
    )


def set_state(record_id: int, state: str, *, expected_version: int, by: int, now: datetime, reason: str = "") -> None:
    """Finish, reopen, void or restore a record."""
    session = require_write()
    row = session.scalars(select(Record).where(Record.id == record_id).with_for_update()).one()
    if row.version != expected_version:
        raise Conflict(_("这条记录刚被别人改过。请看一下新的内容,再决定是否保存。"))
    if row.state == state:
        return
    if state == "void" and not reason.strip():
        raise Refused(_("请写明作废的原因。"), "reason")
    refuse_locked(row)
    if row.stage and state == "done":
        raise Refused(_("这条记录由流程决定何时完成。请在流程里处理。"))
    body = {"old": row.state, "new": state}
    row.state, row.version, row.changed_at, row.changed_by = state, row.version + 1, now, by
    events.record("record_state", subject=(KIND, row.id), by=by, now=now, body=body, reason=reason.strip())
    if "void" in body.values():
        wait(row, existing(Form, row.form_id), void=state == "void", by=by, now=now)


def note_reveal(record_id: int, field: str, *, reason: str, by: int, now: datetime) -> None:
    """Write down who is about to read a masked value in full, and why; refuse without a reason."""
    if not reason.strip():
        raise Refused(_("请写明查看完整内容的原因。"), "reason")
    subject, told = (KIND, record_id), reason.strip()
    events.record("record_revealed", subject=subject, by=by, now=now, body={"field": field}, reason=told)


def assigned(definition: FormDefinition, answers: Mapping[str, Value], saving: Saving) -> dict[str, Value]:
    """Return the answers with those a control gives itself while it is saved, like a number of its own."""
    known, found = controls(), dict(answers)
    for asked in definition.fields:
        value = known[asked.control].at_save(asked, found.get(asked.id), saving)
        if value is not None:
            found[asked.id] = value
    return found


def refuse_taken(
    form_id: int, definition: FormDefinition, columns: Mapping[str, Any], *, but: int | None = None
) -> None:
    """Refuse a value another record of the form has, where it may stand only once; `but` is the record itself."""
    known, slots = controls(), slots_of(form_id)
    for asked in definition.fields:
        beside = known[asked.control].unique_with(asked)
        value = columns.get(slots.get(asked.id, ""))
        if beside is None or value is None:
            continue
        # whoever else saves into this form waits here, so that two can't both find the value free
        require_write().execute(select(Form.id).where(Form.id == form_id).with_for_update())
        same = [slots[name] for name in (asked.id, *beside) if name in slots]
        statement = select(Record.number).where(
            Record.form_id == form_id, Record.state != "void", Record.id != (but or 0),
            *(getattr(Record, slot) == columns[slot] for slot in same),
        )  # fmt: skip
        taken = db.session.scalar(statement.limit(1))
        if taken:
            name = asked.label_zh if str(get_locale() or "zh").startswith("zh") else asked.label_en
            message = _(
                "「%(name)s」已经有记录 %(number)s 用了这个值。请核对,或修改那条记录。", name=name, number=taken
            )
            raise Refused(message, asked.id)


def differing(old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, tuple[Value, Value]]:
    """Return (old, new) of each answer that differs."""
    names = dict.fromkeys([*old, *new])
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def notes_after(
    held: Mapping[str, str] | None, changed: Collection[str], given: Mapping[str, str]
) -> dict[str, str] | None:
    """Return the notes of a record after a change: those of answers that stayed, and the new ones; None when there are none.

    A note on the form as a whole ends with any change, because its rule is asked again.
    """
    left = {path: text for path, text in (held or {}).items() if path.partition(".")[0] not in {*changed, WHOLE}}
    return {**left, **given} or None


def _keep_before(
    row: Record, changed: Mapping[str, tuple[Value, Value]], definition: FormDefinition, *, by: int | None, now: datetime,
    import_run_id: int | None,
) -> None:  # fmt: skip
    session = require_write()
    session.add(
        RecordEdit(
            record_id=row.id, version=row.version, form_version_id=row.form_version_id, answers=row.answers, title=row.title,
            import_run_id=import_run_id, at=now, by=by,
        )
    )  # fmt: skip
    for one in slotted(definition, slots_of(row.form_id)):
        if one.field.id in changed:
            session.add(_earlier(row.id, one, changed[one.field.id][0], by=by, now=now))


def _earlier(record_id: int, one: Slotted, value: Value, *, by: int | None, now: datetime) -> RecordChange:
    stored = one.stored(value)
    columns = {"t": "text_value", "n": "number_value", "d": "time_value", "r": "ref_value", "b": "ref_value"}
    kept = {columns[one.slot[0]]: int(stored) if isinstance(stored, bool) else stored}
    return RecordChange(record_id=record_id, field=one.field.id, at=now, by=by, **kept)


def _attach(record_id: int, files: Mapping[str, Sequence[StoredFile]], *, by: int | None, now: datetime) -> None:
    session = require_write()
    for field_id, stored in files.items():
        for file in stored:
            if session.get(StoredFileRow, file.id) is None:
                session.add(
                    StoredFileRow(
                        id=file.id, name=file.name, media_type=file.media_type, size=file.size, sha256=file.sha256,
                        created_at=now, created_by=by,
                    )
                )  # fmt: skip
            session.add(RecordFile(record_id=record_id, field=field_id.partition(".")[0], file_id=file.id))


def _told(definition: FormDefinition, changed: Mapping[str, tuple[Value, Value]]) -> dict[str, dict[str, Value]]:
    """Return the changes as the event keeps them; what is masked on pages is masked there."""
    known = controls()
    told: dict[str, dict[str, Value]] = {}
    for name, (old, new) in changed.items():
        asked = definition.field(name)
        hidden = asked is not None and known[asked.control].sensitive
        told[name] = {"old": HIDDEN, "new": HIDDEN} if hidden else {"old": old, "new": new}
    return told
