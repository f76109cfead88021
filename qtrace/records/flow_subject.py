"""Records as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.case import Case
from qtrace.flows.subjects import CaseFile, CaseSummary, Change
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.records.flow import case_of
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
    label = _l("表单记录")

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the record with this number."""
        if not user.can("record.read"):
            raise NotFound
        record, form = record_by_number(number.upper(), user)
        return record.number, case_of(record, form)

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return the newest records."""
        if not user.can("record.read"):
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

    def summary(self, subject_id: int, user: User, hidden: frozenset[str]) -> CaseSummary:
        """Return the answers of a record."""
        record, form = db.session.execute(
            select(Record, Form).join(Form, Form.id == Record.form_id).where(Record.id == subject_id)
        ).one()
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
        paper = f"{url}/report" if user.can("print.record") and not hidden else ""  # paper shows every field
        called = record.number if hidden else record.title  # a title is made of answers, which may be the hidden ones
        return CaseSummary(f"{localised(form)} {called}".strip(), facts, "", files, f"{url}/edit", paper)

    def changes(self, subject_id: int, since: datetime) -> Sequence[Change]:
        """Return what happened to a record after a moment, in the words of its timeline."""
        record, form = db.session.execute(
            select(Record, Form).join(Form, Form.id == Record.form_id).where(Record.id == subject_id)
        ).one()
        lines = entries_of(record, stored_definition(form.key, record.form_version_id))
        return [
            Change(line.at, line.who, line.words, line.reason) for line in lines if line.at > since and not line.verdict
        ]
