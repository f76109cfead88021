"""The live hits of a form: issues like the one that is being written down."""

from flask import Response, request

from qtrace.accounts.access import actor, needs
from qtrace.core.errors import Refused
from qtrace.forms.registry import FieldDefinition, Sent, controls
from qtrace.issues.controls import SimilarIssues, named
from qtrace.issues.queries import issues_like
from qtrace.issues.views import bp
from qtrace.web.htmx import render
from qtrace.web.limits import limited

MOST_FOUND = 6
COLUMNS = {"lot_no": "lot_id", "sku": "sku_id", "supplier": "supplier_id", "order_ref": "order_id"}


@bp.get("/issues/similar")
@needs("issue.read")
@limited("search")
def similar_show() -> Response:
    """Show issues of the same lot, article, supplier or order; `of.<control>` says which input holds it."""
    box = request.args.get("box", "")
    same: dict[str, int] = {}
    for key in SimilarIssues.looks_at:
        for name in request.args.getlist(f"of.{key}"):
            found = _named(key, request.args.get(name, ""))
            if found is not None:
                same.setdefault(COLUMNS[key], found)
    taken = named(request.args.getlist(box))
    hits = issues_like(actor(), same, closed="closed" in request.args, limit=MOST_FOUND, besides=taken)
    return render("issues/_similar.html", hits=hits, box=box, asked=bool(same))


def _named(key: str, text: str) -> int | None:
    """Return the id a text names; None while it is unfinished."""
    control = controls()[key]
    try:
        value = control.parse(FieldDefinition("same", key, "", ""), Sent({"same": [text[:200]]}))
    except Refused:
        return None
    return value if isinstance(value, int) else None
