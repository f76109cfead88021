"""The pages of the trace: the box that takes any number, and the way of one end."""

import json
import re

from flask import Blueprint, Response, current_app, make_response, request, url_for

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.codes import GROUP_SEPARATOR
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.trace import lot_queries, lot_report, queries, service, tables
from qtrace.trace.epcis_facts import lot_document
from qtrace.trace.finding import doubt, find_hits, folded, own_page
from qtrace.trace.lot_pass import pass_over
from qtrace.trace.queries import End
from qtrace.trace.walk import LANES
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
bp = Blueprint("trace", __name__, url_prefix="/trace")


@bp.get("")
@needs("trace.read")
def index() -> Response:
    """Show the box; a text that means one thing leads straight to its trace."""
    text = folded(request.args.get("q", ""))
    if page := own_page(text, site=current_app.config["QTRACE_BASE_URL"]):
        return go(page)
    hits = find_hits(text, actor()) if text else []
    if len(hits) == 1:
        return go(address(hits[0].kind, hits[0].number))
    return render(
        "trace/index.html",
        text=text.replace(GROUP_SEPARATOR, " "),
        hits=hits,
        doubt=doubt(text),
        address=address,
        kind_name=service.kind_name,
    )


@bp.get("/lot/<path:number>/epcis")
@needs("trace.read")
@limited("export")
def epcis_show(number: str) -> Response:
    """Hand out the life of a lot as an EPCIS 2.0 document."""
    content = json.dumps(lot_document(number, now=clock.now()), ensure_ascii=False, indent=1)
    response = make_response(content)
    response.headers["Content-Type"] = "application/ld+json"
    response.headers.set("Content-Disposition", "attachment", filename=f"epcis-{FILE_NAME.sub('-', number)}.jsonld")
    return response


@bp.get("/<kind>/<path:number>")
@needs("trace.read")
def show(kind: str, number: str) -> Response:
    """Show where one end comes from and what else it reaches."""
    end, lane = queries.find_end(kind, number, actor()), request.args.get("lane", "")
    if lane:
        return _table(end, lane)
    opened = [name for name in request.args.getlist("open") if name in LANES]
    passed = pass_over(end.lots, end.reach) if kind == "lot" else None
    trace = service.find_trace(end, actor(), address, opened, passed)
    lot = lot_report.report(end, passed, now=clock.now()) if passed else None
    return render(
        "trace/show.html", trace=trace, kind=kind, number=number, lot=lot, findings=lot_report.findings(end, passed),
        blind=lot_queries.blind_shops(end.skus) if kind in {"lot", "sku"} else [], words=lot_report,
        kind_name=service.kind_name, method_name=service.method_name, gap_text=service.gap_text,
        page_url=_page_url(kind, number), address=address, mature_days=lot_queries.MATURE.days,
    )  # fmt: skip


def _table(end: End, lane: str) -> Response:
    """Show one lane as a table; a number may hold slashes, so the lane stands behind the question mark."""
    if lane != "line" and lane not in tables.LANES:
        raise NotFound
    after = as_id(request.args.get("after")) or 0
    found = (
        tables.line_table(end, after=after) if lane == "line" else tables.lane_table(end, lane, actor(), after=after)
    )
    return render(
        "trace/table.html", end=end, number=service.number_of(end), lane=lane, table=found, address=address,
        title=service.title_of(end), kind_name=service.kind_name, method_name=service.method_name,
        lanes=["line", *tables.LANES],
    )  # fmt: skip


def address(kind: str, number: str) -> str:
    """Return where the trace of an end is shown."""
    return url_for("trace.show", kind=kind, number=number)


def _page_url(kind: str, number: str) -> str:
    """Return the page of the complaint or issue itself, empty for everything else."""
    endpoint = {"complaint": "complaints.show", "issue": "issues.show"}.get(kind)
    return url_for(endpoint, number=number) if endpoint else ""
