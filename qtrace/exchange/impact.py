"""Which saved mappings of imports fill a field of a form."""

from collections.abc import Mapping, Sequence

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.exchange.models import ImportMapping
from qtrace.forms.impact import Touched
from qtrace.forms.models import Form
from qtrace.forms.seed import ISSUE_FORM


def mappings_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the saved mappings onto this form that fill one of these fields."""
    kinds = {f"form:{form.key}", *(["issues"] if form.key == ISSUE_FORM else [])}
    saved = db.session.scalars(select(ImportMapping).where(ImportMapping.kind.in_(kinds)).order_by(ImportMapping.name))
    found = []
    for mapping in saved:
        filled = {name.removesuffix("_id") for name in mapping.definition.get("columns", {})}
        for field, column in fields.items():
            if {field, column.removesuffix("_id")} & filled:
                kind = _("投放设置") if mapping.dropped else _("导入设置")
                found.append(Touched(kind, mapping.name, url_for("imports.index"), field))
    return found
