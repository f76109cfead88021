"""Labels of a lot and its boxes: choosing, printing in the browser, PDF; and where their codes lead."""

from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, make_response, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound, Refused
from qtrace.orders.models import Lot
from qtrace.printing.labels import (
    MOST,
    SHEETS,
    SIZES,
    Label,
    Size,
    carton_label,
    labels_pdf,
    lot_code,
    lot_label,
    page_of_labels,
)
from qtrace.trace.cartons import cartons_between, cartons_named, number_cartons
from qtrace.trace.finding import find_hits
from qtrace.web.assets import static_url
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

ASKED = ("size", "sheet", "copies", "quantity", "first", "last")
bp = Blueprint("labels", __name__)


@bp.get("/trace/lot/<path:number>/labels")
@needs("print.record")
def show(number: str) -> Response:
    """Show what a label of the lot looks like and let the size, the paper and the number be chosen."""
    return _choose(_lot(number))


@bp.get("/trace/lot/<path:number>/labels/print")
@needs("print.record")
def page_show(number: str) -> Response:
    """Show the labels as a page the browser can print."""
    lot = _lot(number)
    labels, size, sheet = _asked(lot)
    asked = {name: request.args[name] for name in ASKED if name in request.args}
    return make_response(
        page_of_labels(
            labels, size, sheet=sheet, toolbar=True, stylesheet=static_url("css/labels.css"), title=lot.external_id,
            back=url_for("labels.show", number=number), pdf=f"{url_for('labels.pdf', number=number)}?{urlencode(asked)}",
        )
    )  # fmt: skip


@bp.get("/trace/lot/<path:number>/labels.pdf")
@needs("print.record")
@limited("print")
def pdf(number: str) -> Response:
    """Render the labels as PDF in the limited child."""
    labels, size, sheet = _asked(_lot(number))
    response = make_response(labels_pdf(labels, size, sheet=sheet))
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = f'inline; filename="labels-{size.key}.pdf"'
    return response


@bp.post("/trace/lot/<path:number>/cartons")
@needs("record.create")
def cartons_create(number: str) -> Response:
    """Give boxes of the lot their numbers and go on to their labels."""
    lot, user_id = _lot(number), actor().id
    try:
        count, quantity = _whole("count"), _whole("quantity")
        with write():
            made = number_cartons(
                lot, count, quantity=quantity, prefix=current_app.config["QTRACE_GS1_PREFIX"], by=user_id,
                now=clock.now(),
            )  # fmt: skip
            asked = {"first": made[0].number, "last": made[-1].number, "size": "100x50"}
            page = f"{url_for('labels.page_show', number=number)}?{urlencode(asked)}"
            answer_at(page)
    except Refused as refused:
        return _choose(lot, error=refused.message, status=422)
    return go(page)


@bp.get("/cartons/<number>")
@needs("trace.read")
def carton_show(number: str) -> Response:
    """Lead the code of a box to its lot."""
    found = cartons_named(number)
    if not found:
        raise NotFound
    return go(url_for("trace.show", kind="lot", number=found[0].lot.external_id))


@bp.get("/00/<number>")
@needs("trace.read")
def sscc_show(number: str) -> Response:
    """Lead the Digital Link of a box to its lot."""
    return carton_show(number)


@bp.get("/01/<gtin>/10/<path:lot>")
@needs("trace.read")
def link_show(gtin: str, lot: str) -> Response:
    """Lead the Digital Link of a lot to its trace."""
    hits = find_hits(f"(01){gtin}(10){lot}", actor())
    if not hits:
        raise NotFound
    return go(url_for("trace.show", kind=hits[0].kind, number=hits[0].number))


def _lot(number: str) -> Lot:
    statement = select(Lot).where(Lot.external_id == number).options(joinedload(Lot.sku)).order_by(Lot.id).limit(1)
    found = db.session.scalar(statement)
    if found is None:
        raise NotFound
    return found


def _asked(lot: Lot) -> tuple[Sequence[Label], Size, str]:
    """Return the labels the address asks for: those of boxes, or copies of the lot's own."""
    size, sheet = SIZES.get(request.args.get("size", ""), SIZES["60x40"]), request.args.get("sheet", "")
    site = current_app.config["QTRACE_BASE_URL"]
    if first := request.args.get("first"):
        boxes = cartons_between(lot.id, first, request.args.get("last", first))
        if not boxes:
            raise NotFound
        return [carton_label(one, lot, site=site) for one in boxes], size, sheet
    copies = min(max(request.args.get("copies", 1, type=int), 1), MOST)
    quantity = min(max(request.args.get("quantity", 0, type=int), 0), 10**6)
    return [lot_label(lot, site=site, quantity=quantity)] * copies, size, sheet


def _choose(lot: Lot, *, error: str = "", status: int = 200) -> Response:
    site = current_app.config["QTRACE_BASE_URL"]
    return render(
        "printing/label_form.html", status=status, lot=lot, label=lot_label(lot, site=site), size=SIZES["60x40"],
        code=lot_code(lot, site=site), sizes=[(one.key, one.label) for one in SIZES.values()], sheets=list(SHEETS.items()),
        prefix=current_app.config["QTRACE_GS1_PREFIX"], most=MOST, error=error, stylesheet=static_url("css/labels.css"),
    )  # fmt: skip


def _whole(name: str) -> int:
    text = request.form.get(name, "").strip() or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Refused(_("「%(text)s」不是整数。", text=text[:20]), field=name)
    return int(text)
