"""What does not add up: records that were kept although something about them is missing."""

from flask import Blueprint, Response
from flask_babel import gettext as _

from qtrace.accounts.access import needs
from qtrace.core.errors import NotFound
from qtrace.orders.queries import FINDINGS, finding_rows, findings
from qtrace.web.htmx import render

bp = Blueprint("findings", __name__, url_prefix="/findings")
SHOWN = 100


@bp.get("")
@needs("import.run")
def index() -> Response:
    """List the findings with their counts."""
    return render("exchange/findings.html", findings=findings())


@bp.get("/<key>")
@needs("import.run")
def show(key: str) -> Response:
    """Show the newest records behind a finding."""
    if key not in FINDINGS:
        raise NotFound
    rows = [(row.external_id, _where(row)) for row in finding_rows(key, limit=SHOWN)]
    return render("exchange/finding.html", label=FINDINGS[key][0], rows=rows, limit=SHOWN)


def _where(row: object) -> str:
    order = getattr(row, "order", None)
    if order is not None:
        return _("订单 %(number)s", number=order.external_id)
    shop = getattr(row, "shop", None)
    return shop.name if shop is not None else "—"
