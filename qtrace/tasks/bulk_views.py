"""Decide what was ticked: a page that lists each case first, then what became of each; and hand everything over."""

from collections.abc import Sequence
from typing import cast

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, can, login_needed
from qtrace.accounts.models import User
from qtrace.accounts.queries import people, person
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.tasks.bulk import STUCK, batch_of, begin_batch, decide_each, finish_batch, picks_of
from qtrace.tasks.cases import Verdict, cases
from qtrace.tasks.handing import hand_over, shares_of
from qtrace.tasks.stand_in_views import OTHERS
from qtrace.tasks.subjects import kind_names
from qtrace.tasks.views import beside, bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

VERDICTS = ("approve", "reject")


@bp.get("/tasks/bulk")
@login_needed
def bulk_new() -> Response:
    """List what was ticked before it is decided."""
    return _confirm(_ids(request.args.getlist("task")), _verdict(request.args.get("verdict", "")))


@bp.post("/tasks/bulk")
@login_needed
def bulk_create() -> Response:
    """Decide each to-do by itself and show what became of each."""
    ids, verdict = _ids(request.form.getlist("task")), _verdict(request.form.get("verdict", ""))
    note = request.form.get("note", "").replace("\x00", "").strip()[:2000]
    picks = [pick for pick in picks_of(ids, actor()) if not pick.why_not]
    if (verdict == "reject" or any(pick.turn.opinion for pick in picks)) and not note:
        return _confirm(ids, verdict, Refused(_("请填写意见。"), field="note"))
    user_id, now = actor().id, clock.now()
    with write():
        batch = begin_batch(user_id, verdict, note, len(ids), now)
        url = url_for("tasks.batch_show", batch_id=batch)
        answer_at(url)
    decide_each(batch, ids, verdict, note, user_id=user_id, now=now)
    with write():
        finish_batch(batch, clock.now())
    return go(url)


@bp.get("/tasks/batches/<int:batch_id>")
@login_needed
def batch_show(batch_id: int) -> Response:
    """Show what became of each."""
    batch, items = batch_of(batch_id, actor().id)
    stuck = batch.finished_at is None and batch.created_at < clock.now() - STUCK
    return render("tasks/batch.html", batch=batch, items=items, stuck=stuck)


@bp.get("/me/hand-over")
@login_needed
def hand_over_new() -> Response:
    """Show what would go to whom."""
    return _hand_over_page(_giver(request.args.get("from")), request.args.get("to", ""))


@bp.post("/me/hand-over")
@login_needed
def hand_over_create() -> Response:
    """Give everything to a colleague."""
    giver, to = _giver(request.form.get("from")), request.form.get("to", "")
    giver_id, user_id = giver.id, actor().id
    try:
        with write() as session:
            batch = hand_over(giver_id, as_id(to) or 0, by=session.get_one(User, user_id), now=clock.now())
            url = url_for("tasks.batch_show", batch_id=batch)
            answer_at(url)
    except Refused as error:
        return _hand_over_page(_giver(str(giver_id)), to, error)
    return go(url, trigger={"toast": _("已交接")})


def _confirm(ids: Sequence[int], verdict: Verdict, error: Refused | None = None) -> Response:
    picks = picks_of(ids, actor())
    return render(
        "tasks/bulk.html", status=422 if error else 200, picks=picks, ready=[pick for pick in picks if not pick.why_not],
        verdict=verdict, error=error, note=request.form.get("note", ""), now=clock.now(),
        **beside([pick.task for pick in picks]),
    )  # fmt: skip


def _hand_over_page(giver: User, to: str, error: Refused | None = None) -> Response:
    shares = shares_of(giver.id)
    return render(
        "tasks/hand_over.html", status=422 if error else 200, giver=giver, to=to, people=people(), shares=shares,
        total=sum(share.count for share in shares), later=cases().later(giver.id), names=kind_names(), error=error,
    )  # fmt: skip


def _giver(sent: str | None) -> User:
    """Return whose to-dos are meant: one's own; another's only for who keeps the members."""
    number = as_id(sent)
    if number is None or number == actor().id or not can(OTHERS):
        return actor()
    found = person(number)
    if found is None:
        raise NotFound
    return found


def _verdict(sent: str) -> Verdict:
    if sent not in VERDICTS:
        raise Refused(_("请选择同意或驳回。"), field="verdict")
    return cast(Verdict, sent)


def _ids(sent: Sequence[str]) -> list[int]:
    ids = list(dict.fromkeys(number for number in map(as_id, sent) if number))
    if not ids:
        raise Refused(_("请先勾选要一起处理的待办。"), field="task")
    return ids
