"""Controls that name people."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.core.ids import as_id
from qtrace.forms.controls.choice import by_name
from qtrace.forms.registry import Cell, Choice, Control, FieldDefinition, Sent, Storage, Value, cell_text

MOST_LISTED = 500


class Person(Control):
    """An active colleague."""

    key, name_zh, name_en = "user", "成员", "Person"
    storage = Storage.REF
    public = False

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the active people by department."""
        statement = select(User).where(User.active).order_by(User.name, User.id).limit(MOST_LISTED)
        return [
            Choice(str(user.id), user.name, group=user.department.name if user.department else str(NO_DEPARTMENT))
            for user in db.session.scalars(statement)
        ]

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the person's id; refuse strangers and people who left."""
        text = sent.first(field.id)
        if not text:
            return None
        user = db.session.get(User, as_id(text) or 0)
        if user is None or not user.active:
            raise Refused(_("请从列表中选择一位在职的同事。"))
        return user.id

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the person's name."""
        user = db.session.get(User, value) if isinstance(value, int) else None
        return user.name if user else "—"

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a person by name."""
        text = "" if cell is None else cell_text(cell)
        return self.parse(field, Sent({field.id: [by_name(self.choices(field), text)]}))


NO_DEPARTMENT = lazy_gettext("未分部门")
