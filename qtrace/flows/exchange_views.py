"""A flow on the wall and in a file: the poster to print, and the export other sites can read."""

from flask import Response, render_template, request
from flask import make_response as answer

from qtrace.accounts.access import needs
from qtrace.core import clock
from qtrace.core.ids import as_id
from qtrace.flows.drawing import cards_of
from qtrace.flows.exporting import write_text
from qtrace.flows.naming import flow_name
from qtrace.flows.queries import flow_of
from qtrace.flows.telling import wording_of
from qtrace.flows.views import bp

PAPERS = ("a4", "a3")


@bp.get("/flows/<key>/poster")
@needs("config.flows")
def poster(key: str) -> Response:
    """Show a flow as a poster to print, on A4 or A3."""
    flow = flow_of(key)
    version = flow.version(as_id(request.args.get("version")) or flow.shown.number)
    paper = request.args.get("paper", "a4")
    words = wording_of(key)
    page = render_template(
        "flows/poster.html", flow=flow, version=version, name=flow_name(version.definition), words=words,
        cards=cards_of(version.definition, words), paper=paper if paper in PAPERS else "a4", papers=PAPERS,
        now=clock.now(),
    )  # fmt: skip
    return answer(page)


@bp.get("/flows/<key>/export")
@needs("config.flows")
def export(key: str) -> Response:
    """Send a version as a file."""
    flow = flow_of(key)
    version = flow.version(as_id(request.args.get("version")) or flow.shown.number)
    response = Response(write_text(version.definition), mimetype="application/json")
    response.headers.set("Content-Disposition", "attachment", filename=f"{key}-{version.number}.flow.json")
    return response
