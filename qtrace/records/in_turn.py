"""What somebody may see and change of a record while it is under a flow, the same at every door.

The law is that of `flows.field_rights`; who may change a record anyway is said by `records.flow.may_change_anyway`. It is
held where records are written (`records.service`, `records.bulk`), so no door can pass it by: the page, the API, a batch, a
file that is imported, and taking a change back. Only what a person gives is held to it: what a formula or a rule makes of
that follows by itself, and what a flow or a connector writes on nobody's behalf is no person's change.
"""

from collections.abc import Collection, Iterable, Sequence

from qtrace.accounts.models import User
from qtrace.core.db import db, table_of
from qtrace.flows.allowed import Allowed
from qtrace.flows.field_rights import NO_TURN, rights_in_all
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.slots import ALL_SLOTS
from qtrace.records.flow import KIND, Standing, may_change_anyway, under_flow
from qtrace.records.following import Following
from qtrace.records.models import Record


def allowed(record: Standing, user: User) -> Allowed:
    """Return what a person may do with a record now."""
    return allowed_all([record], user)[record.id]


def allowed_all(records: Collection[Standing], user: User) -> dict[int, Allowed]:
    """Return what a person may do with each of the records now."""
    staged = [record.id for record in records if under_flow(record)]
    rights = rights_in_all(KIND, staged, user)
    return {
        record.id: Allowed(may_change_anyway(record, user), rights.get(record.id, NO_TURN)) for record in records
    }  # fmt: skip


def hidden_of(records: Iterable[Standing], user: User) -> dict[int, frozenset[str]]:
    """Return the fields that are hidden from a person, of the records that hide any."""
    rights = rights_in_all(KIND, [record.id for record in records if under_flow(record)], user)
    return {record: one.hidden for record, one in rights.items() if one.hidden}


def refuse_beyond(record: Standing, definition: FormDefinition, fields: Collection[str], by: int | None) -> None:
    """Refuse a person's change of fields the person may not change now."""
    user = db.session.get(User, by) if by is not None and under_flow(record) else None
    if user is None:
        return
    may = allowed(record, user)
    if record.stage or may.rights.tables:
        may.refuse_beyond(definition, fields)


def as_seen(records: Sequence[Record], form_id: int, user: User) -> list[Record]:
    """Return records of a form as the person may see them; those with hidden fields are copies no write can reach."""
    hidden = hidden_of(records, user)
    if not hidden:
        return list(records)
    key = db.session.get_one(Form, form_id).key
    return [
        _masked(one, stored_definition(key, one.form_version_id), hidden[one.id]) if one.id in hidden else one
        for one in records
    ]


def title_seen(record: Record, definition: FormDefinition, hidden: Collection[str]) -> str:
    """Return what a record is called where these fields are hidden; empty where its number has to do."""
    return "" if Following(definition).titled_by(record.answers) in hidden else record.title


def _masked(record: Record, definition: FormDefinition, hidden: frozenset[str]) -> Record:
    values = {one.key: getattr(record, one.key) for one in table_of(Record).columns if one.key not in ALL_SLOTS}
    left = {name: value for name, value in record.answers.items() if name not in hidden}
    notes = {path: text for path, text in (record.notes or {}).items() if path.partition(".")[0] not in hidden}
    told = {str(record.answers[name]) for name in hidden if name in record.answers}
    values |= {"answers": left, "notes": notes or None, "title": title_seen(record, definition, hidden)}
    return Record(**values | {"key": None if record.key in told else record.key})
