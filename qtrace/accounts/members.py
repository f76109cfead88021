"""Pages where the administrator keeps people, and everybody their own account."""

from flask import Blueprint, Response, g, request, url_for
from flask_babel import gettext as _
from wtforms import Form

from qtrace.accounts.access import actor, login_needed, needs, set_login_cookie
from qtrace.accounts.passwords import hash_password, verify_password
from qtrace.accounts.queries import departments, people, person, roles, sessions_of
from qtrace.accounts.service import add_user_hashed, change_user, set_password
from qtrace.accounts.sessions import close_session, open_session
from qtrace.accounts.webforms import MemberForm, PasswordForm
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import DomainError, NotFound
from qtrace.core.ids import as_id
from qtrace.web.filters import localised
from qtrace.web.htmx import go, render

bp = Blueprint("members", __name__)


@bp.get("/config/members")
@needs("users.manage")
def index() -> Response:
    """List the people."""
    return render("accounts/members.html", people=people())


@bp.get("/config/members/new")
@needs("users.manage")
def new() -> Response:
    """Show an empty form."""
    return _form_page(_member_form(), None)


@bp.post("/config/members")
@needs("users.manage")
def create() -> Response:
    """Add a person."""
    form = _member_form(request.form)
    if not form.validate() or not form.password.data:
        if not form.password.data:
            form.password.errors = [_("请填写初始密码,至少 8 个字符。")]
        return _form_page(form, None, status=422)
    hashed = hash_password(form.password.data)
    try:
        with write():
            add_user_hashed(
                form.username.data,
                form.name.data,
                hashed,
                form.roles.data,
                by=actor().id,
                now=clock.now(),
                department_id=as_id(form.department_id.data),
            )
    except DomainError as error:
        return _refused(form, error, None)
    return go(url_for("members.index"), trigger={"toast": _("已添加 %(name)s", name=form.name.data)})


@bp.get("/config/members/<int:user_id>")
@needs("users.manage")
def edit(user_id: int) -> Response:
    """Show a person's form."""
    user = person(user_id)
    if user is None:
        raise NotFound
    form = _member_form()
    form.username.data, form.name.data, form.active.data = user.username, user.name, user.active
    form.roles.data = [role.key for role in user.roles]
    form.department_id.data = str(user.department_id or "")
    return _form_page(form, user_id)


@bp.post("/config/members/<int:user_id>")
@needs("users.manage")
def update(user_id: int) -> Response:
    """Change a person; a new password or new roles end the person's logins."""
    user = person(user_id)
    if user is None:
        raise NotFound
    form = _member_form(request.form)
    form.username.data = user.username
    if not form.validate():
        return _form_page(form, user_id, status=422)
    hashed = hash_password(form.password.data) if form.password.data else None
    try:
        with write():
            change_user(
                user_id,
                name=form.name.data,
                role_keys=form.roles.data,
                active=form.active.data,
                by=actor().id,
                department_id=as_id(form.department_id.data),
                now=clock.now(),
            )
            if hashed:
                set_password(user_id, hashed, by=actor().id, now=clock.now())
    except DomainError as error:
        return _refused(form, error, user_id)
    return go(url_for("members.index"), trigger={"toast": _("已保存")})


@bp.get("/me")
@login_needed
def me() -> Response:
    """Show one's own account and where it is logged in."""
    return render("accounts/me.html", form=PasswordForm(), sessions=sessions_of(actor().id), here=g.session_id)


@bp.post("/me/password")
@login_needed
def password_update() -> Response:
    """Set one's own password: every other login ends, this browser gets a new one."""
    form = PasswordForm(request.form)
    user = actor()
    fits = form.validate() and verify_password(user.password_hash, form.current.data)
    if not fits:
        if not form.errors:
            form.current.errors = [_("当前密码不对。")]
        return render("accounts/me.html", form=form, sessions=sessions_of(user.id), here=g.session_id, status=422)
    hashed = hash_password(form.password.data)
    with write():
        set_password(user.id, hashed, by=user.id, now=clock.now())
        token = open_session(user.id, ip=request.remote_addr or "", agent=request.user_agent.string, now=clock.now())
    g.session_seen = None
    response = go(url_for("members.me"), trigger={"toast": _("密码已更新,其他设备已退出")})
    set_login_cookie(response, token)
    return response


@bp.post("/me/sessions/<session_id>/end")
@login_needed
def session_delete(session_id: str) -> Response:
    """End one of one's own logins."""
    with write():
        close_session(session_id, actor(), now=clock.now())
    return go(url_for("members.me"))


def _member_form(data: object = None) -> MemberForm:
    form = MemberForm(data)
    form.roles.choices = [(role.key, localised(role)) for role in roles()]
    form.department_id.choices = [("", "—"), *((str(item.id), item.name) for item in departments())]
    return form


def _form_page(form: Form, user_id: int | None, *, status: int = 200) -> Response:
    return render("accounts/member.html", form=form, user_id=user_id, roles=roles(), status=status)


def _refused(form: Form, error: DomainError, user_id: int | None) -> Response:
    field = getattr(form, error.field or "username", form.username)
    field.errors = [error.message]
    return _form_page(form, user_id, status=error.status)
