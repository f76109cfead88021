"""The door for many records at once: an import, the API, a connector. Each row keeps the same rules as the page.

Rows are read column by column, equal cells once; what cannot be stored is told by row, and nothing stops the others.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import bindparam, insert, select, update

from qtrace.accounts.models import User
from qtrace.core import events, search
from qtrace.core.db import db, require_write, table_of
from qtrace.core.errors import Refused
from qtrace.core.numbering import take_numbers
from qtrace.flows.allowed import Allowed, beyond, told_beyond
from qtrace.forms.definition import FormDefinition
from qtrace.forms.filling import note_rows
from qtrace.forms.models import Form
from qtrace.forms.registry import Cell, FieldDefinition, Saving, Value, controls
from qtrace.forms.slots import slots_of
from qtrace.records.flow import under_flow
from qtrace.records.flow_templates import APPROVED
from qtrace.records.following import Following
from qtrace.records.in_turn import allowed_all
from qtrace.records.models import Record, RecordEdit
from qtrace.records.rolling import follow_links
from qtrace.records.service import KIND, assigned, differing, notes_after, refuse_taken
from qtrace.sdk.text import Text
from qtrace.web.filters import in_language

Outcome = Literal["stored", "updated", "unchanged", "refused"]
RECORDS, EDITS = table_of(Record), table_of(RecordEdit)
EMPTY: tuple[object, ...] = (None, "", [], {})
ADD, ADD_EDITS = insert(RECORDS), insert(EDITS)
ID_OF = select(RECORDS.c.id, RECORDS.c.number)


@dataclass(frozen=True)
class Sender:
    """Who brings the rows, through which door, and what they belong to."""

    source: str  # import, api, connector
    by: int | None
    department_id: int | None = None
    import_run_id: int | None = None


@dataclass(frozen=True)
class RowOutcome:
    """What became of one row; the reasons name the field they are about."""

    outcome: Outcome
    number: str = ""
    reasons: Sequence[tuple[str, str]] = ()  # (field id, what is wrong)


@dataclass
class Row:
    """A row that was read: its answers, or what is wrong with them."""

    answers: dict[str, Value]
    reasons: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)  # warnings that were let through, by field
    key: str | None = None  # what names the record again where no field does
    given: frozenset[str] | None = None  # what the row says itself, where rules made more of it


@dataclass(frozen=True)
class Target:
    """The form the rows become records of, in its current version, and the field that names a record again."""

    form: Form
    version_id: int
    definition: FormDefinition
    key: str = ""


def read_cells(definition: FormDefinition, columns: Mapping[str, Sequence[Cell]], size: int) -> list[Row]:
    """Read columns of cells by field id; fields without a column are missing."""
    known = controls()
    rows = [Row({}) for _row in range(size)]
    for asked in definition.fields:
        cells = columns.get(asked.id)
        control = known[asked.control]
        if control.layout:
            continue
        if cells is None:
            if asked.required:
                _note(rows, asked.id, _("请填写这一项。"))
            continue
        read = _reader(asked)
        for row, cell in zip(rows, cells, strict=True):
            value, problem = read(cell)
            if problem:
                row.reasons.append((asked.id, problem))
            elif value not in EMPTY:
                row.answers[asked.id] = value
    return rows


def take_rows(target: Target, rows: Sequence[Row], sender: Sender, *, now: datetime) -> list[RowOutcome]:
    """Store the rows that are in order, in the open write, and say of each what became of it."""
    found = existing_rows(target, rows)
    plan = _Plan(target, sender, now, _rights(found.values(), sender.by))
    outcomes = [plan.place(row, found) for row in rows]
    plan.carry_out()
    return outcomes


def rehearse_rows(target: Target, rows: Sequence[Row], seen: set[str], *, by: int | None = None) -> list[RowOutcome]:
    """Say what would become of the rows without storing anything; `seen` remembers keys over several batches."""
    found = existing_rows(target, rows)
    rights = _rights(found.values(), by)
    outcomes = []
    for row in rows:
        key = key_of(target, row)
        if row.reasons:
            outcomes.append(RowOutcome("refused", reasons=row.reasons))
        elif key and key in found:
            changed = differing(found[key].answers, found[key].answers | row.answers)
            wrong = _beyond(target, row, found[key], changed, rights)
            outcomes.append(
                RowOutcome("refused", reasons=wrong) if wrong else RowOutcome("updated" if changed else "unchanged")
            )
        else:
            outcomes.append(RowOutcome("updated" if key and key in seen else "stored"))
        seen.add(key or "")
    return outcomes


def key_of(target: Target, row: Row) -> str | None:
    """Return the text by which a row names a record again; None without a key and without a value in the key's field."""
    if row.key:
        return row.key
    if not target.key:
        return None
    value = row.answers.get(target.key)
    return None if value in EMPTY else str(value)[:200]


@dataclass(frozen=True)
class HeldRow:
    """A record that is there already."""

    id: int
    number: str
    version: int
    form_version_id: int
    title: str
    answers: dict[str, Value]
    state: str
    stage: str
    notes: dict[str, str] | None = None
    created_by: int | None = None


def told_reasons(definition: FormDefinition, reasons: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return (what people call the field, what is wrong) of each reason; what is wrong in a sub-table names its row."""
    found = []
    for path, why in reasons:
        name, _dot, rest = path.partition(".")
        asked, row = definition.field(name), rest.partition(".")[0]
        label = in_language(Text(asked.label_zh, asked.label_en)) if asked else name
        found.append((label, _("第 %(n)d 行:%(what)s", n=int(row) + 1, what=why) if row.isdigit() else why))
    return found


class _Plan:
    """What a batch writes, collected row by row and carried out in a few statements."""

    def __init__(self, target: Target, sender: Sender, now: datetime, rights: Mapping[int, Allowed]) -> None:
        self.target, self.sender, self.now, self.rights = target, sender, now, rights
        self.follows = Following(target.definition, slots_of(target.form.id))
        self.new: list[dict[str, Any]] = []
        self.changed: list[dict[str, Any]] = []
        self.before: list[dict[str, Any]] = []
        self.places: dict[str, int] = {}  # key to its place among the new ones, for rows that name it twice
        self.noted: list[tuple[dict[str, Any], Mapping[str, str]]] = []  # warnings that were let through, by record
        self.once = _Once(target)
        self.assigns = any(controls()[asked.control].assigned for asked in target.definition.fields)

    def place(self, row: Row, found: dict[str, HeldRow]) -> RowOutcome:
        """Decide what becomes of one row."""
        if row.reasons:
            return RowOutcome("refused", reasons=row.reasons)
        key = key_of(self.target, row)
        if self.target.key and key is None:
            return RowOutcome("refused", reasons=[(self.target.key, _("这一项用来认出同一条记录,不能为空。"))])
        if key and key in self.places:
            self.new[self.places[key]] |= self._columns(row) | {"notes": row.notes or None}
            return RowOutcome("updated")
        held = found.get(key) if key else None
        if held is not None:
            return self._again(key or "", held, row, found)
        columns = self._columns(self._assigned(row)) | {"key": key, "notes": row.notes or None}
        taken = self.once.refusal(columns)
        if taken:
            return RowOutcome("refused", reasons=[taken])
        if key:
            self.places[key] = len(self.new)
        self.new.append(columns)
        self._note(columns, row)
        return RowOutcome("stored")

    def carry_out(self) -> None:
        """Write everything that was decided, and one event for the batch."""
        session = require_write()
        if self.new:
            form, zone = self.target.form, current_app.config["QTRACE_TZ"]
            numbers = take_numbers(form.prefix, self.now, len(self.new), zone=zone)
            for columns, number in zip(self.new, numbers, strict=True):
                columns |= self._made() | {"number": number}
            session.connection().execute(ADD, self.new)
            self._index(self._with_ids(numbers), new=True)
            note_rows(form.id, self.target.definition, [columns["answers"] for columns in self.new])
        if self.changed:
            session.execute(ADD_EDITS, self.before)
            changing = update(RECORDS).where(RECORDS.c.id == bindparam("record_id"))
            session.connection().execute(changing, self.changed)
            self._index(((row["record_id"], row) for row in self.changed), new=False)
        if self.new or self.changed:
            self._tell()
            answers = [row["answers"] for row in (*self.new, *self.changed, *self.before)]
            follow_links(self.target.form.key, self.target.definition, answers, now=self.now)

    def _again(self, key: str, held: HeldRow, row: Row, found: dict[str, HeldRow]) -> RowOutcome:
        answers = held.answers | row.answers
        changed = differing(held.answers, answers)
        if not changed:
            return RowOutcome("unchanged", held.number)
        if held.state == "void":
            return RowOutcome("refused", held.number, [(self.target.key, _("这条记录已作废。请先恢复再修改。"))])
        if held.stage == APPROVED:
            locked = _("这条记录已审核通过,内容已锁定。要修改请先重新打开。")
            return RowOutcome("refused", held.number, [(self.target.key, locked)])
        wrong = _beyond(self.target, row, held, changed, self.rights)
        if wrong:
            return RowOutcome("refused", held.number, wrong)
        self.before.append({
            "record_id": held.id, "version": held.version, "form_version_id": held.form_version_id, "answers": held.answers,
            "title": held.title, "import_run_id": self.sender.import_run_id, "at": self.now, "by": self.sender.by,
        })  # fmt: skip
        columns = self._columns(Row(answers)) | {
            "record_id": held.id, "number": held.number, "version": held.version + 1, "changed_at": self.now,
            "changed_by": self.sender.by, "notes": notes_after(held.notes, changed, row.notes),
        }  # fmt: skip
        self.changed.append(columns)
        self._note(columns, row)
        found[key] = HeldRow(
            held.id,
            held.number,
            held.version + 1,
            self.target.version_id,
            str(columns["title"]),
            answers,
            held.state,
            held.stage,
            columns["notes"],
            held.created_by,
        )
        return RowOutcome("updated", held.number)

    def _assigned(self, row: Row) -> Row:
        """Return the row with the values controls give themselves, like a number of its own."""
        if not self.assigns:
            return row
        saving = Saving(self.target.form.key, self.now, current_app.config["QTRACE_TZ"])
        return Row(assigned(self.target.definition, row.answers, saving))

    def _note(self, columns: dict[str, Any], row: Row) -> None:
        if row.notes:
            self.noted.append((columns, row.notes))

    def _columns(self, row: Row) -> dict[str, Any]:
        return {
            "answers": row.answers, "title": self.follows.title(row.answers), "form_version_id": self.target.version_id,
            **self.follows.columns(row.answers),
        }  # fmt: skip

    def _made(self) -> dict[str, Any]:
        sender = self.sender
        return {
            "form_id": self.target.form.id, "source": sender.source, "import_run_id": sender.import_run_id,
            "department_id": sender.department_id, "created_at": self.now, "created_by": sender.by,
            "changed_at": self.now, "changed_by": sender.by,
        }  # fmt: skip

    def _with_ids(self, numbers: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the new rows with their ids, looked up by number: an INSERT that returns them runs row by row."""
        of_number = {row["number"]: row for row in self.new}
        for start in range(0, len(numbers), 500):
            chunk = numbers[start : start + 500]
            for row_id, number in db.session.execute(ID_OF.where(RECORDS.c.number.in_(chunk))):
                yield row_id, of_number[number]

    def _index(self, rows: Any, *, new: bool) -> None:
        texts = ((row_id, self.follows.searched(row["number"], row["answers"])) for row_id, row in rows)
        search.index(KIND, texts, new=new)

    def _tell(self) -> None:
        told = [[row["number"], row["answers"]] for row in [*self.new, *self.changed]]
        digest = hashlib.sha256(json.dumps(told, ensure_ascii=False, sort_keys=True).encode())
        body = {
            "form": self.target.form.key, "source": self.sender.source, "stored": len(self.new),
            "updated": len(self.changed), "digest": digest.hexdigest(),
        }  # fmt: skip
        if self.noted:
            body["notes"] = {columns["number"]: dict(notes) for columns, notes in self.noted}
        subject = (
            ("import_run", self.sender.import_run_id) if self.sender.import_run_id else ("form", self.target.form.id)
        )
        events.record("records_taken_in", subject=subject, by=self.sender.by, now=self.now, body=body)


class _Once:
    """Values that may stand only once in a form, held against the records there are and those of the same batch."""

    def __init__(self, target: Target) -> None:
        known = controls()
        self.target, self.seen = target, set[tuple[object, ...]]()
        slots = slots_of(target.form.id)
        self.slots: list[tuple[str, list[str]]] = []
        for asked in target.definition.fields:
            beside = known[asked.control].unique_with(asked)
            if beside is not None and asked.id in slots:
                self.slots.append((asked.id, [slots[name] for name in (asked.id, *beside) if name in slots]))

    def refusal(self, columns: Mapping[str, Any]) -> tuple[str, str] | None:
        """Return the field whose value is taken and what to do about it; None when all are free."""
        if not self.slots:
            return None
        try:
            refuse_taken(self.target.form.id, self.target.definition, columns)
        except Refused as refused:
            return refused.field or "", refused.message
        for field_id, slots in self.slots:
            value = (field_id, *(columns[slot] for slot in slots))
            if value in self.seen and columns[slots[0]] is not None:
                return field_id, _("同一批的另一行已经用了这个值。")
            self.seen.add(value)
        return None


def _rights(found: Collection[HeldRow], by: int | None) -> Mapping[int, Allowed]:
    """Return what who brings the rows may do with the records that are under a flow; nobody is held to nothing."""
    user = db.session.get(User, by) if by is not None else None
    if user is None or not found:
        return {}
    known = allowed_all([held for held in found if under_flow(held)], user)
    staged = {held.id for held in found if held.stage}
    return {number: may for number, may in known.items() if number in staged or may.rights.tables}


def _beyond(
    target: Target, row: Row, held: HeldRow, changed: Collection[str], rights: Mapping[int, Allowed]
) -> list[tuple[str, str]]:
    """Return of each field the row changes and the person may not, why."""
    may = rights.get(held.id)
    if may is None:
        return []
    given = changed if row.given is None else [name for name in changed if name in row.given]
    wrong = beyond(target.definition, given, may)
    return [(wrong[0], told_beyond(target.definition, wrong))] if wrong else []


def _reader(asked: FieldDefinition) -> Callable[[Cell], tuple[Value, str]]:
    """Return a function that reads a cell of this field, each distinct cell once."""
    control = controls()[asked.control]
    known: dict[tuple[type, Cell], tuple[Value, str]] = {}

    def read(cell: Cell) -> tuple[Value, str]:
        place = (type(cell), cell)
        if place not in known:
            known[place] = _read(cell)
        return known[place]

    def _read(cell: Cell) -> tuple[Value, str]:
        try:
            value = control.from_cell(asked, cell)
        except Refused as refused:
            return None, refused.message
        return (None, _("请填写这一项。")) if asked.required and value in EMPTY else (value, "")

    return read


def _note(rows: Sequence[Row], field_id: str, problem: str) -> None:
    for row in rows:
        row.reasons.append((field_id, problem))


def existing_rows(target: Target, rows: Sequence[Row]) -> dict[str, HeldRow]:
    """Return the records the rows name again, by their key."""
    keys = [key for row in rows if (key := key_of(target, row))]
    found: dict[str, HeldRow] = {}
    statement = select(
        RECORDS.c.key, RECORDS.c.id, RECORDS.c.number, RECORDS.c.version, RECORDS.c.form_version_id, RECORDS.c.title,
        RECORDS.c.answers, RECORDS.c.state, RECORDS.c.stage, RECORDS.c.notes, RECORDS.c.created_by,
    ).where(RECORDS.c.form_id == target.form.id)  # fmt: skip
    for start in range(0, len(keys), 500):
        for row in db.session.execute(statement.where(RECORDS.c.key.in_(keys[start : start + 500]))):
            found[row.key] = HeldRow(
                row.id, row.number, row.version, row.form_version_id, row.title, row.answers, row.state, row.stage, row.notes,
                row.created_by,
            )  # fmt: skip
    return found
