"""What every endpoint of the API has in common: its description, and the way of a request through it.

A request is refused without a token (401), without its scope or its person's permission (403), with a body that is no JSON
(400, 415) or not what the description says (422). Only then the view runs, and its answer is kept for a repetition.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import wraps
from typing import Any, NoReturn

from flask import Response, g, request
from flask_babel import gettext as _
from flask_login import current_user

from qtrace.accounts.access import ACCESS
from qtrace.accounts.models import User
from qtrace.api.answers import Answer, Claim, KeptAnswer, Repeated, claim_of, refuse_repeated
from qtrace.api.models import ApiToken
from qtrace.api.problems import BadToken, LacksScope, NeedsVersion, NotJson, Stale, Unreadable, Wrong, language
from qtrace.api.schema import Problem, Schema, check, is_storable
from qtrace.api.tokens import find_token
from qtrace.core import clock
from qtrace.core.errors import Conflict, DomainError, Forbidden, TooMany
from qtrace.web.limits import hit
from qtrace.web.marks import mark

MOST_BODY = 4 * 1024 * 1024
LONGEST_NUMBER = 40
OPERATION = "api_operation"

View = Callable[..., Answer]


@dataclass(frozen=True)
class Parameter:
    """A parameter of the address."""

    name: str
    schema: Schema
    note: str
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An endpoint as the description shows it and as requests are held to it."""

    summary: str
    scope: str
    permission: str
    answer: Schema
    status: int = 200
    body: Schema | None = None
    query: tuple[Parameter, ...] = ()
    version: bool = False  # a change: If-Match or the body's version says of what
    may_conflict: bool = False
    note: str = ""

    @property
    def writes(self) -> bool:
        """Say whether the endpoint takes a body, and with it an Idempotency-Key."""
        return self.body is not None


@dataclass(frozen=True)
class Call:
    """A request that may be carried out."""

    user: User
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)

    def refuse(self, path: str, message: str) -> NoReturn:
        """Refuse the request for one thing that is wrong with it."""
        raise Wrong([Problem(path, message)])


def operation(described: Operation) -> Callable[[View], Callable[..., Response]]:
    """Describe a view, and hold requests to the description before it runs."""

    def decorate(view: View) -> Callable[..., Response]:
        @wraps(view)
        def answer(**path: Any) -> Response:
            user = _allowed(described)
            _check_path(path)
            call = Call(user, _body(described), _query(described))
            try:
                _claim(described, user)
                done = view(call, **path)
            except Repeated as repeated:
                return _repeat(repeated.kept)
            finally:
                g.pop("api_claim", None)  # a claim belongs to the write of this view and to no later one
            return _respond(KeptAnswer(done.status, done.headers, done.body))

        setattr(answer, OPERATION, described)
        setattr(answer, "csrf_exempt", True)  # noqa: B010 -- a mark the CSRF check reads
        mark(answer, "limit", "api")
        return mark(answer, ACCESS, described.permission or "login")

    return decorate


def load_by_token() -> User | None:
    """Return the person whose token the request carries; what is wrong with it is told by the view's guard."""
    word, _space, key = request.headers.get("Authorization", "").partition(" ")
    if word.lower() != "bearer" or not key.strip():
        return None
    token = find_token(key.strip(), now=clock.now())
    if token is None:
        g.api_refused = _count_failure()
        return None
    g.api_token = token
    return token.user


def refuse_stale(call: Call, version: int) -> int:
    """Return the version a change is meant for; refuse one that names none, or another than the present one."""
    tag = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if tag and tag != str(version):
        raise Stale(_("别人刚刚改过,If-Match 里的版本已经不是最新。请重新读取。"), "If-Match")
    expected = version if tag else call.body.get("version")
    if expected is None:
        raise NeedsVersion(_("请用 If-Match 或 version 说明改的是哪个版本,这样不会盖掉别人的修改。"))
    if expected != version:
        raise Conflict(_("别人刚刚改过,version 已经不是最新。请重新读取。"), "version")
    return int(expected)


def etag(version: int) -> dict[str, str]:
    """Return the header that names a version."""
    return {"ETag": f'"{version}"'}


def _allowed(described: Operation) -> User:
    refused: DomainError | None = g.get("api_refused")
    if refused is not None:
        raise refused
    if not current_user.is_authenticated:
        raise BadToken(_("请在 Authorization 里带上令牌:Bearer qt_…。"))
    user: User = current_user._get_current_object()
    token: ApiToken = g.api_token
    if described.scope and described.scope not in token.scopes:
        raise LacksScope(_("这个令牌没有 %(scope)s 权限。", scope=described.scope), described.scope)
    if described.permission and not user.can(described.permission):
        raise Forbidden
    return user


def _count_failure() -> DomainError:
    try:
        hit("api-token", request.remote_addr or "", now=clock.now())
    except TooMany as error:
        return error
    return BadToken(_("令牌无效、已过期或已撤销。"))


def _check_path(path: Mapping[str, Any]) -> None:
    wrong = [name for name, value in path.items() if isinstance(value, str) and not is_storable(value)]
    if wrong:
        raise Wrong([Problem(name, _("里面有无法保存的字符。")) for name in wrong])


def _body(described: Operation) -> Mapping[str, Any]:
    if described.body is None:
        return {}
    request.max_content_length = MOST_BODY
    if request.mimetype != "application/json":
        raise NotJson(_("请用 Content-Type: application/json 发送。"))
    try:
        data = json.loads(request.get_data(), parse_float=_exact, parse_int=_whole, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("请求内容不是有效的 JSON。")) from error
    problems = check(data, described.body)
    if problems:
        raise Wrong(problems)
    body: Mapping[str, Any] = data
    return body


def _exact(spelling: str) -> Decimal:
    if len(spelling) > LONGEST_NUMBER:
        raise ValueError(spelling)
    return Decimal(spelling)


def _whole(spelling: str) -> int:
    if len(spelling) > LONGEST_NUMBER:
        raise ValueError(spelling)
    return int(spelling)


def _no_number(spelling: str) -> NoReturn:
    raise ValueError(spelling)


def _query(described: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for parameter in described.query:
        given = request.args.get(parameter.name)
        if given is None:
            if parameter.required:
                problems.append(Problem(parameter.name, _("请填写这一项。")))
            continue
        value = _typed(given, parameter.schema)
        problems += check(value, parameter.schema, parameter.name)
        found[parameter.name] = value
    if problems:
        raise Wrong(problems)
    return found


def _typed(given: str, schema: Schema) -> object:
    digits = given.removeprefix("-")
    if schema.get("type") == "integer" and digits.isascii() and digits.isdecimal() and len(digits) < LONGEST_NUMBER:
        return int(given)
    return given


def _claim(described: Operation, user: User) -> None:
    key = request.headers.get("Idempotency-Key")
    if described.writes and key is not None:
        g.api_claim = claim_of(user.id, key, request.method, request.full_path, request.get_data())
        claim: Claim = g.api_claim
        refuse_repeated(claim)


def _repeat(kept: KeptAnswer) -> Response:
    response = _respond(kept)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _respond(answer: KeptAnswer) -> Response:
    response = Response(answer.body, answer.status, dict(answer.headers), content_type="application/json")
    response.headers["Content-Language"] = language()
    return response
