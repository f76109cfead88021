"""Records as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.service import Case
from qtrace.forms.models import Form
from qtrace.records.flow import case_of
from qtrace.records.models import Record
from qtrace.records.queries import record_by_number
from qtrace.records.visibility import seen
from qtrace.web.filters import localised


class RecordSubject:
    """The records of every form, as far as the person may see them."""

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
