"""First run, and the administrator's status and audit pages."""

import hmac
import logging
import secrets
from pathlib import Path

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.access import actor, needs, public
from qtrace.accounts.passwords import hash_password
from qtrace.accounts.queries import names_of
from qtrace.accounts.service import add_user_hashed
from qtrace.api.webhooks import given_up
from qtrace.calendars.service import HORIZON_DAYS, known_until
from qtrace.core import clock, events, jobs
from qtrace.core.db import db, existing, write
from qtrace.core.errors import DomainError, Forbidden
from qtrace.core.ids import as_id
from qtrace.core.models import EventRow, JobRow
from qtrace.notifications.log import failing
from qtrace.setup.health import readiness
from qtrace.setup.install import has_people
from qtrace.web.htmx import go, render

bp = Blueprint("setup", __name__)
log = logging.getLogger("qtrace.setup")
PAGE = 100


@bp.get("/setup")
@public
def show() -> Response:
    """Show the first-run page while nobody can log in yet."""
    _only_first()
    return render("setup/first_run.html", token=request.args.get("token", ""), error="", username="admin", name="")


@bp.post("/setup")
@public
def create() -> Response:
    """Create the first administrator for whoever has the token from the log."""
    _only_first()
    form = request.form
    if not hmac.compare_digest(form.get("token", "").strip().encode(), setup_token(_data_dir()).encode()):
        return _first_run_again(_("安装口令不对。它打印在服务器启动的日志里。"), 403)
    try:
        hashed = hash_password(form.get("password", ""))
        with write():
            add_user_hashed(form.get("username", ""), form.get("name", ""), hashed, ["admin"], by=None, now=clock.now())
    except DomainError as error:
        return _first_run_again(error.message, error.status)
    (_data_dir() / "secrets" / "setup_token").unlink(missing_ok=True)
    return go(url_for("accounts.login"))


@bp.get("/config/status")
@needs("jobs.manage")
def status() -> Response:
    """Show how the site is doing: checks, background work, the chain's head."""
    known = known_until()
    days = (known[0] - clock.now().date()).days if known else None
    return render(
        "setup/status.html",
        checks=readiness(),
        counts=jobs.counts(),
        parked=jobs.parked(),
        head=events.head(),
        calendar_warning=days is not None and days < HORIZON_DAYS,
        calendar_end=known and known[0],
        webhooks=given_up(),
        failing_senders=failing(clock.now()),
    )


@bp.post("/config/status/jobs/<int:job_id>/retry")
@needs("jobs.manage")
def job_retry(job_id: int) -> Response:
    """Put a parked job back in the queue."""
    existing(JobRow, job_id)
    with write():
        jobs.retry(job_id, now=clock.now())
        events.record("job_retried", subject=("job", job_id), by=actor().id, now=clock.now())
    return go(url_for("setup.status"), trigger={"toast": _("已重新排队")})


@bp.get("/config/audit")
@needs("audit.read")
def audit() -> Response:
    """Show what happened, newest first, and by whom."""
    before = as_id(request.args.get("before"))
    statement = select(EventRow).order_by(EventRow.seq.desc()).limit(PAGE + 1)
    if before:
        statement = statement.where(EventRow.seq < before)
    if name := request.args.get("name", "")[:80]:
        statement = statement.where(EventRow.name == name)
    rows = db.session.scalars(statement).all()
    people = names_of({row.actor_id for row in rows if row.actor_id})
    next_before = rows[PAGE - 1].seq if len(rows) > PAGE else None
    return render("setup/audit.html", rows=rows[:PAGE], people=people, next_before=next_before, name=name)


@bp.get("/config/audit/check")
@needs("audit.read")
def audit_check() -> Response:
    """Verify the whole chain now."""
    return render("setup/audit_check.html", "setup/_verdict.html", verdict=events.verify_chain())


@bp.before_app_request
def lead_to_first_run() -> Response | None:
    """Lead a visitor of a fresh installation to the first-run page."""
    if request.endpoint == "accounts.login" and request.method == "GET" and not has_people():
        return go(url_for("setup.show"))
    return None


def setup_token(data_dir: Path) -> str:
    """Return the one-time token of the first-run page, made when it is first asked for."""
    path = data_dir / "secrets" / "setup_token"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        path.write_text(secrets.token_urlsafe(16), encoding="utf-8")
        path.chmod(0o600)
    return path.read_text(encoding="utf-8").strip()


def _data_dir() -> Path:
    path: Path = current_app.config["QTRACE_DATA_DIR"]
    return path


def _only_first() -> None:
    if has_people():
        raise Forbidden(_("系统已经安装好了。请直接登录。"))


def _first_run_again(error: str, status: int) -> Response:
    form = request.form
    return render(
        "setup/first_run.html",
        status=status,
        token=form.get("token", ""),
        error=error,
        username=form.get("username", ""),
        name=form.get("name", ""),
    )
