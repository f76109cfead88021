"""The to-do centre: its tabs, saved views, copies that are read, and urging those a case waits for."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, login_needed
from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.tasks.cases import Search, cases
from qtrace.tasks.centre import TEAM, Team, count_copied, found, in_groups, mark_read, members_of, team_of
from qtrace.tasks.filters import Wanted, due_span, read_wanted
from qtrace.tasks.models import Task, TaskView
from qtrace.tasks.queries import PAGE, count_open
from qtrace.tasks.saved import drop_view, save_view, views_of
from qtrace.tasks.subjects import kind_names
from qtrace.tasks.urging import urge, waits_for_others
from qtrace.tasks.views import HISTORY, beside, bp, capped
from qtrace.web.csrf import answer_at, safe_path
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render


@bp.get("/tasks")
@login_needed
def index() -> Response:
    """List the to-dos of a tab; without an address of its own it opens with the person's default view."""
    user, views = actor(), views_of(actor().id)
    wanted, page = _wanted(views), _page_number()
    team = team_of(user)
    shown = _started(user, wanted, page) if wanted.state == "mine" else _listed(user, team, wanted, page)
    return render(
        "tasks/index.html", "tasks/_detail.html" if "task" in request.args else None, wanted=wanted, views=views,
        team=team, at_page=page, now=clock.now(), kinds=kind_names(), flows=cases().flows(), stages=cases().stages(),
        open_count=capped(count_open(user)), late_count=capped(count_open(user, late_at=clock.now())),
        copied_count=capped(count_copied(user)),
        people=[(one.id, one.name) for one in members_of(team, user)] if wanted.state == "team" and team else (), **shown,
    )  # fmt: skip


@bp.post("/tasks/views")
@login_needed
def view_create() -> Response:
    """Keep the filters under a name."""
    wanted = read_wanted(request.form)
    url = _address(wanted)
    with write():
        save_view(actor().id, request.form.get("name", ""), wanted, default="default" in request.form)
        answer_at(url)
    return go(url, trigger={"toast": _("视图已保存")})


@bp.post("/tasks/views/<int:view_id>/delete")
@login_needed
def view_delete(view_id: int) -> Response:
    """Forget a saved view."""
    with write():
        drop_view(actor().id, view_id)
        answer_at(url_for("tasks.index", state="open"))
    return go(url_for("tasks.index", state="open"), trigger={"toast": _("视图已删除")})


@bp.post("/tasks/copies/read")
@login_needed
def copies_read() -> Response:
    """Mark one copy as read and open its case, or all of them and stay."""
    number = as_id(request.form.get("task"))
    url = safe_path(request.form.get("next"), url_for("tasks.index", state="copied"))
    with write():
        mark_read(actor().id, None if number is None else [number], clock.now())
        answer_at(url)
    return go(url, trigger=None if number else {"toast": _("已全部标为已读")})


@bp.post("/tasks/urges")
@login_needed
def urge_create() -> Response:
    """Remind those a case waits for."""
    subject = (request.form.get("kind", "")[:40], as_id(request.form.get("id")) or 0)
    starter = cases().starter(subject)
    if starter is None or (starter != actor().id and not actor().can(TEAM)):
        raise NotFound
    url = safe_path(request.form.get("next"), url_for("tasks.index", state="mine"))
    user_id, now = actor().id, clock.now()
    with write() as session:
        names = urge(subject, by=session.get_one(User, user_id), zone=site_zone(), now=now)
        answer_at(url)
    return go(url, trigger={"toast": _("已催办 %(names)s", names=_("、").join(names))})


def may_urge(kind: str, subject_id: int) -> bool:
    """Say whether the case waits for others, and the person asking started it or looks after everybody's to-dos."""
    subject = (kind, subject_id)
    if not waits_for_others(subject, actor().id):
        return False
    return actor().can(TEAM) or cases().starter(subject) == actor().id


def _wanted(views: Sequence[TaskView]) -> Wanted:
    if request.args:
        return read_wanted(request.args)
    default = next((view for view in views if view.is_default), None)
    return read_wanted(dict(parse_qsl(default.query)) if default else {})


def _listed(user: User, team: Team, wanted: Wanted, page: int) -> Mapping[str, Any]:
    now, zone = clock.now(), site_zone()
    rows = found(user, team, wanted, now, zone, page)
    tasks = rows[:PAGE]
    told = beside(tasks)
    return {
        "tasks": tasks, "more": len(rows) > PAGE, "tonight": due_span("today", now, zone)[1], "groups": in_groups(wanted, tasks, told["turns"], now, zone),
        **_chosen(tasks), **told,
    }  # fmt: skip


def _chosen(tasks: Sequence[Task]) -> Mapping[str, Any]:
    """Return the to-do whose details stand beside the list: the one asked for, else the first."""
    number = as_id(request.args.get("task"))
    chosen = next((task for task in tasks if task.id == number), tasks[0] if tasks else None)
    return {"task": chosen, "history": cases().history(chosen, HISTORY) if chosen else ()}


def _started(user: User, wanted: Wanted, page: int) -> Mapping[str, Any]:
    running = {"": None, "running": True, "ended": False}[wanted.ended]
    rows = cases().started(Search(user, running, wanted.q, (page - 1) * PAGE, PAGE + 1))
    return {"started": rows[:PAGE], "more": len(rows) > PAGE, "tasks": ()}


def _address(wanted: Wanted) -> str:
    return f"{url_for('tasks.index')}?{wanted.query() or 'state=open'}"


def _page_number() -> int:
    text = request.args.get("page", "")
    return max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 7 else 1
