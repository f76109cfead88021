"""The one road to a view and to a row: who is asking, what the roles allow, which rows the scope reaches."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from flask import Flask, Response, abort, current_app, g, request
from flask_login import LoginManager, current_user
from sqlalchemy import ColumnElement, Integer, Select, bindparam, false, or_

from qtrace.accounts.models import User
from qtrace.accounts.sessions import ABSOLUTE, find_session
from qtrace.core import clock
from qtrace.core.errors import Forbidden
from qtrace.web.marks import mark, marked

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound=Select[*tuple[Any, ...]])

ACCESS = "access"  # the mark that says who may reach a view
LOADERS = "qtrace_loaders"
HTTPS_COOKIE, PLAIN_COOKIE = "__Host-qt", "qt"


def init_access(app: Flask) -> None:
    """Load the person of each request from the session cookie and refuse views that name no permission."""
    manager = LoginManager(app)
    manager.request_loader(_load)
    app.before_request(_fail_closed)
    app.jinja_env.globals["can"] = can


def load_by(app: Flask, blueprint: str, loader: Callable[[], User | None]) -> None:
    """Find the person of requests to this blueprint by `loader`; the session cookie means nothing there."""
    app.extensions.setdefault(LOADERS, {})[blueprint] = loader


def needs(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only people whose roles include the permission reach the view."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not current_user.is_authenticated:
                abort(401)
            if permission and not current_user.can(permission):
                raise Forbidden
            return view(*args, **kwargs)

        return mark(guarded, ACCESS, permission or "login")

    return decorate


def login_needed(view: Callable[P, R]) -> Callable[P, R]:
    """Let everybody who is logged in reach the view."""
    return needs("")(view)


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Let everybody reach the view, logged in or not."""
    return mark(view, ACCESS, "public")


def actor() -> User:
    """Return the person who is asking; only inside a guarded view."""
    user: User = current_user._get_current_object()
    return user


def can(permission: str) -> bool:
    """Say whether the person asking may do this; False for visitors."""
    return bool(current_user.is_authenticated and current_user.can(permission))


class Viewer(Protocol):
    """Whose rows are meant: a person, or the bound parameters that stand for one in a statement built once."""

    @property
    def id(self) -> Any: ...
    @property
    def scope(self) -> str: ...
    @property
    def department_id(self) -> Any: ...
    @property
    def role_keys(self) -> Any: ...


@dataclass(frozen=True)
class BoundViewer:
    """A person to be named when the statement runs, by the parameters of `viewer_values`."""

    scope: str
    id: Any = field(default_factory=lambda: bindparam("viewer_id", type_=Integer()))
    department_id: Any = field(default_factory=lambda: bindparam("viewer_department", type_=Integer()))
    role_keys: Any = field(default_factory=lambda: bindparam("viewer_roles", expanding=True))


def viewer_values(user: User) -> dict[str, Any]:
    """Return the values of a BoundViewer's parameters for this person."""
    return {"viewer_id": user.id, "viewer_department": user.department_id, "viewer_roles": user.role_keys}


def visible_to(statement: S, model: Any, user: Viewer, *, also: ColumnElement[bool] | None = None) -> S:
    """Keep only the rows the person's scope reaches; `also` adds rows a package grants for its own reasons."""
    if user.scope == "all":
        return statement
    reasons = [column == user.id for column in _person_columns(model)]
    if user.scope == "department":
        reasons += [model.department_id == user.department_id, model.department_id.is_(None)]
    if also is not None:
        reasons.append(also)
    return statement.where(or_(false(), *reasons))


def cookie_name() -> str:
    """Return the session cookie's name: the strict one on https, a plain one on office http."""
    return HTTPS_COOKIE if current_app.config["SESSION_COOKIE_SECURE"] else PLAIN_COOKIE


def set_login_cookie(response: Response, token: str) -> None:
    """Hand the login's token to the browser."""
    response.set_cookie(
        cookie_name(),
        token,
        max_age=int(ABSOLUTE.total_seconds()),
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        samesite="Lax",
        path="/",
    )


def _person_columns(model: Any) -> list[Any]:
    names = ("created_by", "owner_id", "handled_by")
    return [getattr(model, name) for name in names if hasattr(model, name)]


def _load(_request: Any) -> User | None:
    loaders: dict[str, Callable[[], User | None]] = current_app.extensions.get(LOADERS, {})
    return loaders.get(request.blueprint or "", _by_cookie)()


def _by_cookie() -> User | None:
    token = request.cookies.get(cookie_name(), "")
    row = find_session(token, now=clock.now()) if token else None
    if row is None:
        return None
    g.session_id, g.session_seen = row.id, row.last_seen_at
    return row.user


def _fail_closed() -> None:
    if request.endpoint is None or request.endpoint == "static":
        return
    if marked(current_app.view_functions[request.endpoint], ACCESS) is None:
        raise Forbidden(f"the view {request.endpoint} names no permission")
    # the token check of a write needs the session's id, so the person is loaded before it
    _ = current_user.is_authenticated
