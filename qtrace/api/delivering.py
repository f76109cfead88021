"""Messages on their way: one try is one job, made outside any transaction; what came of it and the next try are one write.

A receiver may get a message twice (the worker may die between the answer and the write); the message's id tells it so.
After a failure the endpoint rests for a minute, so that one that is away does not hold up the worker for all others.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from qtrace.api.models import WebhookDelivery, WebhookEndpoint
from qtrace.api.signing import signed_headers
from qtrace.api.webhooks import queue, secrets_of, switch_endpoint
from qtrace.core import events
from qtrace.core.db import db, write
from qtrace.core.jobs import JobContext
from qtrace.core.net import Blocked, Outgoing, Unreachable, send

SWEEP = "webhook-sweep"
KEEP = timedelta(days=30)
SECONDS = 10.0
MOST_KEPT = 1000  # characters of an answer
MOST_TRIES_KEPT = 12
REST = timedelta(seconds=60)
GIVE_UP = timedelta(days=1)
LONGEST_WAIT = timedelta(days=1)
GONE = 410
WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
)  # after the first try, after the second, …

log = logging.getLogger("qtrace.webhooks")


@dataclass(frozen=True)
class Message:
    """A try as it leaves the database."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Try:
    """What came of a try; without a status nothing came back."""

    status: int | None
    error: str
    answer: str
    milliseconds: int
    wait: timedelta = timedelta()
    blocked: bool = False

    @property
    def ok(self) -> bool:
        """Say whether the receiver took the message."""
        return self.status is not None and 200 <= self.status < 300

    def kept(self, at: datetime) -> dict[str, Any]:
        """Return the try as the log keeps it."""
        return {
            "at": at.isoformat(), "ms": self.milliseconds, "status": self.status, "error": self.error, "answer": self.answer,
        }  # fmt: skip


def deliver(payload: dict[str, Any], context: JobContext) -> None:
    """Try to hand one message over, and plan what follows from what came of it."""
    delivery_id, round_ = int(payload["delivery"]), int(payload["round"])
    message = _message(delivery_id, round_, context)
    if message is None:
        return
    began = context.clock()
    done = _try(message, began, context)
    with write():
        _note(delivery_id, round_, done, began, context.clock())
        context.complete()


def sweep(_payload: dict[str, Any], context: JobContext) -> None:
    """Delete the log of messages that are long done."""
    with write() as session:
        old = WebhookDelivery.created_at < context.clock() - KEEP
        session.execute(delete(WebhookDelivery).where(old, WebhookDelivery.state != "waiting"))
        context.complete()


def _message(delivery_id: int, round_: int, context: JobContext) -> Message | None:
    """Return what is to be sent; None when there is nothing to send any more, or not yet."""
    now = context.clock()
    with write():
        delivery = _waiting(delivery_id, round_)
        if delivery is None:
            context.complete()
            return None
        endpoint = delivery.endpoint
        if not endpoint.enabled:
            delivery.state, delivery.next_at, delivery.finished_at = "dropped", None, now
            context.complete()
            return None
        if endpoint.rest_until is not None and endpoint.rest_until > now:
            delivery.next_at = endpoint.rest_until
            queue(delivery_id, round_, delivery.attempts, now=now, run_at=endpoint.rest_until)
            context.complete()
            return None
        body = delivery.payload.encode()
        headers = signed_headers(secrets_of(endpoint, now=now), delivery.message_id, int(now.timestamp()), body)
        return Message(endpoint.url, headers, body)


def _waiting(delivery_id: int, round_: int) -> WebhookDelivery | None:
    return db.session.scalar(
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.round == round_, WebhookDelivery.state == "waiting")
        .options(joinedload(WebhookDelivery.endpoint))
    )


def _try(message: Message, began: datetime, context: JobContext) -> Try:
    headers = {"Content-Type": "application/json", "User-Agent": "qtrace-webhooks/1"} | message.headers
    request = Outgoing("POST", message.url, headers, message.body, seconds=SECONDS)
    try:
        reply = send(request, allow=current_app.config["QTRACE_NET_ALLOW"])
    except Blocked as blocked:
        return Try(None, blocked.message, "", _since(began, context), blocked=True)
    except Unreachable as failed:
        return Try(None, str(failed), "", _since(began, context))
    answer = reply.body.decode("utf-8", "replace").replace("\x00", "\ufffd")[:MOST_KEPT]
    return Try(reply.status, "", answer, _since(began, context), _asked_wait(reply.headers.get("retry-after", "")))


def _since(began: datetime, context: JobContext) -> int:
    return int((context.clock() - began).total_seconds() * 1000)


def _asked_wait(text: str) -> timedelta:
    """Return how long the receiver asks to be left alone, where it says so in seconds."""
    seconds = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
    return min(timedelta(seconds=seconds), LONGEST_WAIT)


def _note(delivery_id: int, round_: int, done: Try, at: datetime, now: datetime) -> None:
    delivery = _waiting(delivery_id, round_)
    if delivery is None:  # it was sent again, or its endpoint removed, while the receiver answered
        return
    endpoint = delivery.endpoint
    delivery.attempts += 1
    delivery.status = done.status
    delivery.tries = [*delivery.tries, done.kept(at)][-MOST_TRIES_KEPT:]
    if done.blocked:
        body = {"url": endpoint.url, "delivery": delivery_id}
        events.record(
            "webhook_blocked", subject=("webhook", endpoint.id), by=None, now=now, body=body, reason=done.error
        )
    if done.ok:
        delivery.state, delivery.next_at, delivery.finished_at = "done", None, now
        endpoint.failing_since = endpoint.rest_until = None
    elif delivery.attempts > len(WAITS) or done.status == GONE:
        delivery.state, delivery.next_at, delivery.finished_at = "failed", None, now
        _failed(endpoint, done, now, for_good=True)
    else:
        _failed(endpoint, done, now, for_good=False)
        delivery.next_at = now + max(WAITS[delivery.attempts - 1], done.wait)
        queue(delivery_id, round_, delivery.attempts, now=now, run_at=delivery.next_at)


def _failed(endpoint: WebhookEndpoint, done: Try, now: datetime, *, for_good: bool) -> None:
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.rest_until = now + REST if done.status is None else None  # an answer, even a bad one, is quick
    log.warning("webhook %s failed: %s", endpoint.id, done.status or done.error)
    if done.status == GONE:
        switch_endpoint(endpoint.id, enabled=False, by=None, now=now, reason=_("接收方说这个地址已经取消(410)。"))
    elif for_good and endpoint.failing_since <= now - GIVE_UP:
        switch_endpoint(endpoint.id, enabled=False, by=None, now=now, reason=_("连续多次推送失败,已自动停用。"))
