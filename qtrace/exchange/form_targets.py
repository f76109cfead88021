"""Records of a company's own forms as targets of imports: each form in use is one kind, "form:" and its key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import delete, exists, select

from qtrace.core import search
from qtrace.core.db import db, existing, require_write
from qtrace.core.errors import DomainError
from qtrace.exchange.kinds import OWN_FORM, Choice, Field, FieldType, Kind, also_called
from qtrace.exchange.targets import Kept, RowOutcome, Undone
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import Cell, Control, FieldDefinition, Storage, controls
from qtrace.records.bulk import Sender, Target, read_cells, rehearse_rows, take_rows, told_reasons
from qtrace.records.doors import check_rows
from qtrace.records.models import Record, RecordEdit, RecordFile
from qtrace.records.queries import record_forms
from qtrace.records.rolling import follow_links
from qtrace.records.service import undo_last_change
from qtrace.rules.doors import Door

BATCH = 1000
MOST_CHOICES = 500  # longer lists are read by name, without a page that lists them
TYPES: Mapping[Storage, FieldType] = {
    Storage.BOOL: "flag",
    Storage.NUMBER: "number", Storage.MONEY: "number", Storage.DATE: "day", Storage.DATETIME: "time",
}  # fmt: skip
TOPICS = {  # what a control asks for, as the headers of exports call it
    "sku": "sku", "lot_no": "lot", "supplier": "supplier", "warehouse": "warehouse", "order_ref": "order",
    "customer": "customer", "product_category": "category",
}  # fmt: skip
KEY_STORAGES = (Storage.TEXT, Storage.NUMBER, Storage.DATE)


def form_targets() -> list["FormTarget"]:
    """Return a target for every form in use."""
    return [FormTarget(form.key) for form, _version in record_forms()]


class FormTarget:
    """The records of one form."""

    batch = BATCH

    def __init__(self, key: str) -> None:
        form, version = current_form(key)
        self.form_key, self.version_id = key, version.id
        self.definition: FormDefinition = stored_definition(key, version.id)
        self.seen: set[str] = set()
        label = form.name_en if _is_english() else form.name_zh
        known = controls()
        asked = [one for one in self.definition.fields if _is_importable(known[one.control])]
        fields = tuple(_field(one, known[one.control]) for one in asked)
        keys = tuple(one.id for one in asked if known[one.control].storage in KEY_STORAGES)
        self.kind = Kind(f"{OWN_FORM}{key}", label, fields, keys)

    def store(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: str,
        now: datetime,
        by: int | None,
        source: tuple[str, int],
        dry: bool,
    ) -> Sequence[RowOutcome]:
        """Store the rows as records, by the same rules as the page."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        zone = ZoneInfo(current_app.config["QTRACE_TZ"])
        columns = {name: [_cell(row.get(name), zone) for row in rows] for name in names}
        form, _version = current_form(self.form_key)
        target = Target(form, self.version_id, self.definition, key)
        read = read_cells(self.definition, columns, len(rows))
        check_rows(target, read, door=Door.EXCEL, by=by, now=now)
        if dry:
            told = rehearse_rows(target, read, self.seen, by=by)
        else:
            told = take_rows(target, read, Sender("import", by, import_run_id=source[1]), now=now)
        return [RowOutcome(one.outcome, self._reasons(one.reasons)) for one in told]

    def undo(self, run_id: int, *, by: int, now: datetime) -> Undone:
        """Delete the run's records nobody has changed since, and give those it changed their answers back."""
        done = Undone()
        changed = db.session.execute(
            select(Record, RecordEdit.version)
            .join(RecordEdit, RecordEdit.record_id == Record.id)
            .where(RecordEdit.import_run_id == run_id, Record.import_run_id.is_distinct_from(run_id))
            .order_by(RecordEdit.id.desc())
        ).all()
        for record, version in changed:
            done += _given_back(record, version, by=by, now=now)
        made = db.session.scalars(select(Record).where(Record.import_run_id == run_id)).all()
        for record in made:
            done += _deleted(record, now=now)
        return done

    def _reasons(self, reasons: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        told = told_reasons(self.definition, reasons)
        return tuple(_("「%(column)s」%(why)s", column=label, why=why) if label else why for label, why in told)


def _given_back(record: Record, version: int, *, by: int, now: datetime) -> Undone:
    if record.version != version + 1:
        return Undone(kept=(Kept(record.number, _("后来又改过。")),))
    try:
        undo_last_change(record.id, expected_version=record.version, by=by, now=now)
    except DomainError as error:
        return Undone(kept=(Kept(record.number, error.message),))
    return Undone(restored=1)


def _deleted(record: Record, *, now: datetime) -> Undone:
    session = require_write()
    if record.version != 1 or session.scalar(select(exists().where(RecordFile.record_id == record.id))):
        return Undone(kept=(Kept(record.number, _("后来又改过。")),))
    form, answers = existing(Form, record.form_id), record.answers
    definition = stored_definition(form.key, record.form_version_id)
    search.index("record", [(record.id, "")])
    session.execute(delete(Record).where(Record.id == record.id))
    follow_links(form.key, definition, [answers], now=now)
    return Undone(removed=1)


def _is_importable(control: Control) -> bool:
    holds = control.storage not in (Storage.FILE_REFS, Storage.COMPUTED)
    return holds and not (control.layout or control.assigned or control.holds_files)


def _field(asked: FieldDefinition, control: Control) -> Field:
    many = control.storage == Storage.JSON_LIST
    found = control.choices(asked) if many or control.storage == Storage.TEXT else ()
    choices = tuple(Choice(one.value, one.label) for one in found) if len(found) <= MOST_CHOICES else ()
    # some controls read cells in their own way
    plain = type(control).from_cell is Control.from_cell or control.storage == Storage.BOOL
    words = (asked.label_zh, asked.label_en, asked.id)
    return Field(
        asked.id, asked.label_en if _is_english() else asked.label_zh, TYPES.get(control.storage, "text") if plain else "text",
        asked.required, tuple(also_called(words, TOPICS.get(control.key, ""))), choices, many and bool(choices),
        asked.help_en if _is_english() else asked.help_zh,
    )  # fmt: skip


def _cell(value: Any, zone: ZoneInfo) -> Cell:
    """Return what a mapping read as the cell a control reads: several values in one, times as the clock shows them."""
    if isinstance(value, tuple):
        return "、".join(map(str, value))
    if isinstance(value, datetime):
        return value.astimezone(zone).replace(tzinfo=None)
    return value  # type: ignore[no-any-return]  # one of the cell's types by construction of the readers


def _is_english() -> bool:
    return str(get_locale() or "zh").startswith("en")
