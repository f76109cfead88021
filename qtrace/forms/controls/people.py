"""Controls that name people, departments and roles."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Sequence

from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import Department, Role, User
from qtrace.accounts.queries import departments, names_of, people, roles
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.core.ids import as_id
from qtrace.forms.controls.choice import FEWEST, MOST, by_name, check_count, split_cell
from qtrace.forms.registry import (
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Opening,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
)

NO_DEPARTMENT = lazy_gettext("未分部门")
NOBODY = "0"


class OnePick(Control):
    """One row of a list the company keeps."""

    family = "people"
    storage = Storage.REF
    public = False

    def samples(self, field: FieldDefinition) -> Samples:
        """Return the first of the list, and numbers nothing has."""
        first = [choice.value for choice in self.choices(field)][:1]
        return Samples([Sent({field.id: first})], [Sent({field.id: [text]}) for text in (NOBODY, "999999999", "王")])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the id; refuse what is not in the list."""
        text = sent.first(field.id)
        if not text:
            return None
        if text not in {choice.value for choice in self.choices(field)}:
            raise Refused(_("请从列表中选择。"))
        return int(text)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a row by name."""
        text = "" if cell is None else cell_text(cell)
        return self.parse(field, Sent({field.id: [by_name(self.choices(field), text)]}))

    @property
    def template(self) -> str:
        """Return the drop-down list with headings."""
        return "forms/controls/pick.html"


class Person(OnePick):
    """An active colleague."""

    key, name_zh, name_en = "user", "成员", "Person"
    icon = "user"
    default_words = ("me",)

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the active people by department."""
        return colleagues()

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read me as whoever opens the form."""
        return me(field, opening)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the person's id; refuse strangers and people who left."""
        text = sent.first(field.id)
        return active_ids([text])[0] if text else None

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the person's name."""
        user = db.session.get(User, value) if isinstance(value, int) else None
        return user.name if user else "—"


class People(Control):
    """Several colleagues."""

    key, name_zh, name_en = "users", "多个成员", "People"
    family = "people"
    storage = Storage.REFS
    icon = "users"
    public = False
    grouped = True
    wide = True
    options = (FEWEST, MOST)
    default_words = ("me",)

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the active people by department."""
        return colleagues()

    def samples(self, field: FieldDefinition) -> Samples:
        """Return one and several colleagues, and a stranger."""
        ids = [choice.value for choice in self.choices(field)][:3]
        return Samples([Sent({field.id: ids[:1]}), Sent({field.id: ids})], [Sent({field.id: [*ids, "999999999"]})])

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read me as whoever opens the form."""
        return me(field, opening)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the ids; refuse strangers and people who left."""
        wanted = sent.all(field.id)
        check_count(field, wanted)
        return list(active_ids(wanted)) or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return every id."""
        return {field.id: [str(item) for item in value]} if isinstance(value, list) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the names."""
        if not isinstance(value, list):
            return "—"
        ids = [item for item in value if isinstance(item, int)]
        names = names_of(set(ids))
        return "、".join(names.get(user_id, str(user_id)) for user_id in ids)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read names separated by 、 , ; or line ends."""
        known = self.choices(field)
        return self.parse(field, Sent({field.id: [by_name(known, text) for text in split_cell(cell)]}))


class DepartmentRef(OnePick):
    """A department."""

    key, name_zh, name_en = "department", "部门", "Department"
    icon = "building"
    default_words = ("mine",)

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return every department."""
        return [Choice(str(row.id), row.name) for row in departments()]

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read mine as the department of whoever opens the form."""
        if field.default != "mine":
            return super().initial(field, opening)
        return {field.id: [str(opening.department_id)]} if opening.department_id else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the department's name."""
        row = db.session.get(Department, value) if isinstance(value, int) else None
        return row.name if row else "—"


class RoleRef(OnePick):
    """A role: everybody who has it."""

    key, name_zh, name_en = "role_group", "角色组", "Role"
    icon = "shield"

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return every role in the reader's language."""
        return [Choice(str(row.id), role_name(row)) for row in roles()]

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the role's name."""
        row = db.session.get(Role, value) if isinstance(value, int) else None
        return role_name(row) if row else "—"


def colleagues() -> list[Choice]:
    """Return the active people by department."""
    return [
        Choice(str(user.id), user.name, group=user.department.name if user.department else str(NO_DEPARTMENT))
        for user in people(active_only=True)
    ]


def active_ids(texts: Sequence[str]) -> list[int]:
    """Return the ids these texts name, in order; refuse strangers and people who left."""
    wanted = [as_id(text) or 0 for text in texts]
    known = set(db.session.scalars(select(User.id).where(User.id.in_(wanted), User.active))) if wanted else set()
    if any(user_id not in known for user_id in wanted):
        raise Refused(_("请从列表中选择一位在职的同事。"))
    return wanted


def me(field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
    """Return the input that names whoever opens the form, or the person written down."""
    text = str(opening.user_id or "") if field.default == "me" else field.default
    return {field.id: [text]} if text else {}


def role_name(role: Role) -> str:
    """Return the role's name in the reader's language."""
    return role.name_en if str(get_locale() or "zh").startswith("en") else role.name_zh
