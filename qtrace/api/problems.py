"""Every error of the API as a problem document (RFC 9457), in the reader's language."""

import logging
from collections.abc import Sequence

from flask import Response, current_app, g, request
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from qtrace.api.schema import Problem
from qtrace.core.errors import DomainError, TooMany
from qtrace.web.pages import LANGUAGES

log = logging.getLogger("qtrace.api")
MEDIA_TYPE = "application/problem+json"


class Wrong(DomainError):
    """A request that cannot be carried out, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem], message: str = "") -> None:
        super().__init__(message)
        self.problems = problems


class Unreadable(DomainError):
    """A body that is no JSON."""

    status = 400


class NotJson(DomainError):
    """A body of another media type."""

    status = 415


class Stale(DomainError):
    """The If-Match of the request names a version that is gone."""

    status = 412


class NeedsVersion(DomainError):
    """A change that does not say which version it changes."""

    status = 428


class BadToken(DomainError):
    """No token, or one that opens nothing."""

    status = 401


class LacksScope(DomainError):
    """A token that was not made for this."""

    status = 403

    def __init__(self, message: str, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


def tell(error: Exception) -> Response:
    """Return the error as a problem document, in the language asked for also where there is no such address."""
    with force_locale(language()):
        return _told(error)


def _told(error: Exception) -> Response:
    if isinstance(error, DomainError):
        return _domain(error)
    if isinstance(error, HTTPException):
        return _http(error)
    if isinstance(error, OperationalError):
        log.exception("database error", exc_info=error)
        return problem(503, _("数据库正忙或磁盘已满,没有保存。请稍后再试;一直这样请找管理员。"))
    log.exception("unexpected error in request %s", g.get("request_id", ""), exc_info=error)
    return problem(500, _("没有保存。请把请求编号发给管理员。"))


def problem(status: int, detail: str = "", problems: Sequence[Problem] = ()) -> Response:
    """Return a problem document."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": _title(status),
        "status": status,
        "detail": detail or _title(status),
        "request_id": g.get("request_id", ""),
        "errors": [{"path": one.path, "message": one.message} for one in problems],
    }
    response = Response(current_app.json.dumps(body), status, content_type=MEDIA_TYPE)
    response.headers["Content-Language"] = language()
    return response


def language() -> str:
    """Return the language the request asks for."""
    site = str(current_app.config["QTRACE_LANG"])
    return request.accept_languages.best_match([site, *LANGUAGES], default=site)


def _domain(error: DomainError) -> Response:
    if isinstance(error, Wrong):
        return problem(422, error.message or _("请求里有 %(n)d 处不对。", n=len(error.problems)), error.problems)
    defaults = {403: _("您的角色不能做这个操作。"), 404: _("没有这条记录,或者您看不到它。")}
    at = [Problem(error.field, error.message)] if error.field is not None else []
    response = problem(error.status, error.message or defaults.get(error.status, ""), at)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, BadToken):
        response.headers["WWW-Authenticate"] = 'Bearer realm="qtrace"'
    if isinstance(error, LacksScope):
        told = f'Bearer realm="qtrace", error="insufficient_scope", scope="{error.scope}"'
        response.headers["WWW-Authenticate"] = told
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    details = {
        404: _("没有这个地址。请看 /api/v1/docs。"),
        405: _("这个地址不支持这种操作。请看 /api/v1/docs。"),
        413: _("请求内容太大。请分几次发送。"),
    }
    response = problem(status, details.get(status, ""))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _title(status: int) -> str:
    titles = {
        400: _("请求不完整"), 401: _("需要有效的令牌"), 403: _("没有权限"), 404: _("找不到"), 405: _("不支持的操作"),
        409: _("别人刚刚改过"), 412: _("版本已变"), 413: _("内容太大"), 415: _("只接受 JSON"), 422: _("没有保存"),
        428: _("要说明改的是哪个版本"), 429: _("太频繁了"), 500: _("系统出错了"), 503: _("暂时不可用"),
    }  # fmt: skip
    return titles.get(status, _("出错了"))
