"""Complaint pages: the list with its one-tap step, the single complaint, and the box that finds the order."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.classification.models import Term
from qtrace.classification.queries import terms_of
from qtrace.complaints.amounts import USUAL, typed_amount
from qtrace.complaints.articles import lines_of, name_article
from qtrace.complaints.filters import Filters, read_filters
from qtrace.complaints.flow import standing
from qtrace.complaints.links import Links, OrderFacts, facts_of, links_of
from qtrace.complaints.models import Complaint
from qtrace.complaints.platform import typed_deadline
from qtrace.complaints.queries import (
    complaint_page,
    count,
    photo_of,
    photos_of,
    visible_complaint,
    visible_complaints,
)
from qtrace.complaints.service import (
    TERM_COLUMNS,
    NewComplaint,
    classify,
    record_complaint,
    reopen,
    set_deadline,
    settle,
)
from qtrace.complaints.timeline import entries_of
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import DomainError
from qtrace.core.files import StoredFile
from qtrace.core.ids import as_id
from qtrace.flows.field_rights import rights_in
from qtrace.flows.impact import flows_for
from qtrace.orders.models import Order
from qtrace.orders.queries import Hits, find_anything
from qtrace.tasks.looks import look_at_case
from qtrace.web.csrf import answer_at, safe_path
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render, wants_piece
from qtrace.web.limits import limited
from qtrace.web.photos import notes_of, photos_sent, send_stored

bp = Blueprint("complaints", __name__, url_prefix="/complaints")
MOST_AT_ONCE = 500
QUICK = ("refund", "reship", "reply", "no_action")


@bp.get("")
@needs("complaint.read")
def index() -> Response:
    """List complaints, newest first."""
    filters = read_filters(request.args)
    if not filters.pairs():
        filters = Filters(status="open")
    page = complaint_page(filters, actor(), site_zone(), after=request.args.get("after", ""))
    tabs = [(label, other, count(other, actor(), site_zone())) for label, other in _tabs()]
    return render(
        "complaints/index.html",
        "complaints/_list.html",
        rows=page.rows,
        next=page.next,
        filters=filters,
        tabs=tabs,
        types=terms_of("type"),
        severities=terms_of("severity"),
        handlings=terms_of("handling"),
        quick=QUICK,
        first=not request.args.get("after"),
    )


@bp.get("/new")
@needs("complaint.create")
@limited("search")
def new() -> Response:
    """Show the form; with `code` it is filled with what the pasted number leads to."""
    hits = find_anything(request.args.get("code", "")[:200])
    return _form(hits, {}, "")


@bp.post("")
@needs("complaint.create")
def create() -> Response:
    """Record a complaint."""
    form = request.form
    photos, photo_error = photos_sent(actor().id)
    hits = find_anything(form.get("code", "")[:200])
    if photo_error:
        return _form(hits, form, photo_error, status=422, photos=photos)
    try:
        new_complaint = NewComplaint(
            photos=photos,
            text=form.get("text", ""),
            terms=_terms(),
            safety=form.get("safety") == "y",
            platform_due_at=typed_deadline(form.get("platform_due_at", "")),
            **_amount(hits, form.get("amount", "")),
            **_found(hits, form.get("line", "")),
        )
        with write():
            complaint_id = record_complaint(new_complaint, by=actor(), now=clock.now())
            number = db.session.get_one(Complaint, complaint_id).number
            answer_at(url_for("complaints.show", number=number))
    except DomainError as error:
        if error.status != 422:
            raise
        # the write dropped what was found before it
        return _form(find_anything(form.get("code", "")[:200]), form, error.message, status=422, photos=photos)
    return go(url_for("complaints.show", number=number), trigger={"toast": _("已登记 %(number)s", number=number)})


@bp.get("/<number>")
@needs("complaint.read")
def show(number: str) -> Response:
    """Show one complaint; who has a to-do there has seen it now."""
    return _page(number)


@bp.get("/<number>/photos/<int:photo_id>")
@needs("complaint.read")
@limited("file")
def photo_show(number: str, photo_id: int) -> Response:
    """Send a photo of a complaint."""
    complaint = visible_complaint(number, actor())
    return send_stored(photo_of(complaint.id, photo_id).file)


@bp.post("/<number>/settlement")
@needs("complaint.handle")
def settlement_create(number: str) -> Response:
    """Classify, handle and close in one tap."""
    complaint = visible_complaint(number, actor())
    version = as_id(request.form.get("version")) or 0
    handling, terms = request.form.get("handling", ""), _terms()
    with write():
        settle([complaint.id], handling=handling, terms=terms, by=actor().id, now=clock.now(), version=version)
    return _after(number, _("已办结 %(number)s", number=number))


@bp.post("/<number>/reopening")
@needs("complaint.handle")
def reopening_create(number: str) -> Response:
    """Open it again."""
    complaint = visible_complaint(number, actor())
    version = as_id(request.form.get("version")) or 0
    with write():
        reopen(complaint.id, by=actor().id, now=clock.now(), version=version)
    return _after(number, _("已重新打开"))


@bp.post("/<number>/classification")
@needs("complaint.handle")
def classification_update(number: str) -> Response:
    """Change the category without closing."""
    complaint = visible_complaint(number, actor())
    version = as_id(request.form.get("version")) or 0
    with write():
        classify(complaint.id, terms=_terms(), by=actor().id, now=clock.now(), version=version)
    return _after(number, _("已保存"))


@bp.post("/<number>/article")
@needs("complaint.handle")
def article_update(number: str) -> Response:
    """Say which article of its order it is about."""
    complaint = visible_complaint(number, actor())
    version, line = as_id(request.form.get("version")) or 0, as_id(request.form.get("line")) or 0
    with write():
        name_article(complaint.id, line, by=actor().id, now=clock.now(), version=version)
    return _after(number, _("已保存"))


@bp.post("/<number>/deadline")
@needs("complaint.handle")
def deadline_update(number: str) -> Response:
    """Note until when the platform wants an answer."""
    complaint = visible_complaint(number, actor())
    version = as_id(request.form.get("version")) or 0
    due = typed_deadline(request.form.get("platform_due_at", ""))
    with write():
        set_deadline(complaint.id, due, by=actor().id, now=clock.now(), version=version)
    return _after(number, _("已保存"))


@bp.post("/settlements")
@needs("complaint.handle")
def settlements_create() -> Response:
    """Settle every ticked complaint the person may see."""
    ids = [row_id for value in request.form.getlist("ids") if (row_id := as_id(value)) is not None][:MOST_AT_ONCE]
    seen = db.session.scalars(visible_complaints(actor()).where(Complaint.id.in_(ids))).all()
    wanted, handling, terms = [row.id for row in seen], request.form.get("handling", ""), _terms()
    with write():
        closed = settle(wanted, handling=handling, terms=terms, by=actor().id, now=clock.now())
    text = _("已办结 %(n)d 条,%(rest)d 条之前已办结。", n=len(closed), rest=len(wanted) - len(closed))
    return go(safe_path(request.form.get("next"), url_for("complaints.index")), trigger={"toast": text})


def _tabs() -> list[tuple[str, Filters]]:
    return [
        (_("待处理"), Filters(status="open")),
        (_("平台时限"), Filters(status="open", due="any", sort="due")),
        (_("涉及安全"), Filters(status="safety")),
        (_("已并入问题"), Filters(status="held")),
        (_("已办结"), Filters(status="closed")),
        (_("全部"), Filters(status="all")),
    ]


def _page(number: str) -> Response:
    complaint = visible_complaint(number, actor())
    look_at_case("complaint", complaint.id, actor(), now=clock.now())
    return render(
        "complaints/show.html",
        complaint=complaint,
        history=entries_of(complaint),
        types=terms_of("type"),
        severities=terms_of("severity"),
        parties=terms_of("responsible_party"),
        handlings=terms_of("handling"),
        photos=photos_of(complaint.id),
        cause=db.session.get(Term, complaint.verified_cause_id) if complaint.verified_cause_id else None,
        lines=lines_of(complaint),
        standing=standing(complaint, actor(), clock.now()),
        flows=flows_for("complaint"),
        kept=_kept(complaint),
    )


def _kept(complaint: Complaint) -> frozenset[str]:
    """Return the classifications the reader's own turn does not let change."""
    rights = rights_in("complaint", complaint.id, actor())
    return frozenset(name for name in TERM_COLUMNS if not rights.may_write(name, anyway=True))


def _after(number: str, text: str) -> Response:
    """Answer the list's row for htmx, the page otherwise."""
    target = request.headers.get("HX-Target", "")
    if wants_piece() and "complaint-" in target:
        return render(
            "complaints/_row_answer.html",
            trigger={"toast": text},
            complaint=visible_complaint(number, actor()),
            types=terms_of("type"),
            handlings=terms_of("handling"),
            quick=QUICK,
        )
    return go(safe_path(request.form.get("next"), url_for("complaints.show", number=number)), trigger={"toast": text})


def _terms() -> dict[str, int]:
    """Return the chosen terms that exist and are active."""
    chosen = {}
    for name in ("type", "severity", "responsible_party"):
        value = as_id(request.form.get(name))
        if value is not None and any(term.id == value for term in terms_of(name)):
            chosen[name] = value
    return chosen


def _order_of(hits: Hits) -> Order | None:
    """Return the order a pasted number leads to, itself or through its parcel."""
    return hits.orders[0] if hits.orders else (hits.parcels[0].order if hits.parcels else None)


def _amount(hits: Hits, typed: str) -> dict[str, Any]:
    """Return the typed amount in the currency of the order, in the usual one where there is none."""
    order = _order_of(hits)
    currency = order.currency if order else USUAL
    return {"amount_minor": typed_amount(typed, currency), "currency": currency}


def _found(hits: Hits, line: str) -> dict[str, Any]:
    """Return shop, order and links of what the pasted number named."""
    order = _order_of(hits)
    if order is not None:
        facts = facts_of([order.id]).get(order.id, OrderFacts())
        line_id = as_id(line) if any(str(item.id) == line for item in facts.lines) else None
        return {"shop_id": order.shop_id, "order_id": order.id, "links": links_of(facts, line_id=line_id)}
    if hits.lots:
        lot = hits.lots[0]
        return {"shop_id": lot.shop_id, "links": Links(lot_id=lot.id, sku_id=lot.sku_id, supplier_id=lot.supplier_id)}
    if hits.skus:
        sku = hits.skus[0]
        return {"shop_id": sku.shop_id, "links": Links(sku_id=sku.id, supplier_id=sku.supplier_id)}
    return {"links": Links()}


def _form(hits: Hits, form: Any, error: str, *, status: int = 200, photos: Sequence[StoredFile] = ()) -> Response:
    order = _order_of(hits)
    return render(
        "complaints/new.html",
        "complaints/_found.html" if status == 200 else None,
        status=status,
        hits=hits,
        order=order,
        currency=order.currency if order else USUAL,
        form=form,
        error=error,
        kept=notes_of(photos, user_id=actor().id),
        types=terms_of("type"),
        severities=terms_of("severity"),
    )
