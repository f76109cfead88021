"""Records as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from qtrace.accounts.access import Viewer
from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.case import Case
from qtrace.flows.subjects import CaseFile, CaseSummary, Change
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import Storage, controls
from qtrace.records.flow import case_of
from qtrace.records.following import EMPTY, Following
from qtrace.records.models import Record
from qtrace.records.pages import sections_of
from qtrace.records.queries import files_of, record_by_number
from qtrace.records.timeline import entries_of
from qtrace.records.visibility import seen
from qtrace.web.filters import localised
from qtrace.web.photos import SHOWN

LEADS_TO = {"sku": "sku", "supplier": "supplier", "channel_shop": "shop"}  # controls that name such a row


class RecordSubject:
    """The records of every form, as far as the person may see them."""

    begins = False  # its form says which flow it goes through
    permission = "record.read"
    label = _l("表单记录")

    def number(self, subject_id: int) -> str:
        """Return the number of it."""
        return db.session.get_one(Record, subject_id).number

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the record with this number."""
        if not user.can(self.permission):
            raise NotFound
        record, form = record_by_number(number.upper(), user)
        return record.number, case_of(record, form)

    def seen_by(self, subject_id: int, user: Viewer) -> Select[int]:
        """Select its id where it is in the person's reach."""
        return seen(select(Record.id), user).where(Record.id == subject_id)

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return the newest records."""
        if not user.can(self.permission):
            return []
        rows = seen(select(Record, Form), user).join(Form, Form.id == Record.form_id).where(Record.state != "void")
        found = db.session.execute(rows.order_by(Record.id.desc()).limit(most))
        return [(record.number, f"{localised(form)} {record.title}".strip()) for record, form in found]

    def links(self, subject_id: int) -> Mapping[str, int]:
        """Return the rows a record is about, by the first field that names one."""
        record, key = db.session.execute(
            select(Record, Form.key).join(Form, Form.id == Record.form_id).where(Record.id == subject_id)
        ).one()
        found: dict[str, int] = {}
        for asked in stored_definition(key, record.form_version_id).fields:
            kind, value = LEADS_TO.get(asked.control), record.answers.get(asked.id)
            if kind and isinstance(value, int):
                found.setdefault(kind, value)
        own = {"shop": record.shop_id, "sku": record.sku_id}
        return {kind: row for kind, row in own.items() if row is not None} | found

    def visible(self, subject_ids: Collection[int], user: User) -> Collection[int]:
        """Return which of the records the person may see."""
        if not user.can("record.read"):
            return []
        return db.session.scalars(seen(select(Record.id).where(Record.id.in_(subject_ids)), user)).all()

    def title(self, subject_id: int, hidden: frozenset[str], _called: str) -> str:
        """Return the form's name and the record's title, or its number where a hidden field gives the title."""
        record, form = _found(subject_id)
        definition = stored_definition(form.key, record.form_version_id)
        return case_of(record, form, hidden & {Following(definition).titled_by(record.answers)}).title

    def fillable(self, subject_id: int, user: User) -> Mapping[str, str]:
        """Return the fields of its form that somebody types."""
        if not user.can("record.read"):
            return {}
        record, form = _found(subject_id)
        known = controls()
        return {
            asked.id: localised(asked, "label") for asked in stored_definition(form.key, record.form_version_id).fields
            if (control := known[asked.control]) and not control.layout and not control.assigned
            and control.storage is not Storage.COMPUTED
        }  # fmt: skip

    def missing(self, subject_id: int, fields: Collection[str]) -> Sequence[str]:
        """Return the required fields of its form that are empty."""
        record, form = _found(subject_id)
        return [
            localised(asked, "label") for asked in stored_definition(form.key, record.form_version_id).fields
            if asked.id in fields and asked.required and record.answers.get(asked.id) in EMPTY
        ]  # fmt: skip

    def summary(self, subject_id: int, hidden: frozenset[str]) -> CaseSummary:
        """Return the answers of a record."""
        record, form = _found(subject_id)
        definition = stored_definition(form.key, record.form_version_id)
        facts = [(_("编号"), record.number), (_("表单"), localised(form))]
        for _section, cells in sections_of(definition, record.answers):
            shown = [cell for cell in cells if cell.text and cell.text != "—" and cell.field.id not in hidden]
            facts += [(localised(cell.field, "label"), cell.text) for cell in shown if not cell.control.holds_files]
        url = f"/records/{form.key}/{record.number}"
        files = [
            CaseFile(file.name, f"{url}/files/{file.id}", file.media_type in SHOWN)
            for field, held in files_of(record.id).items() if field not in hidden for file in held
        ]  # fmt: skip
        titled = Following(definition).titled_by(record.answers)
        called = record.number if titled in hidden else record.title
        return CaseSummary(f"{localised(form)} {called}".strip(), facts, "", files, f"{url}/edit", f"{url}/edit")

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return what happened to a record after a moment, in the words of its timeline."""
        record, form = _found(subject_id)
        lines = entries_of(record, stored_definition(form.key, record.form_version_id))
        return [
            Change(line.at, line.who, line.words, line.reason) for line in lines if line.at > since and not line.verdict
        ]


def _found(record_id: int) -> tuple[Record, Form]:
    record = db.session.get_one(Record, record_id)
    return record, db.session.get_one(Form, record.form_id)
