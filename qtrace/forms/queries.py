"""Reads of form definitions."""

from collections.abc import Sequence

from sqlalchemy import Select, select

from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.forms.models import Form, FormVersion


def forms() -> Sequence[tuple[Form, FormVersion]]:
    """Return every form with its current version."""
    rows = db.session.execute(_current().order_by(Form.name_zh, Form.id)).all()
    return [(form, version) for form, version in rows]


def current_form(key: str) -> tuple[Form, FormVersion]:
    """Return a form with its current version."""
    row = db.session.execute(_current().where(Form.key == key)).one_or_none()
    if row is None:
        raise NotFound
    form, version = row
    return form, version


def form_version(version_id: int) -> FormVersion:
    """Return the version a record was made with."""
    version = db.session.get(FormVersion, version_id)
    if version is None:
        raise NotFound
    return version


def _current() -> Select[Form, FormVersion]:
    return select(Form, FormVersion).join(
        FormVersion, (FormVersion.form_id == Form.id) & (FormVersion.version == Form.current_version)
    )
