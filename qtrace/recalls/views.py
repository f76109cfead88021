"""Pages of recalls and drills: the list, one with its stopwatch and steps, its orders, and its beginning and end."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import DomainError, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.issues.queries import visible_issue
from qtrace.recalls import queries, wording
from qtrace.recalls.models import Recall
from qtrace.recalls.service import NewRecall, close_recall, finish_step, open_recall, set_states
from qtrace.recalls.steps import DRILL, RECALL, STATES
from qtrace.trace.queries import lineage_of
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("recalls", __name__, url_prefix="/recalls")
MOST_AT_ONCE = 1000


@bp.get("")
@needs("trace.read")
def index() -> Response:
    """List recalls and drills, newest first."""
    after = as_id(request.args.get("after")) or 0
    rows = queries.recalls(after=after, size=queries.SIZE + 1)
    shown = rows[: queries.SIZE]
    return render(
        "recalls/index.html", rows=shown, next=shown[-1].id if len(rows) > queries.SIZE else 0, words=wording,
        held=len(queries.open_holds()), people=names_of({row.opened_by or 0 for row in shown}),
    )  # fmt: skip


@bp.get("/new")
@needs("recall.manage")
def new() -> Response:
    """Ask which lots, and whether it is a drill."""
    return _form(request.args)


@bp.post("")
@needs("recall.manage")
def create() -> Response:
    """Open a recall or a drill."""
    form = request.form
    try:
        wanted = _wanted(form)
        with write():
            recall = open_recall(wanted, by=actor().id, now=clock.now())
            number = recall.number
            answer_at(url_for("recalls.show", number=number))
    except DomainError as error:
        if error.status != 422:
            raise
        return _form(form, error.message, status=422)
    return go(url_for("recalls.show", number=number), say=_("已开始 %(number)s", number=number))


@bp.get("/<number>")
@needs("trace.read")
def show(number: str) -> Response:
    """Show how far it is."""
    return _page(queries.recall_by_number(number))


@bp.post("/<number>/steps/<key>")
@needs("recall.manage")
def step_create(number: str, key: str) -> Response:
    """Put a step on record with the figures of this moment."""
    recall = queries.recall_by_number(number)
    counted = _pieces(request.form.get("pieces", ""))
    figures = wording.figures_of(key, queries.goods_of(queries.lots_of(recall)), counted)
    with write():
        finish_step(recall.id, key, figures=figures, note=request.form.get("note", ""), by=actor().id, now=clock.now())
    return go(url_for("recalls.show", number=number), say=_("已记录"))


@bp.get("/<number>/orders")
@needs("trace.read")
def orders_show(number: str) -> Response:
    """List the orders of a recall."""
    recall = queries.recall_by_number(number)
    state, after = request.args.get("state", ""), as_id(request.args.get("after")) or 0
    rows = queries.orders_of(recall, state if state in STATES else "", after=after, size=queries.SIZE + 1)
    shown = rows[: queries.SIZE]
    return render(
        "recalls/orders.html", recall=recall, rows=shown, state=state, counts=queries.counts_of(recall), words=wording,
        states=STATES, next=shown[-1].id if len(rows) > queries.SIZE else 0,
    )  # fmt: skip


@bp.post("/<number>/orders")
@needs("recall.manage")
def orders_update(number: str) -> Response:
    """Say of the ticked orders how far their buyers have been dealt with."""
    recall = queries.recall_by_number(number)
    ids = [row_id for value in request.form.getlist("ids") if (row_id := as_id(value)) is not None][:MOST_AT_ONCE]
    state = request.form.get("state", "")
    with write():
        changed = set_states(recall.id, ids, state, by=actor().id, now=clock.now())
    back = url_for("recalls.orders_show", number=number, state=request.form.get("shown") or None)
    return go(back, say=_("改了 %(n)s 个订单", n=changed))


@bp.post("/<number>/closure")
@needs("recall.manage")
def closure_create(number: str) -> Response:
    """End it."""
    recall = queries.recall_by_number(number)
    try:
        with write():
            close_recall(recall.id, conclusion=request.form.get("conclusion", ""), by=actor().id, now=clock.now())
    except Refused as error:
        return _page(queries.recall_by_number(number), error.message, status=422)
    return go(url_for("recalls.show", number=number), say=_("已结束 %(number)s", number=number))


def _page(recall: Recall, error: str = "", *, status: int = 200) -> Response:
    lots, steps = queries.lots_of(recall), queries.steps_of(recall)
    goods = queries.goods_of(lots)
    holds = queries.open_holds([lot.id for lot in lots])
    places = queries.places_of(holds)
    people = names_of({row.done_by or 0 for row in steps.values()} | {recall.opened_by or 0, recall.closed_by or 0})
    return render(
        "recalls/show.html", status=status, recall=recall, lots=lots, goods=goods, steps=steps, error=error,
        progress=queries.progress_of(recall, steps, clock.now()), counts=queries.counts_of(recall), words=wording,
        holds=holds, places=places, people=people, states=STATES,
        put_aside=sum(place.count.pieces for rows in places.values() for place in rows if place.count),
        typed=request.form.get("conclusion", ""),
    )  # fmt: skip


def _form(typed: Mapping[str, Any], error: str = "", *, status: int = 200) -> Response:
    kind = typed.get("kind", RECALL)
    return render(
        "recalls/new.html", status=status, typed=typed, error=error, kind=kind if kind in {RECALL, DRILL} else RECALL,
        drill=DRILL, numbers=typed.get("lots") or typed.get("lot", ""),
    )  # fmt: skip


def _wanted(form: Mapping[str, Any]) -> NewRecall:
    numbers = [line.strip() for line in form.get("lots", "").replace(",", "\n").replace(",", "\n").splitlines()]
    asked = [number for number in dict.fromkeys(numbers) if number][:200]
    lots = queries.lots_by_number(asked)
    missing = sorted(set(asked) - {lot.external_id for lot in lots})
    if missing:
        raise Refused(_("没有找到批号:%(lots)s", lots="、".join(missing[:5])), field="lots")
    ids = {lot.id for lot in lots}
    number = form.get("issue", "").strip()
    return NewRecall(
        kind=form.get("kind", ""), title=form.get("title", ""), reason=form.get("reason", ""), lots=ids,
        reach=ids | lineage_of(ids).products(ids), issue_id=_issue(number) if number else None,
        target_minutes=_pieces(form.get("target_minutes", "")) or 240,
    )  # fmt: skip


def _issue(number: str) -> int:
    try:
        return visible_issue(number, actor()).id
    except NotFound as missing:
        raise Refused(_("没有编号为 %(number)s 的质量问题。", number=number), field="issue") from missing


def _pieces(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or len(text.strip()) > 9:
        raise Refused(_("请填整数:%(text)s", text=text[:20]), field="pieces")
    return int(text)
