"""Endpoints that are told of events: kept by administrators, and given a message in the event's own transaction.

A message says what happened to what, by ids and numbers; whoever wants to know more asks the API with a token.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Table, delete, func, select

from qtrace.api.models import WebhookDelivery, WebhookEndpoint
from qtrace.api.signing import secret_of
from qtrace.complaints.models import Complaint
from qtrace.core import events
from qtrace.core.db import db, existing, require_write, table_of
from qtrace.core.errors import Refused
from qtrace.core.events import Event
from qtrace.core.ids import new_id
from qtrace.core.jobs import enqueue
from qtrace.core.net import check_url
from qtrace.issues.models import Issue
from qtrace.records.models import Record

DELIVER = "webhook-deliver"
TEST = "test"
OVERLAP = timedelta(hours=24)
MOST_ENDPOINTS = 20
PAGE = 50
HEARD = "qtrace_webhook_endpoints"
EVENTS: Mapping[str, LazyString] = {
    "issue_opened": _l("登记了质量问题"),
    "issue_changed": _l("修改了质量问题"),
    "issue_classified": _l("改了质量问题的分类"),
    "issue_assigned": _l("质量问题转交了负责人"),
    "issue_commented": _l("质量问题有新评论"),
    "stage_entered": _l("流程进入新阶段"),
    "flow_closed": _l("流程结束"),
    "flow_terminated": _l("流程终止"),
    "flow_reopened": _l("流程重新打开"),
    "flow_waits": _l("流程在等外部系统回话"),
    "task_opened": _l("产生了待办"),
    "record_created": _l("填写了表单"),
    "record_changed": _l("修改了表单记录"),
    "record_state": _l("表单记录完成、重开或作废"),
    "records_taken_in": _l("批量写入了表单记录"),
    "import_finished": _l("导入完成"),
}
NUMBERS: Mapping[str, Table] = {"issue": table_of(Issue), "record": table_of(Record), "complaint": table_of(Complaint)}


@dataclass(frozen=True)
class NewEndpoint:
    """What an administrator wants of an endpoint."""

    name: str
    url: str
    events: Sequence[str]


def create_endpoint(new: NewEndpoint, *, by: int, now: datetime) -> int:
    """Add an endpoint and return its id."""
    values = _checked(new)
    session = require_write()
    if (session.scalar(select(func.count(WebhookEndpoint.id))) or 0) >= MOST_ENDPOINTS:
        raise Refused(_("最多 %(n)d 个推送地址。", n=MOST_ENDPOINTS), field="name")
    endpoint = WebhookEndpoint(**values, nonce=new_id(), created_at=now, created_by=by)
    session.add(endpoint)
    session.flush()  # for the id the event and the page need
    _record("webhook_added", endpoint, by, now, {"name": endpoint.name, "url": endpoint.url, "events": endpoint.events})
    return endpoint.id


def change_endpoint(endpoint_id: int, new: NewEndpoint, *, by: int, now: datetime) -> None:
    """Give an endpoint another name, address or choice of events."""
    endpoint = existing(WebhookEndpoint, endpoint_id, fresh=True)
    body = events.change(endpoint, _checked(new))
    if body:
        _record("webhook_changed", endpoint, by, now, body)


def switch_endpoint(endpoint_id: int, *, enabled: bool, by: int | None, now: datetime, reason: str = "") -> None:
    """Switch an endpoint on or off; on again it begins with a clean record."""
    endpoint = existing(WebhookEndpoint, endpoint_id, fresh=True)
    if endpoint.enabled == enabled:
        return
    endpoint.enabled, endpoint.disabled_reason = enabled, reason
    endpoint.failing_since = endpoint.rest_until = None
    name = "webhook_switched_on" if enabled else "webhook_switched_off"
    events.record(name, subject=("webhook", endpoint_id), by=by, now=now, reason=reason)


def rotate_secret(endpoint_id: int, *, by: int, now: datetime) -> None:
    """Give an endpoint a new secret; for a day messages are signed with the old one too."""
    endpoint = existing(WebhookEndpoint, endpoint_id, fresh=True)
    endpoint.old_nonce, endpoint.old_until, endpoint.nonce = endpoint.nonce, now + OVERLAP, new_id()
    _record("webhook_secret_rotated", endpoint, by, now, {})


def remove_endpoint(endpoint_id: int, *, by: int, now: datetime) -> None:
    """Remove an endpoint with its log; the event keeps what it was."""
    endpoint = existing(WebhookEndpoint, endpoint_id, fresh=True)
    _record("webhook_removed", endpoint, by, now, {"name": endpoint.name, "url": endpoint.url})
    session = require_write()
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id))
    session.execute(delete(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id))


def secrets_of(endpoint: WebhookEndpoint, *, now: datetime) -> list[str]:
    """Return the secrets that hold now, the present one first."""
    key = str(current_app.secret_key)
    old = endpoint.old_nonce if endpoint.old_until is not None and endpoint.old_until > now else ""
    return [secret_of(key, nonce) for nonce in (endpoint.nonce, old) if nonce]


def hear(event: Event) -> None:
    """Leave a message for every endpoint that wants this event, in the event's own transaction."""
    if event.name not in EVENTS:
        return
    wanting = [endpoint_id for endpoint_id, wanted in _listening() if event.name in wanted]
    if wanting:
        data = {"kind": event.subject_kind, "id": event.subject_id} | _number(event.subject_kind, event.subject_id)
        if event.name == "flow_waits":  # the one address an integrator needs to answer
            data |= {"callback": str(event.body.get("callback", "")), "node": str(event.body.get("node", ""))}
        _post(wanting, event.name, data, event.at)


def send_test(endpoint_id: int, *, now: datetime) -> int:
    """Leave a test message for the endpoint and return the delivery's id."""
    _enabled(endpoint_id)
    return _post([endpoint_id], TEST, {"kind": "webhook", "id": endpoint_id}, now)[0]


def redeliver(delivery_id: int, *, by: int, now: datetime) -> None:
    """Send a message again from the first try, under the same id, so that the receiver knows it."""
    delivery = existing(WebhookDelivery, delivery_id, fresh=True)
    _enabled(delivery.endpoint_id)
    delivery.state, delivery.attempts, delivery.round = "waiting", 0, delivery.round + 1
    delivery.next_at, delivery.finished_at = now, None
    queue(delivery_id, delivery.round, 0, now=now, run_at=now)
    events.record(
        "webhook_redelivered", subject=("webhook", delivery.endpoint_id), by=by, now=now, body={"delivery": delivery_id}
    )


def queue(delivery_id: int, round_: int, attempt: int, *, now: datetime, run_at: datetime) -> None:
    """Leave a try to the worker."""
    payload = {"delivery": delivery_id, "round": round_}
    key = f"{DELIVER}-{delivery_id}-{round_}-{attempt}-{int(run_at.timestamp())}"
    enqueue(DELIVER, payload, now=now, run_at=run_at, dedupe_key=key)


def endpoints() -> Sequence[WebhookEndpoint]:
    """Return every endpoint."""
    return db.session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.name, WebhookEndpoint.id)).all()


def given_up() -> Sequence[WebhookEndpoint]:
    """Return the endpoints the site switched off by itself."""
    return db.session.scalars(select(WebhookEndpoint).where(WebhookEndpoint.disabled_reason != "")).all()


def deliveries_of(endpoint_id: int, *, before: int | None = None) -> Sequence[WebhookDelivery]:
    """Return a page of an endpoint's messages, the newest first, and one more where others follow."""
    statement = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if before is not None:
        statement = statement.where(WebhookDelivery.id < before)
    return db.session.scalars(statement.order_by(WebhookDelivery.id.desc()).limit(PAGE + 1)).all()


def _checked(new: NewEndpoint) -> dict[str, Any]:
    name = " ".join(new.name.split())
    if not name or len(name) > 80:
        raise Refused(_("请给推送地址起个名字(最多 80 个字)。"), field="name")
    if not new.events or set(new.events) - EVENTS.keys():
        raise Refused(_("请至少选择一种事件。"), field="events")
    check_url(new.url)
    return {"name": name, "url": new.url, "events": [event for event in EVENTS if event in new.events]}


def _enabled(endpoint_id: int) -> None:
    if not existing(WebhookEndpoint, endpoint_id, fresh=True).enabled:
        raise Refused(_("这个推送地址已停用。请先启用。"))


def _listening() -> list[tuple[int, list[str]]]:
    """Return (id, events) of the endpoints that are on, read once in each write."""
    info = require_write().info
    if HEARD not in info:
        statement = select(WebhookEndpoint.id, WebhookEndpoint.events).where(WebhookEndpoint.enabled)
        info[HEARD] = [(row[0], list(row[1])) for row in db.session.execute(statement)]
    found: list[tuple[int, list[str]]] = info[HEARD]
    return found


def _number(kind: str, subject_id: int) -> dict[str, str]:
    table = NUMBERS.get(kind)
    number = None if table is None else db.session.scalar(select(table.c.number).where(table.c.id == subject_id))
    return {"number": number} if number else {}


def _post(endpoint_ids: Sequence[int], event: str, data: Mapping[str, Any], at: datetime) -> list[int]:
    session, message_id = require_write(), f"msg_{new_id()}"
    payload = json.dumps({"type": event, "timestamp": at.isoformat(), "data": data}, separators=(",", ":"))
    rows = [
        WebhookDelivery(
            endpoint_id=endpoint_id, message_id=message_id, event=event, payload=payload, next_at=at, created_at=at
        )
        for endpoint_id in endpoint_ids
    ]
    session.add_all(rows)
    session.flush()  # for the ids the jobs name
    for row in rows:
        queue(row.id, 0, 0, now=at, run_at=at)
    return [row.id for row in rows]


def _record(name: str, endpoint: WebhookEndpoint, by: int, now: datetime, body: dict[str, Any]) -> None:
    events.record(name, subject=("webhook", endpoint.id), by=by, now=now, body=body)
