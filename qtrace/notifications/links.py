"""Links in messages: signed, for one person, for a month; they open the page of their notice and nothing else."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from flask import Flask, current_app, url_for
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from qtrace.core import clock
from qtrace.core.db import db
from qtrace.notifications.kinds import TO_DO
from qtrace.notifications.models import Notice
from qtrace.notifications.service import is_over
from qtrace.tasks.models import Task

KEEP = timedelta(days=30)
SALT = "notice-link"
DECIDING = "qtrace_decision_page"
DECIDED = frozenset({"stage", "question"})  # kinds of to-dos; others are done on the page of their case


@dataclass(frozen=True)
class Opened:
    """What a link leads to, or why it leads nowhere."""

    state: Literal["ok", "bad", "expired", "foreign", "used"]
    notice_id: int = 0
    url: str = ""


def decide_at(app: Flask, endpoint: str) -> None:
    """Let links of to-dos lead to this page, which takes `task_id`, instead of to the to-do's case."""
    app.extensions[DECIDING] = endpoint


def link_of(notice: Notice) -> str:
    """Return the whole address that opens a notice for its person."""
    token = _signer().dumps([notice.id, notice.user_id])
    return f"{base_url()}/n/{token}"


def base_url() -> str:
    """Return the address the site is used at."""
    return str(current_app.config["QTRACE_BASE_URL"])


def open_link(token: str, user_id: int) -> Opened:
    """Return where a link leads this person."""
    try:
        found = _signer().loads(token, max_age=int(KEEP.total_seconds()))
    except SignatureExpired:
        return Opened("expired")
    except BadSignature:
        return Opened("bad")
    notice_id, owner_id = found
    if owner_id != user_id:
        return Opened("foreign")
    notice = db.session.get(Notice, notice_id)
    if notice is None:
        return Opened("expired")
    state: Literal["ok", "used"] = "used" if is_over(notice, now=clock.now()) else "ok"
    return Opened(state, notice.id, address_of(notice))


def address_of(notice: Notice) -> str:
    """Return the page a notice opens: of a turn or a question the page on which it is decided, where the site has one."""
    endpoint = current_app.extensions.get(DECIDING)
    if endpoint and notice.kind in TO_DO and notice.task_id is not None and not is_over(notice, now=clock.now()):
        task = db.session.get(Task, notice.task_id)
        if task is not None and task.kind in DECIDED:
            return url_for(endpoint, task_id=task.id)
    return notice.url


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt=SALT)
