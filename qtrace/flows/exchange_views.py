"""A flow on the wall and in a file: the poster to print, the file other sites can read, and reading one."""

from dataclasses import replace

from flask import Response, render_template, request
from flask import make_response as answer
from flask_babel import gettext as _

from qtrace.accounts.access import needs
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.ids import as_id
from qtrace.flows.drawing import cards_of, height_of
from qtrace.flows.exporting import MAX_BYTES, read_text, write_text
from qtrace.flows.naming import flow_name
from qtrace.flows.queries import all_flows, flow_of
from qtrace.flows.telling import wording_of
from qtrace.flows.views import begin, bp, free_key
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

PAPERS = ("a4", "a3")
MOST_LARGE = 6  # so many cards under one another stand on one sheet in the large letters


@bp.get("/flows/<key>/poster")
@needs("config.flows")
def poster(key: str) -> Response:
    """Show a flow as a poster to print, on A4 or A3."""
    flow = flow_of(key)
    version = flow.version(as_id(request.args.get("version")) or flow.shown.number)
    paper = request.args.get("paper", "a4")
    cards = cards_of(version.definition, wording_of(key))
    page = render_template(
        "flows/poster.html", flow=flow, version=version, name=flow_name(version.definition), cards=cards,
        height=height_of(cards), most=MOST_LARGE, paper=paper if paper in PAPERS else "a4", papers=PAPERS,
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


@bp.get("/flows/import")
@needs("config.flows")
def import_new() -> Response:
    """Ask for the file of a flow."""
    return _import_page(None)


@bp.post("/flows/imports")
@needs("config.flows")
@limited("import")
def import_create() -> Response:
    """Read a file as a new flow, or as the next version of one that is here."""
    upload, into = request.files.get("file"), request.form.get("into", "")
    try:
        if upload is None or not upload.filename:
            raise Refused(_("请选择流程文件。"), "file")
        definition = read_text(upload.stream.read(MAX_BYTES + 1))
        definition = replace(definition, key=flow_of(into).key if into else free_key(definition.key))
        with write():
            url = begin(definition, at_once="publish" in request.form)
            answer_at(url)
    except (Refused, Conflict) as error:
        return _import_page(error)
    return go(url, trigger={"toast": _("已导入")})


def _import_page(error: Refused | Conflict | None) -> Response:
    names = [(flow.key, flow_name(flow.shown.definition)) for flow in all_flows()]
    return render(
        "flows/import.html", status=error.status if error else 200, error=error, names=names,
        into=request.form.get("into", ""),
    )  # fmt: skip
