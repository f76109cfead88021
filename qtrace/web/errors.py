"""Turn every error into a page, a piece or a line that says what to do next."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, current_app, g, make_response, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, SecurityError

from qtrace.core.errors import DomainError, TooMany
from qtrace.web.csrf import AlreadyDone
from qtrace.web.htmx import fire, go, render, wants_piece

log = logging.getLogger("qtrace.web")
TELLERS = "qtrace_error_tellers"

Tell = Callable[[Exception], Response]


def init_errors(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(AlreadyDone, _already_done)
    app.register_error_handler(DomainError, _told(_domain_error))
    app.register_error_handler(HTTPException, _told(_http_error))
    app.register_error_handler(OperationalError, _told(_database_busy))
    app.register_error_handler(Exception, _told(_unexpected))


def tell_errors(app: Flask, prefix: str, tell: Tell) -> None:
    """Let `tell` answer every error at addresses that begin with the prefix; elsewhere errors are pages."""
    app.extensions.setdefault(TELLERS, {})[prefix] = tell


def error_answer(status: int, message: str, *, again: Sequence[tuple[str, str]] = ()) -> Response:
    """Render an error as page or piece; `again` are the fields of a form to be sent once more."""
    titles = {
        400: _("请求不完整"),
        403: _("没有权限"),
        404: _("找不到"),
        405: _("不支持的操作"),
        409: _("别人刚刚改过"),
        413: _("文件太大"),
        422: _("没有保存"),
        429: _("太频繁了"),
        500: _("系统出错了"),
        503: _("暂时不可用"),
    }
    response = render(
        "errors/page.html",
        "errors/_piece.html",
        status=status,
        code=status,
        title=titles.get(status, _("出错了")),
        message=message,
        request_id=g.get("request_id", ""),
        again=again,
        had_files=bool(again and any(file.filename for file in request.files.values())),
    )
    response.headers["HX-Retarget"] = "#alerts"  # a form on the page is never overwritten by an error
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def _told(page: Callable[[Any], Response]) -> Tell:
    def answer(error: Exception) -> Response:
        tellers: dict[str, Tell] = current_app.extensions.get(TELLERS, {})
        tell = next((tell for prefix, tell in tellers.items() if request.path.startswith(prefix)), page)
        return tell(error)

    return answer


def _already_done(error: AlreadyDone) -> Response:
    return go(error.location or "/")


def _domain_error(error: DomainError) -> Response:
    if isinstance(error, TooMany):
        return _too_many(error)
    defaults = {
        403: _("您的角色不能做这个操作。需要的话请找管理员调整权限。"),
        404: _("没有这条记录,或者您看不到它。请检查编号,或从列表进入。"),
    }
    return error_answer(error.status, error.message or defaults.get(error.status, ""))


def _too_many(error: TooMany) -> Response:
    """Say when to come back; what was typed stays in the form, or is carried to a form that sends it once more."""
    response = error_answer(error.status, error.message, again=_typed())
    response.headers["Retry-After"] = str(error.retry_after)
    if wants_piece():
        response.headers["HX-Reswap"] = "none"
        fire(response, {"toast": {"text": error.message, "kind": "bad", "seconds": 10}})
    return response


def _typed() -> list[tuple[str, str]]:
    """Return the fields of the refused form; never a password."""
    if request.method != "POST" or any("password" in name for name in request.form):
        return []
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    return fields if any(name != "submit_id" for name, _value in fields) else []


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, SecurityError):
        return Response("This site does not answer to that host name; see QTRACE_BASE_URL.", 400, mimetype="text/plain")
    if error.code == 401:
        return go(url_for("accounts.login", next=request.full_path if request.method == "GET" else None))
    if error.code in {301, 302, 303, 307, 308}:
        return make_response(error.get_response())
    messages = {
        400: _("请求缺少内容或格式不对。请刷新页面再试。"),
        404: _("没有这个页面。请从菜单进入。"),
        405: _("这个地址不支持这种操作。请从页面上的按钮操作。"),
        413: _("上传的内容太大。请压缩或拆分后再上传。"),
    }
    return error_answer(error.code or 500, messages.get(error.code or 500, error.description or ""))


def _database_busy(error: OperationalError) -> Response:
    log.exception("database error", exc_info=error)
    return error_answer(503, _("数据库正忙或磁盘已满,没有保存。请稍后再试;一直这样请找管理员。"))


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error in request %s", g.get("request_id", ""), exc_info=error)
    return error_answer(500, _("没有保存。请把下面的请求编号发给管理员。"))
