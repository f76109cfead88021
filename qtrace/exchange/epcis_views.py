"""The page that takes in an EPCIS document and says of every event what became of it."""

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.catalog.queries import shops
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.exchange.epcis import Taken, read_file, take, taken
from qtrace.exchange.targets import kind_labels
from qtrace.trace.epcis_reading import MAX_BYTES
from qtrace.web.htmx import render
from qtrace.web.limits import limited

bp = Blueprint("epcis", __name__, url_prefix="/imports/epcis")


@bp.get("")
@needs("import.run")
def new() -> Response:
    """Show the form."""
    return _page()


@bp.post("")
@needs("import.run")
@limited("import")
def create() -> Response:
    """Read a document, store it unless only a look was asked for, and say what became of every event."""
    upload, shop = request.files.get("file"), request.form.get("shop", "")
    try:
        if upload is None or not upload.filename:
            raise Refused(_("请选择一个文件。"))
        shop_id, readings = read_file(upload.stream.read(MAX_BYTES + 1), shop)
    except Refused as refused:
        return _page(error=refused.message, shop=shop, status=422)
    if request.form.get("look"):
        return _page(taken(readings), shop=shop, look=True)
    user_id = actor().id
    with write():
        done = take(shop_id, readings, by=user_id, now=clock.now())
    return _page(done, shop=shop)


def _page(
    done: Taken | None = None, *, shop: str = "", look: bool = False, error: str = "", status: int = 200
) -> Response:
    return render(
        "exchange/epcis.html", status=status, done=done, shop=shop, shops=[(one.key, one.name) for one in shops()], look=look, error=error,
        labels=kind_labels(),
    )  # fmt: skip
