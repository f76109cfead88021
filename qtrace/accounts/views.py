"""Log in, log out, choose the language."""

from flask import Blueprint, Response, current_app, g, make_response, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from qtrace.accounts.access import actor, cookie_name, login_needed, public, set_login_cookie
from qtrace.accounts.service import authenticate, set_language
from qtrace.accounts.sessions import close_session, mark_seen, open_session
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.web.csrf import safe_path
from qtrace.web.htmx import render
from qtrace.web.limits import hit
from qtrace.web.pages import LANGUAGE_COOKIE, LANGUAGES

bp = Blueprint("accounts", __name__)


@bp.get("/login")
@public
def login() -> Response:
    """Show the login form."""
    target = safe_path(request.args.get("next"))
    if current_user.is_authenticated:
        return make_response(redirect(target, 303))
    return render("accounts/login.html", next=target, username="", error="")


@bp.post("/login")
@public
def login_create() -> Response:
    """Open a session for the right name and password."""
    username = request.form.get("username", "").strip()[:80]
    target = safe_path(request.form.get("next"))
    now = clock.now()
    hit("login-ip", request.remote_addr or "", now=now)
    hit("login-account", username, now=now)
    user_id = authenticate(username, request.form.get("password", "")[:200])
    if user_id is None:
        error = _("用户名或密码不对。请检查大小写,或请管理员重置密码。")
        return render("accounts/login.html", status=422, next=target, username=username, error=error)
    with write():
        token = open_session(user_id, ip=request.remote_addr or "", agent=request.user_agent.string, now=now)
    response = make_response(redirect(target, 303))
    set_login_cookie(response, token)
    return response


@bp.post("/logout")
@login_needed
def logout() -> Response:
    """End this login on the server and clear what the browser kept."""
    with write():
        close_session(g.session_id, actor(), now=clock.now())
    response = make_response(redirect(url_for("accounts.login"), 303))
    response.delete_cookie(cookie_name(), path="/", secure=current_app.config["SESSION_COOKIE_SECURE"])
    g.clear_site_data = True
    return response


@bp.post("/language")
@public
def language_update() -> Response:
    """Switch the language, for this browser and for the person's next login."""
    lang = request.form.get("lang", "zh")
    lang = lang if lang in LANGUAGES else "zh"
    if current_user.is_authenticated:
        with write():
            set_language(actor().id, lang)
    response = make_response(redirect(safe_path(request.form.get("next")), 303))
    response.set_cookie(LANGUAGE_COOKIE, lang, max_age=31_536_000, samesite="Lax", httponly=True)
    return response


@bp.after_app_request
def note_seen(response: Response) -> Response:
    """Note after the answer that the login is in use."""
    if g.get("session_id") and g.get("session_seen") and request.endpoint != "accounts.logout":
        mark_seen(g.session_id, g.session_seen, now=clock.now())
    return response
