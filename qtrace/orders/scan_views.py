"""A photo of a code instead of typing it: the page, and the answer to the camera button beside a box."""

from flask import Blueprint, Response, jsonify, make_response, request
from flask_babel import gettext as _

from qtrace.accounts.access import needs
from qtrace.core.codes import read_codes
from qtrace.core.errors import Refused
from qtrace.core.files import MAX_PHOTO
from qtrace.orders.controls import read_gs1
from qtrace.orders.scanning import Choice, choices
from qtrace.web.htmx import render
from qtrace.web.limits import limited

bp = Blueprint("scan", __name__, url_prefix="/scan")


@bp.get("")
@needs("issue.read")
def new() -> Response:
    """Show the page that takes a photo."""
    return _page()


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


def _page(found: list[Choice] | None = None, *, error: str = "", status: int = 200) -> Response:
    """Answer the lines under the box to its button, the page to everybody else; `found` is None before a photo."""
    return render("scan/new.html", "scan/_codes.html", status=status, found=found, error=error)
