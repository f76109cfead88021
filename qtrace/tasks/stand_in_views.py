"""Stand-ins on a page: one's own, and those of others for who keeps the members."""

from datetime import date, timedelta

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, can, login_needed
from qtrace.accounts.queries import people
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.tasks.cases import cases
from qtrace.tasks.models import StandIn
from qtrace.tasks.standing import NewStandIn, all_stand_ins, end_stand_in, flows_of, set_stand_in, stand_ins_of
from qtrace.tasks.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render

OTHERS = "users.manage"  # who may set stand-ins for others
MOST_FLOWS = 50


@bp.get("/me/stand-ins")
@login_needed
def stand_ins() -> Response:
    """Show who stands in for me and for whom I do; those of all for who keeps the members."""
    return _page()


@bp.post("/me/stand-ins")
@login_needed
def stand_in_create() -> Response:
    """Let a colleague stand in."""
    url = url_for("tasks.stand_ins", everybody=request.form.get("everybody") or None)
    try:
        new = _sent()
        with write():
            set_stand_in(new, zone=site_zone(), by=actor().id, now=clock.now())
            answer_at(url)
    except Refused as error:
        return _page(error)
    return go(url, trigger={"toast": _("已设置代理人,双方都会收到通知")})


@bp.post("/me/stand-ins/<int:stand_in_id>/end")
@login_needed
def stand_in_end(stand_in_id: int) -> Response:
    """End one early."""
    row = existing(StandIn, stand_in_id)
    if actor().id not in (row.user_id, row.created_by) and not can(OTHERS):
        raise NotFound
    url = url_for("tasks.stand_ins", everybody=request.form.get("everybody") or None)
    with write():
        end_stand_in(stand_in_id, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("代理已结束")})


def _sent() -> NewStandIn:
    """Read the form; only who keeps the members may name somebody else's deputy."""
    form = request.form
    person = as_id(form.get("user_id")) or 0
    known = cases().flows()
    flows = tuple(dict.fromkeys(key for key in form.getlist("flows")[:MOST_FLOWS] if key in known))
    if form.get("reach") == "some" and not flows:
        raise Refused(_("请至少勾选一个流程,或选择「全部待办」。"), field="flows")
    return NewStandIn(
        user_id=person if person and can(OTHERS) else actor().id, deputy_id=as_id(form.get("deputy_id")) or 0,
        begins=_day("begins"), ends=_day("ends"), flows=flows if form.get("reach") == "some" else (),
        note=form.get("note", "").replace("\x00", "").strip()[:200],
    )  # fmt: skip


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError as error:
        raise Refused(_("请填写日期,例如 2026-10-01。"), field=name) from error


def _page(error: Refused | None = None) -> Response:
    everybody = bool(request.values.get("everybody")) and can(OTHERS)
    rows, now = all_stand_ins() if everybody else stand_ins_of(actor().id), clock.now()
    today = now.astimezone(site_zone()).date().isoformat()
    return render(
        "tasks/stand_ins.html", status=422 if error else 200, rows=rows, flows_of=flows_of(rows), flows=cases().flows(),
        everybody=everybody, one_second=timedelta(seconds=1), people=people(active_only=True), now=now, today=today, error=error, form=request.form,
        chosen=request.form.getlist("flows"),
    )  # fmt: skip
