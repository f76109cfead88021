"""Which saved views of the issue list filter by a field of the issue form."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.forms.impact import Touched
from qtrace.forms.models import Form
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import SavedView

FILTERS = {
    "type_id": "type", "severity_id": "severity", "responsible_party_id": "party", "detection_point_id": "detection",
    "order_id": "order", "sku_id": "sku", "lot_id": "lot", "supplier_id": "supplier", "courier_line": "courier_line",
}  # fmt: skip


def views_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the saved views that filter by one of these fields, whoever keeps them."""
    if form.key != ISSUE_FORM:
        return []
    views = [(view, parse_qs(view.query)) for view in db.session.scalars(select(SavedView).order_by(SavedView.id))]
    return [
        Touched(_("保存的视图"), view.name, f"{url_for('issues.index')}?{view.query}", field)
        for view, asked in views
        for field, column in fields.items()
        if FILTERS.get(column) in asked
    ]
