"""Which figures of the boards are counted by a field of the issue form."""

from collections.abc import Mapping, Sequence

from flask import url_for
from flask_babel import gettext as _

from qtrace.forms.impact import Touched
from qtrace.forms.models import Form
from qtrace.forms.seed import ISSUE_FORM

COUNTED_BY = frozenset({"type_id", "sku_id", "lot_id"})  # what tells whether an issue came back: see queries.py


def boards_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the board for each of these fields whose answers its figures are counted by."""
    if form.key != ISSUE_FORM:
        return []
    url = url_for("reports.board")
    return [
        Touched(_("看板"), _("重复问题发生率"), url, field) for field, column in fields.items() if column in COUNTED_BY
    ]
