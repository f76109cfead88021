"""Which quality standards go by a field of a form."""

from collections.abc import Mapping, Sequence

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.catalog.models import Standard, StandardVersion
from qtrace.core.db import db
from qtrace.forms.designing import draft_of
from qtrace.forms.impact import Touched
from qtrace.forms.models import Form


def standards_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the quality standards with a limit that goes by the name of one of these fields."""
    definition = draft_of(form.key).definition
    names = {field: {field, known.label_zh} for field in fields if (known := definition.field(field))}
    rows = db.session.execute(
        select(Standard.id, Standard.name, StandardVersion.limits)
        .join(StandardVersion, StandardVersion.standard_id == Standard.id)
        .where(Standard.retired_at.is_(None))
        .order_by(Standard.name, StandardVersion.version)
    )
    found = {
        (row.id, field): Touched(_("质量标准"), row.name, url_for("standards.show", standard_id=row.id), field)
        for row in rows
        for field, called in names.items()
        if any(isinstance(limit, dict) and limit.get("name") in called for limit in row.limits)
    }
    return list(found.values())
