"""Where the administrator keeps the API: everybody's tokens, and the endpoints that are told of events."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.api import webhooks
from qtrace.api.models import WebhookDelivery, WebhookEndpoint
from qtrace.api.tokens import live_tokens, revoke_token
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("webhooks", __name__, url_prefix="/config/api")


@dataclass(frozen=True)
class Filled:
    """What was typed into the form, and what is wrong with it."""

    name: str = ""
    url: str = ""
    events: Sequence[str] = ()
    errors: dict[str, str] = field(default_factory=dict)

    def wanted(self) -> webhooks.NewEndpoint:
        """Return what the form asks for."""
        return webhooks.NewEndpoint(self.name, self.url, self.events)


@bp.get("")
@needs("api.manage")
def index() -> Response:
    """Show the endpoints, and every token that opens something."""
    now = clock.now()
    return render(
        "api/index.html", endpoints=webhooks.endpoints(), tokens=live_tokens(now=now), now=now, events=webhooks.EVENTS
    )


@bp.post("/tokens/<int:token_id>/revocation")
@needs("api.manage")
def token_revoke(token_id: int) -> Response:
    """End anybody's token."""
    with write():
        revoke_token(token_id, by=actor().id, now=clock.now())
        answer_at(url_for("webhooks.index"))
    return go(url_for("webhooks.index"), trigger={"toast": _("已撤销")})


@bp.get("/webhooks/new")
@needs("api.manage")
def new() -> Response:
    """Show an empty form."""
    return render("api/webhook_new.html", filled=Filled(), events=webhooks.EVENTS)


@bp.post("/webhooks")
@needs("api.manage")
def create() -> Response:
    """Add an endpoint."""
    filled = _filled()
    try:
        with write():
            endpoint_id = webhooks.create_endpoint(filled.wanted(), by=actor().id, now=clock.now())
            answer_at(url_for("webhooks.show", endpoint_id=endpoint_id))
    except Refused as refused:
        return render("api/webhook_new.html", status=422, filled=_wrong(filled, refused), events=webhooks.EVENTS)
    return go(url_for("webhooks.show", endpoint_id=endpoint_id), trigger={"toast": _("已添加")})


@bp.get("/webhooks/<int:endpoint_id>")
@needs("api.manage")
def show(endpoint_id: int) -> Response:
    """Show an endpoint with its secret and what was sent to it."""
    endpoint = existing(WebhookEndpoint, endpoint_id)
    return _page(endpoint, Filled(endpoint.name, endpoint.url, endpoint.events))


@bp.post("/webhooks/<int:endpoint_id>")
@needs("api.manage")
def update(endpoint_id: int) -> Response:
    """Change an endpoint."""
    filled = _filled()
    try:
        return _act(
            endpoint_id, _("已保存"),
            lambda: webhooks.change_endpoint(endpoint_id, filled.wanted(), by=actor().id, now=clock.now()),
        )  # fmt: skip
    except Refused as refused:
        return _page(existing(WebhookEndpoint, endpoint_id), _wrong(filled, refused), status=422)


@bp.post("/webhooks/<int:endpoint_id>/state")
@needs("api.manage")
def state_update(endpoint_id: int) -> Response:
    """Switch an endpoint on or off."""
    enabled = request.form.get("enabled") == "1"
    told = _("已启用") if enabled else _("已停用")
    return _act(
        endpoint_id, told,
        lambda: webhooks.switch_endpoint(endpoint_id, enabled=enabled, by=actor().id, now=clock.now()),
    )  # fmt: skip


@bp.post("/webhooks/<int:endpoint_id>/secret")
@needs("api.manage")
def secret_update(endpoint_id: int) -> Response:
    """Give an endpoint a new secret."""
    told = _("密钥已更换,旧密钥还有效 24 小时")
    return _act(endpoint_id, told, lambda: webhooks.rotate_secret(endpoint_id, by=actor().id, now=clock.now()))


@bp.post("/webhooks/<int:endpoint_id>/tests")
@needs("api.manage")
def test_create(endpoint_id: int) -> Response:
    """Send a test message."""

    def leave() -> None:
        webhooks.send_test(endpoint_id, now=clock.now())

    return _act(endpoint_id, _("测试消息已发出,稍后看结果"), leave)


@bp.post("/webhooks/<int:endpoint_id>/removal")
@needs("api.manage")
def delete(endpoint_id: int) -> Response:
    """Remove an endpoint."""
    with write():
        webhooks.remove_endpoint(endpoint_id, by=actor().id, now=clock.now())
        answer_at(url_for("webhooks.index"))
    return go(url_for("webhooks.index"), trigger={"toast": _("已删除")})


@bp.get("/webhooks/<int:endpoint_id>/deliveries/<int:delivery_id>")
@needs("api.manage")
def delivery_show(endpoint_id: int, delivery_id: int) -> Response:
    """Show a message as it was sent, and every try."""
    delivery = _delivery(endpoint_id, delivery_id)
    return render(
        "api/delivery.html", endpoint=delivery.endpoint, delivery=delivery, events=webhooks.EVENTS,
        tries=[one | {"at": datetime.fromisoformat(one["at"])} for one in reversed(delivery.tries)],
        payload=json.dumps(json.loads(delivery.payload), ensure_ascii=False, indent=2),
    )  # fmt: skip


@bp.post("/webhooks/<int:endpoint_id>/deliveries/<int:delivery_id>/redelivery")
@needs("api.manage")
def redelivery_create(endpoint_id: int, delivery_id: int) -> Response:
    """Send a message once more."""
    _delivery(endpoint_id, delivery_id)
    url = url_for("webhooks.delivery_show", endpoint_id=endpoint_id, delivery_id=delivery_id)
    with write():
        webhooks.redeliver(delivery_id, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已重新排队")})


def _filled() -> Filled:
    form = request.form
    return Filled(form.get("name", "").strip(), form.get("url", "").strip(), form.getlist("events"))


def _wrong(filled: Filled, refused: Refused) -> Filled:
    return Filled(filled.name, filled.url, filled.events, {refused.field or "name": refused.message})


def _act(endpoint_id: int, told: str, change: Callable[[], None]) -> Response:
    url = url_for("webhooks.show", endpoint_id=endpoint_id)
    with write():
        change()
        answer_at(url)
    return go(url, trigger={"toast": told})


def _delivery(endpoint_id: int, delivery_id: int) -> WebhookDelivery:
    delivery = existing(WebhookDelivery, delivery_id)
    if delivery.endpoint_id != endpoint_id:
        raise NotFound
    return delivery


def _page(endpoint: WebhookEndpoint, filled: Filled, *, status: int = 200) -> Response:
    now = clock.now()
    found = webhooks.deliveries_of(endpoint.id, before=as_id(request.args.get("before", "")))
    rows = found[: webhooks.PAGE]
    older = url_for("webhooks.show", endpoint_id=endpoint.id, before=rows[-1].id) if len(found) > len(rows) else ""
    return render(
        "api/webhook.html", status=status, endpoint=endpoint, filled=filled, events=webhooks.EVENTS, deliveries=rows,
        older=older, secrets=webhooks.secrets_of(endpoint, now=now), now=now,
    )  # fmt: skip
