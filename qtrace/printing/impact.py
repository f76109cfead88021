"""Which fields of the issue form the printed report names."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from qtrace.forms.impact import Touched
from qtrace.forms.models import Form
from qtrace.forms.seed import ISSUE_FORM

# What contexts.py prints of an issue; other answers are on the issue's page and not in the report.
PRINTED = frozenset({
    "title", "description", "type_id", "severity_id", "detection_point_id", "affected_qty", "order_id", "sku_id",
    "lot_id", "supplier_id", "courier_line",
})  # fmt: skip


def prints_touching(form: Form, fields: Mapping[str, str]) -> Sequence[Touched]:
    """Return the issue report for each of these fields it prints."""
    if form.key != ISSUE_FORM:
        return []
    return [Touched(_("打印"), _("质量问题报告"), "", field) for field, column in fields.items() if column in PRINTED]
