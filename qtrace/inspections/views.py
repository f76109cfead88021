"""Inspection pages: the list, the start of one, the phone page where it is worked through, its verdict and what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, DomainError, NotFound, Refused
from qtrace.core.files import StoredFile
from qtrace.core.ids import as_id
from qtrace.inspections import queries
from qtrace.inspections.checks import Row, Said, failed, item_of, measure
from qtrace.inspections.failing import reason
from qtrace.inspections.filters import read_filters
from qtrace.inspections.models import Inspection
from qtrace.inspections.plans import Prepared, prepare
from qtrace.inspections.queries import Candidate
from qtrace.inspections.sampling import MOST_LOT
from qtrace.inspections.service import (
    Findings,
    NewInspection,
    counts_in_series,
    dispose,
    judge,
    save_findings,
    start_inspection,
)
from qtrace.inspections.timeline import entries_of
from qtrace.inspections.words import AFTER_REFUSAL, KINDS
from qtrace.web.csrf import answer_at
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited
from qtrace.web.photos import notes_of, photos_sent, send_stored

bp = Blueprint("inspections", __name__, url_prefix="/inspections")


@dataclass(frozen=True)
class DrawnRow:
    """An item as its page shows it: what was said of it, and what the values say."""

    place: int
    row: Row
    said: Said


@bp.get("")
@needs("inspection.read")
@limited("search")
def index() -> Response:
    """List inspections, newest first."""
    filters = read_filters(request.args)
    found = queries.inspection_page(filters, after=request.args.get("after", ""))
    return render(
        "inspections/index.html", "inspections/_list.html", rows=found.rows, next=found.next, filters=filters,
        counts=queries.verdict_counts(), suppliers=queries.inspected_suppliers(), first=not request.args.get("after"),
    )  # fmt: skip


@bp.get("/new")
@needs("inspection.record")
@limited("search")
def new() -> Response:
    """Show what an inspection of the scanned lot or receipt would take."""
    return _start_page(request.args)


@bp.post("")
@needs("inspection.record")
def create() -> Response:
    """Begin an inspection."""
    form = request.form
    try:
        wanted = _wanted(form)
        with write():
            number = start_inspection(wanted, by=actor(), now=clock.now(), on=_today()).number
            url = url_for("inspections.show", number=number)
            answer_at(url)
    except Refused as error:
        return _start_page(form, error)
    return go(url, trigger={"toast": _("开始检验 %(number)s", number=number)})


@bp.get("/<number>")
@needs("inspection.read")
def show(number: str) -> Response:
    """Show one inspection: to be worked through while it is open, as it was judged afterwards."""
    return _page(number)


@bp.post("/<number>/findings")
@needs("inspection.record")
def findings_update(number: str) -> Response:
    """Keep what was found so far."""
    return _keep(number, final=False)


@bp.post("/<number>/verdict")
@needs("inspection.record")
def verdict_create(number: str) -> Response:
    """Keep what was found and judge the lot by it."""
    return _keep(number, final=True)


@bp.get("/<number>/items/<int:place>/values")
@needs("inspection.record")
@limited("search")
def values_show(number: str, place: int) -> Response:
    """Say whether values that were just typed keep the limits of an item."""
    inspection = queries.inspection_by(number)
    if place >= len(inspection.checklist):
        raise NotFound
    item, text = item_of(inspection.checklist[place]), request.args.get(f"item_{place}.measured", "")
    try:
        found, problem = measure(item, text), ""
    except Refused as error:
        found, problem = None, error.message
    return render("inspections/values.html", "inspections/_values.html", inspection=inspection, item=item, found=found,
                  problem=problem, place=place)  # fmt: skip


@bp.post("/<number>/disposition")
@needs("inspection.decide")
def disposition_create(number: str) -> Response:
    """Decide what happens with a refused lot."""
    inspection, url = queries.inspection_by(number), url_for("inspections.show", number=number)
    inspection_id, form = inspection.id, request.form
    try:
        with write():
            dispose(inspection_id, form.get("disposition", ""), form.get("note", ""), by=actor().id, now=clock.now())
            answer_at(url)
    except Refused as error:
        return _page(number, error)
    return go(url, trigger={"toast": _("已决定处置")})


@bp.get("/<number>/photos/<int:photo_id>")
@needs("inspection.read")
@limited("file")
def photo_show(number: str, photo_id: int) -> Response:
    """Send a photo of an inspection."""
    return send_stored(queries.photo_of(queries.inspection_by(number).id, photo_id).file)


def _keep(number: str, *, final: bool) -> Response:
    """Save the sent form, with the verdict when it is final."""
    inspection_id, size = _id_and_size(number)
    photos, problem = photos_sent(actor().id)
    url, who, now = url_for("inspections.show", number=number), actor().id, clock.now()
    try:
        if problem:
            raise Refused(problem, field="photos")
        findings = _findings(size, photos)
        with write():
            kept = save_findings(inspection_id, findings, seen=as_id(request.form.get("version")) or 0, by=who, now=now)
            verdict = judge(kept, by=who, now=now).verdict if final else ""
            answer_at(url)
    except (Refused, Conflict) as error:
        return _page(number, error, photos)
    words = {"accepted": _("合格,已接收"), "refused": _("不合格,已开质量问题")}
    return go(url, trigger={"toast": words.get(verdict, _("已保存"))})


def _id_and_size(number: str) -> tuple[int, int]:
    inspection = queries.inspection_by(number)
    return inspection.id, len(inspection.checklist)


def _findings(size: int, photos: Sequence[StoredFile]) -> Findings:
    form = request.form
    found = {}
    for name, text in form.items():
        key = name.removeprefix("found_")
        if key != name:
            found[key] = _whole(text or "0", name)
    said = {place: said for place in range(size) if (said := _said(place)) is not None}
    return Findings(found=found, said=said, note=form.get("note"), photos=photos)


def _said(place: int) -> Said | None:
    """Return what the form says of an item; None where it does not ask."""
    form, at = request.form, f"item_{place}"
    if f"{at}.note" not in form:
        return None
    return Said(form.get(f"{at}.result", ""), form.get(f"{at}.measured", ""), form.get(f"{at}.note", ""))


def _whole(text: str, name: str) -> int:
    number = as_id(text.strip())
    if number is None:
        raise Refused(_("请填整数。"), field=name)
    return number


def _wanted(form: Mapping[str, str]) -> NewInspection:
    """Return what the form asks to inspect; refuse what it does not say."""
    chosen = _chosen(form)
    if chosen is None:
        raise Refused(_("请扫描或填写批号、入库单号或 SKU。"), field="code")
    again = _again(form)
    quantity = as_id(form.get("quantity", "").strip())
    if quantity is None:
        raise Refused(_("请填写批量:1 到一亿之间的整数。"), field="quantity")
    kind = again.kind if again else form.get("kind", "")
    previous_id = again.id if again else None
    return NewInspection(kind=kind, goods=chosen.goods, quantity=quantity, previous_id=previous_id)


def _again(form: Mapping[str, str]) -> Inspection | None:
    number = form.get("previous", "")
    return queries.inspection_by(number) if number else None


def _chosen(form: Mapping[str, str]) -> Candidate | None:
    again = _again(form)
    if again is not None:
        return queries.candidate_again(again)
    found = queries.candidates(form.get("code", "")[:200])
    return next((one for one in found if one.key == form.get("goods")), found[0] if len(found) == 1 else None)


def _start_page(form: Mapping[str, str], error: DomainError | None = None) -> Response:
    again = _again(form)
    found = [queries.candidate_again(again)] if again else queries.candidates(form.get("code", "")[:200])
    chosen = _chosen(form)
    kind = again.kind if again else form.get("kind", "")
    kind = kind if kind in KINDS else "incoming"
    typed = form.get("quantity", "").strip() or str((chosen.quantity if chosen else 0) or "")
    quantity = as_id(typed)
    prepared: Prepared | None = None
    if chosen is not None and quantity is not None and 1 <= quantity <= MOST_LOT:
        prepared = prepare(kind, chosen.goods, quantity, on=_today(), again=again is not None)
    return render(
        "inspections/new.html", "inspections/_found.html", status=422 if error else 200, found=found, chosen=chosen,
        again=again, kind=kind, quantity=typed, prepared=prepared, error=error.message if error else "",
        wrong=(error.field or "") if error else "", code=form.get("code", "")[:200],
    )  # fmt: skip


def _page(number: str, error: DomainError | None = None, photos: Sequence[StoredFile] = ()) -> Response:
    db.session.remove()  # a write before it dropped what was read
    inspection = queries.inspection_by(number)
    form = request.form if error else {}
    rows = [
        DrawnRow(place, row, (_said(place) if error else None) or Said(row["result"], row["measured"], row["note"]))
        for place, row in enumerate(inspection.checklist)
    ]
    return render(
        "inspections/show.html", status=error.status if error else 200, inspection=inspection, rows=rows, form=form,
        error=error.message if error else "", wrong=(error.field or "") if error else "",
        photos=queries.photos_of(inspection.id), notes=notes_of(photos, user_id=actor().id),
        reasons=[reason(one) for one in inspection.classes] if inspection.verdict else [],
        failed_items=failed(inspection.checklist) if inspection.verdict else [], later=queries.repeated_by(inspection.id), moved=queries.moved_by(inspection.id),
        counted=counts_in_series(inspection), history=entries_of(inspection.id), after_refusal=AFTER_REFUSAL,
    )  # fmt: skip


def _today() -> date:
    return clock.now().astimezone(site_zone()).date()
