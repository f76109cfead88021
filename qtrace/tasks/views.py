"""My work: the home page, one to-do, and handing it on."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, login_needed
from qtrace.accounts.queries import people
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.ids import as_id
from qtrace.tasks.cases import cases, turns_of
from qtrace.tasks.centre import count_copied
from qtrace.tasks.models import Task
from qtrace.tasks.queries import COUNT_CAP, PAGE, count_open, grouped, my_task, open_tasks
from qtrace.tasks.service import add_helper, claim, transfer
from qtrace.tasks.standing import persons_behind
from qtrace.tasks.subjects import facts_of
from qtrace.web.csrf import answer_at
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render

bp = Blueprint("tasks", __name__)
HISTORY = 5


@bp.get("/")
@login_needed
def home() -> Response:
    """Show what is to do, the late things first."""
    now = clock.now()
    found, total = open_tasks(actor()), count_open(actor())
    tasks = found[:PAGE]
    groups = grouped(tasks, now, site_zone())
    copied = count_copied(actor())
    return render(
        "tasks/home.html",
        groups=groups,
        now=now,
        total=total,
        total_text=capped(total),
        copied=copied,
        copied_text=capped(copied),
        more=len(found) > PAGE,
        shown=len(tasks),
        **beside(tasks),
    )


@bp.get("/tasks/<int:task_id>")
@login_needed
def show(task_id: int) -> Response:
    """Show one to-do with what can be done with it."""
    task = my_task(task_id, actor())
    colleagues = [person for person in people(active_only=True) if person.id != actor().id]
    history = cases().history(task, HISTORY)
    return render(
        "tasks/show.html", task=task, people=colleagues, history=history, now=clock.now(), **beside([task])
    )  # fmt: skip


@bp.post("/tasks/<int:task_id>/claim")
@login_needed
def claim_create(task_id: int) -> Response:
    """Take a to-do out of the pool."""
    task = my_task(task_id, actor())
    with write():
        claim(task.id, by=actor(), expected_version=_number("version"), now=clock.now())
        answer_at(url_for("tasks.home"))
    return go(url_for("tasks.home"), trigger={"toast": _("已领取")})


@bp.post("/tasks/<int:task_id>/transfer")
@login_needed
def transfer_create(task_id: int) -> Response:
    """Hand a to-do over."""
    task = my_task(task_id, actor())
    note = request.form.get("note", "").replace("\x00", "").strip()[:500]
    with write():
        transfer(task.id, to=_number("to"), by=actor(), note=note, expected_version=_number("version"), now=clock.now())
        answer_at(url_for("tasks.home"))
    return go(url_for("tasks.home"), trigger={"toast": _("已转交")})


@bp.post("/tasks/<int:task_id>/helpers")
@login_needed
def helper_create(task_id: int) -> Response:
    """Let another person help."""
    task = my_task(task_id, actor())
    with write():
        add_helper(task.id, user_id=_number("user_id"), by=actor(), now=clock.now())
        answer_at(url_for("tasks.show", task_id=task.id))
    return go(url_for("tasks.show", task_id=task.id), trigger={"toast": _("已添加协助人")})


def beside(tasks: Sequence[Task]) -> dict[str, Any]:
    """Return what stands on the cards of to-dos beside themselves: the facts, the stage, whom one stands in for."""
    user = actor()
    others = any(task.owner_id not in (None, user.id) for task in tasks)
    behind = {one.user_id for one in persons_behind(user.id, clock.now())} if others else set()
    turns = turns_of(tasks, user)
    goes = {task.id: turns[task.id].page if task.state == "open" else "" for task in tasks}
    return {"facts": facts_of(tasks), "turns": turns, "behind": behind, "goes": goes}


def capped(count: int) -> str:
    """Return a count as it is shown: from 1000 on only that it is more."""
    return f"{COUNT_CAP - 1}+" if count >= COUNT_CAP else str(count)


def _number(name: str) -> int:
    """Return a number of the form that a database can hold, 0 where it is none."""
    return as_id(request.form.get(name)) or 0
