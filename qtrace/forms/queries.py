"""Reads of form definitions."""

from collections.abc import Sequence

from sqlalchemy import Select, bindparam, select

from qtrace.core.db import db, existing, table_of
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.core.memo import remembered
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form, FormVersion
from qtrace.forms.vocabulary import read_definition

FORMS, VERSIONS = table_of(Form), table_of(FormVersion)
CURRENT = (
    select(VERSIONS.c.id)
    .join(FORMS, (VERSIONS.c.form_id == FORMS.c.id) & (VERSIONS.c.version == FORMS.c.current_version))
    .where(FORMS.c.key == bindparam("form"))
)


def forms() -> Sequence[tuple[Form, FormVersion]]:
    """Return every form with its current version."""
    rows = db.session.execute(_current().order_by(Form.name_zh, Form.id)).all()
    return [(form, version) for form, version in rows]


def all_forms() -> Sequence[tuple[Form, FormVersion | None]]:
    """Return every form with its current version, None for one that was never published."""
    statement = (
        select(Form, FormVersion)
        .outerjoin(FormVersion, (FormVersion.form_id == Form.id) & (FormVersion.version == Form.current_version))
        .order_by(Form.state, Form.name_zh, Form.id)
    )
    return [(form, version) for form, version in db.session.execute(statement).all()]


def form_of(key: str) -> Form:
    """Return a form, published or not."""
    form = db.session.scalar(select(Form).where(Form.key == key))
    if form is None:
        raise NotFound
    return form


def version_of(form_id: int, version: int) -> FormVersion | None:
    """Return a version by its number."""
    return db.session.scalar(select(FormVersion).where(FormVersion.form_id == form_id, FormVersion.version == version))


def versions_of(form_id: int) -> Sequence[FormVersion]:
    """Return every version of a form, the newest first."""
    statement = select(FormVersion).where(FormVersion.form_id == form_id).order_by(FormVersion.version.desc())
    return db.session.scalars(statement).all()


def current_form(key: str) -> tuple[Form, FormVersion]:
    """Return a form with its current version."""
    row = db.session.execute(_current().where(Form.key == key)).one_or_none()
    if row is None:
        raise NotFound
    form, version = row
    return form, version


def current_definition(key: str) -> tuple[int, FormDefinition]:
    """Return (version id, definition) of a form's current version."""
    version_id = db.session.scalar(CURRENT, {"form": key})
    if version_id is None:
        raise NotFound
    return version_id, stored_definition(key, version_id)


def version_sent(key: str, text: str) -> tuple[int, FormDefinition]:
    """Return (version id, definition) the form was shown in, else the current one: publishing interrupts nobody."""
    sent = as_id(text)
    version = db.session.get(FormVersion, sent) if sent else None
    if sent is None or version is None or version.form_id != form_of(key).id:
        return current_definition(key)
    return sent, stored_definition(key, sent)


def stored_definition(key: str, version_id: int) -> FormDefinition:
    """Return the definition of one version; a version never changes, so it is parsed once."""
    return remembered("form", version_id, lambda: read_definition(key, form_version(version_id).definition))


def form_version(version_id: int) -> FormVersion:
    """Return the version a record was made with."""
    return existing(FormVersion, version_id)


def _current() -> Select[Form, FormVersion]:
    return select(Form, FormVersion).join(
        FormVersion, (FormVersion.form_id == Form.id) & (FormVersion.version == Form.current_version)
    )
