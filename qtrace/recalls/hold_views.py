"""The warehouse's list of what must not leave, and what people do with it."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.core.ids import as_id
from qtrace.recalls import queries
from qtrace.recalls.service import count_hold, place_hold, release_hold
from qtrace.web.csrf import safe_path
from qtrace.web.htmx import go, render

bp = Blueprint("holds", __name__, url_prefix="/holds")


@bp.get("")
@needs("trace.read")
def index() -> Response:
    """List what is held back."""
    return _page()


@bp.post("")
@needs("recall.manage")
def create() -> Response:
    """Hold lots back by their number; a number that two shops know is held in both."""
    number = request.form.get("lot", "").strip()[:120]
    lots = queries.lots_by_number([number]) if number else []
    try:
        if not lots:
            raise Refused(_("没有找到批号:%(lots)s", lots=number or "—"), field="lot")
        with write():
            for lot in lots:
                place_hold(lot.id, reason=request.form.get("reason", ""), by=actor().id, now=clock.now())
    except Refused as error:
        return _page(error.message, status=422)
    back = safe_path(request.form.get("next"), url_for("holds.index"))
    return go(back, say=_("已冻结批次 %(lot)s", lot=number))


@bp.post("/<int:hold_id>/counts")
@needs("recall.manage")
def counts_create(hold_id: int) -> Response:
    """Note what a warehouse has put aside."""
    hold = queries.hold_by_id(hold_id)
    pieces = as_id(request.form.get("pieces"))
    try:
        if pieces is None:
            raise Refused(_("请填放到一边的件数。"), field="pieces")
        with write():
            store = as_id(request.form.get("warehouse"))
            count_hold(hold.id, pieces=pieces, by=actor().id, now=clock.now(), warehouse_id=store)
    except Refused as error:
        return _page(error.message, status=422)
    return go(url_for("holds.index", _anchor=f"hold-{hold_id}"), say=_("已记录"))


@bp.post("/<int:hold_id>/release")
@needs("recall.manage")
def release_create(hold_id: int) -> Response:
    """Let the goods go again."""
    hold = queries.hold_by_id(hold_id)
    try:
        with write():
            release_hold(hold.id, why=request.form.get("why", ""), by=actor().id, now=clock.now())
    except Refused as error:
        return _page(error.message, status=422)
    return go(url_for("holds.index"), say=_("已放行"))


def _page(error: str = "", *, status: int = 200) -> Response:
    rows = queries.open_holds()
    people = names_of(
        {row.placed_by or 0 for row in rows} | {one.counted_by or 0 for row in rows for one in row.counts}
    )
    return render(
        "recalls/holds.html",
        status=status,
        rows=rows,
        people=people,
        error=error,
        typed=request.values,
        places=queries.places_of(rows),
        focus=request.args.get("lot", ""),
    )
