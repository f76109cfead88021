"""My work: the home page, the list of to-dos, and handing them on."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, login_needed
from qtrace.accounts.queries import people
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.tasks.queries import count_open, done_tasks, grouped, my_task, open_tasks
from qtrace.tasks.service import add_helper, claim, transfer
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render

bp = Blueprint("tasks", __name__)


@bp.get("/")
@login_needed
def home() -> Response:
    """Show what is to do, the late things first."""
    now = clock.now()
    groups = grouped(open_tasks(actor()), now, site_zone())
    return render("tasks/home.html", groups=groups, now=now, total=sum(len(group.tasks) for group in groups))


@bp.get("/tasks")
@login_needed
def index() -> Response:
    """List the to-dos, open or done."""
    done = request.args.get("state") == "done"
    rows = done_tasks(actor()) if done else open_tasks(actor())
    return render("tasks/index.html", tasks=rows, done=done, now=clock.now(), open_count=count_open(actor()))


@bp.get("/tasks/<int:task_id>")
@login_needed
def show(task_id: int) -> Response:
    """Show one to-do with what can be done with it."""
    return render("tasks/show.html", task=my_task(task_id, actor()), people=people(active_only=True), now=clock.now())


@bp.post("/tasks/<int:task_id>/claim")
@login_needed
def claim_create(task_id: int) -> Response:
    """Take a to-do out of the pool."""
    task = my_task(task_id, actor())
    version = request.form.get("version", type=int, default=0)
    with write():
        claim(task.id, by=actor(), expected_version=version, now=clock.now())
    return go(url_for("tasks.home"), trigger={"toast": _("已领取")})


@bp.post("/tasks/<int:task_id>/transfer")
@login_needed
def transfer_create(task_id: int) -> Response:
    """Hand a to-do over."""
    task = my_task(task_id, actor())
    version = request.form.get("version", type=int, default=0)
    to, note = request.form.get("to", type=int, default=0), request.form.get("note", "")[:500]
    with write():
        transfer(task.id, to=to, by=actor(), note=note, expected_version=version, now=clock.now())
    return go(url_for("tasks.home"), trigger={"toast": _("已转交")})


@bp.post("/tasks/<int:task_id>/helpers")
@login_needed
def helper_create(task_id: int) -> Response:
    """Let another person help."""
    task = my_task(task_id, actor())
    helper = request.form.get("user_id", type=int, default=0)
    with write():
        add_helper(task.id, user_id=helper, by=actor(), now=clock.now())
    return go(url_for("tasks.show", task_id=task.id), trigger={"toast": _("已添加协助人")})
