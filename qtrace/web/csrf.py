"""Every write proves that it came from our own page, and is done once however often it is sent.

The token is an HMAC of the login (or of a random cookie before the login). The submit id is claimed inside the request's
own `write()`: a second tap finds it used and is led to the first one's answer.
"""

import hashlib
import hmac
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from markupsafe import Markup
from sqlalchemy import Executable, bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.orm import Session

from qtrace.core import clock
from qtrace.core.db import db, insert_into, on_write, require_write, table_of, write
from qtrace.core.errors import DomainError, Refused
from qtrace.core.ids import new_id, new_token
from qtrace.core.models import Submission

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
ANONYMOUS_COOKIE = "qt_anon"
KEEP = timedelta(days=2)
SUBMITS = table_of(Submission)
ANSWER_OF = select(SUBMITS.c.location).where(SUBMITS.c.id == bindparam("submit_id"))
LEAD_TO = update(SUBMITS).where(SUBMITS.c.id == bindparam("submit_id")).values(location=bindparam("location_"))


class AlreadyDone(DomainError):
    """The same form was sent before; `location` is where its answer is."""

    status = 303

    def __init__(self, location: str) -> None:
        super().__init__("")
        self.location = location


def init_csrf(app: Flask) -> None:
    """Check every unsafe request and give templates `csrf()` and `csrf_token()`."""
    app.before_request(_check)
    app.after_request(_keep_anonymous_cookie)
    app.jinja_env.globals.update(csrf=csrf_inputs, csrf_token=csrf_token)
    on_write(app, _claim)


def csrf_token() -> str:
    """Return the token this visitor's writes must carry."""
    owner = g.get("session_id") or f"anonymous:{_anonymous()}"
    key = current_app.secret_key
    assert isinstance(key, str)
    return hmac.new(key.encode(), f"csrf|{owner}".encode(), hashlib.sha256).hexdigest()


def csrf_inputs() -> Markup:
    """Return the hidden inputs every POST form carries: the token and a fresh one-use submit id."""
    inputs = '<input type="hidden" name="csrf_token" value="{}"><input type="hidden" name="submit_id" value="{}">'
    return Markup(inputs).format(csrf_token(), new_id())  # noqa: S704 -- a constant; format() escapes what it inserts


def answer_at(location: str) -> None:
    """Remember, in the open write, where the answer to this submit is, for a second tap."""
    if g.get("submit_claimed"):
        require_write().execute(LEAD_TO, {"submit_id": g.submit_claimed, "location_": location})


def forget_old_submissions() -> None:
    """Delete submit ids that are too old to be sent again."""
    with write() as session:
        session.execute(delete(Submission).where(Submission.at < clock.now() - KEEP))


def safe_path(target: str | None, fallback: str = "/") -> str:
    """Return `target` if it is a path of this site, the fallback otherwise."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return fallback
    if "\\" in target or any(ord(char) < 0x21 for char in target):
        return fallback
    return target


def _check() -> None:
    if request.method in SAFE_METHODS or request.endpoint is None or _is_exempt(request.endpoint):
        return  # without an endpoint no view runs: the answer is that there is no such page
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refused("这个请求来自别的网站,已拒绝。请回到本系统的页面重新操作。")
    sent = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not hmac.compare_digest(sent.encode(), csrf_token().encode()):
        raise Refused("页面已过期,没有保存。请刷新页面后再提交一次。", field="csrf_token")
    submit_id = request.form.get("submit_id") or request.headers.get("Idempotency-Key", "")
    if submit_id:
        g.submit_id = submit_id[:64]
        used = db.session.execute(ANSWER_OF, {"submit_id": g.submit_id}).scalar_one_or_none()
        if used is not None:
            raise AlreadyDone(used or _referrer_path())


def _is_exempt(endpoint: str) -> bool:
    view = current_app.view_functions.get(endpoint)
    return bool(getattr(view, "csrf_exempt", False))


def _claim(session: Session) -> None:
    submit_id = g.pop("submit_id", None) if g else None
    if not submit_id:
        return
    claim = {"id": submit_id, "at": clock.now(), "location": _referrer_path()}
    claimed = session.execute(_claim_once(insert_into(Submission)), claim).scalar_one_or_none()
    if claimed is None:
        raise AlreadyDone(session.execute(ANSWER_OF, {"submit_id": submit_id}).scalar_one())
    g.submit_claimed = submit_id


@cache
def _claim_once(claim: Insert) -> Executable:
    return claim.on_conflict_do_nothing().returning(SUBMITS.c.id)


def _referrer_path() -> str:
    parts = urlsplit(request.referrer or "")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return safe_path(path)[:300] if parts.netloc == request.host else "/"


def _anonymous() -> str:
    if "anonymous" not in g:
        g.anonymous = request.cookies.get(ANONYMOUS_COOKIE, "")
        if len(g.anonymous) < 32:
            g.anonymous = g.new_anonymous = new_token()
    token: str = g.anonymous
    return token


def _keep_anonymous_cookie(response: Response) -> Response:
    fresh = g.get("new_anonymous")
    if fresh:
        secure = current_app.config["SESSION_COOKIE_SECURE"]
        response.set_cookie(ANONYMOUS_COOKIE, fresh, httponly=True, secure=secure, samesite="Lax", max_age=86400)
    return response
