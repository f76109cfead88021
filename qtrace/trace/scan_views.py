"""Scan anything: a text leads to its page, a photo of a code stands for typing it."""

from collections.abc import Sequence

from flask import Blueprint, Response, current_app, jsonify, make_response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.codes import GROUP_SEPARATOR, read_codes
from qtrace.core.errors import Refused
from qtrace.core.files import MAX_PHOTO
from qtrace.orders.controls import read_gs1
from qtrace.orders.scanning import Choice, choices
from qtrace.trace.finding import Hit, doubt, find_hits, folded, own_page, said
from qtrace.trace.service import kind_name
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

bp = Blueprint("scan", __name__, url_prefix="/scan")


@bp.get("")
@needs("issue.read")
def new() -> Response:
    """Lead a scanned text to its page; show the page that takes a text or a photo, or what the text may mean."""
    text = folded(request.args.get("text", ""))
    if page := own_page(text, site=current_app.config["QTRACE_BASE_URL"]):
        return go(page)
    hits = find_hits(text, actor()) if text else []
    if len(hits) == 1:
        return go(page_of(hits[0]))
    return _page(text=text, hits=hits)


def page_of(hit: Hit) -> str:
    """Return the page of a thing: its own where it has one, else its trace."""
    endpoint = {"complaint": "complaints.show", "issue": "issues.show"}.get(hit.kind)
    if endpoint:
        return url_for(endpoint, number=hit.number)
    return url_for("trace.show", kind=hit.kind, number=hit.number)


@bp.post("")
@limited("scan")
@needs("issue.read")
def create() -> Response:
    """Read the codes of a photo; the photo itself is not kept."""
    upload = request.files.get("photo")
    try:
        if upload is None or not upload.filename:
            raise Refused(_("请先拍照或选一张照片。"))
        codes = read_codes(upload.stream.read(MAX_PHOTO + 1))
    except Refused as refused:
        return _page(error=refused.message, status=422)
    return _page(choices(codes))


@bp.get("/gs1")
@limited("search")
@needs("issue.read")
def gs1_show() -> Response:
    """Say what a scanned GS1 code holds, so that one scan fills several boxes."""
    try:
        return jsonify(read_gs1(request.args.get("text", "")[:400]))
    except Refused as refused:
        return make_response(jsonify(error=refused.message), 422)


def _page(
    found: list[Choice] | None = None, *, text: str = "", hits: Sequence[Hit] = (), error: str = "", status: int = 200
) -> Response:
    """Answer the lines under the box to its button, the page to everybody else; `found` is None before a photo."""
    return render(
        "scan/new.html", "scan/_codes.html", status=status, found=found, error=error, hits=hits, page_of=page_of,
        text=text.replace(GROUP_SEPARATOR, " "), said=said(text, today=clock.now().date()) if text and not hits else [], doubt=doubt(text),
        kind_name=kind_name,
    )  # fmt: skip
