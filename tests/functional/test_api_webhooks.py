"""A receiver is told of events: signed, once more after a failure, and no more when it stays away."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.api.delivering import WAITS
from qtrace.api.models import WebhookDelivery, WebhookEndpoint
from qtrace.api.signing import signature
from qtrace.api.webhooks import (
    EVENTS,
    NewEndpoint,
    create_endpoint,
    given_up,
    redeliver,
    rotate_secret,
    secrets_of,
    send_test,
    switch_endpoint,
)
from qtrace.core.db import db, write
from qtrace.core.jobs import run_one
from qtrace.core.models import EventRow
from qtrace.issues.service import NewIssue, create_issue
from tests.conftest import NOW, user_id
from tests.factories.issues import anew, fresh, make_issue

SOURCES = Path(__file__).resolve().parent.parent.parent / "qtrace"


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it is sent and answers what it was told to."""

    got: list[tuple[dict[str, str], bytes]]
    status = 204
    retry_after = ""

    def do_POST(self) -> None:
        """Keep the request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(type(self).status)
        self.send_header("Content-Length", "0")
        if type(self).retry_after:
            self.send_header("Retry-After", type(self).retry_after)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver(app: Flask) -> Iterator[str]:
    """The address of a receiver on loopback, which this site may reach."""
    app.config["QTRACE_NET_ALLOW"] = (ip_network("127.0.0.0/8"),)
    Receiver.got, Receiver.status, Receiver.retry_after = [], 204, ""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()
    thread.join()


def endpoint(url: str, *events: str) -> int:
    """Add an endpoint for these events."""
    with write():
        return create_endpoint(NewEndpoint("ERP", url, events or ("issue_opened",)), by=user_id("admin"), now=NOW)


def work(at: datetime = NOW) -> None:
    """Do every job that is due."""
    while run_one(clock=lambda: at):
        pass


def last() -> WebhookDelivery:
    """Return the newest delivery."""
    return fresh().scalars(select(WebhookDelivery).order_by(WebhookDelivery.id.desc())).first()  # type: ignore[return-value]


def test_an_opened_issue_reaches_the_receiver_with_a_signature_it_can_check(receiver: str) -> None:
    hook = endpoint(receiver)
    issue = make_issue(title="王小姐 13800138000 投诉漏液")
    work()
    ((headers, body),) = Receiver.got
    assert json.loads(body) == {
        "type": "issue_opened", "timestamp": NOW.isoformat(),
        "data": {"kind": "issue", "id": issue.id, "number": issue.number},
    }  # fmt: skip
    (secret,) = secrets_of(anew(WebhookEndpoint, hook), now=NOW)
    expected = signature(secret, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == expected
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert (last().state, last().status, last().attempts) == ("done", 204, 1)


def test_a_message_is_left_exactly_when_the_change_is(receiver: str) -> None:
    endpoint(receiver)
    with pytest.raises(RuntimeError), write():
        create_issue(NewIssue(title="不会留下"), by=user_id("admin"), now=NOW)
        raise RuntimeError
    work()
    assert Receiver.got == []


def test_a_failure_is_tried_again_after_growing_waits_and_at_last_switches_the_endpoint_off(receiver: str) -> None:
    hook = endpoint(receiver)
    Receiver.status = 500
    make_issue()
    at = NOW
    for wait in (timedelta(), *WAITS):
        at += wait
        work(at)
    assert len(Receiver.got) == len(WAITS) + 1
    assert len({headers["webhook-id"] for headers, _body in Receiver.got}) == 1
    assert (last().state, last().attempts) == ("failed", len(WAITS) + 1)
    assert not anew(WebhookEndpoint, hook).enabled
    assert [one.id for one in given_up()] == [hook]
    Receiver.status = 200
    with write():
        switch_endpoint(hook, enabled=True, by=user_id("admin"), now=at)
    delivery = last().id
    with write():
        redeliver(delivery, by=user_id("admin"), now=at)
    work(at)
    assert (last().state, last().status, len(last().tries)) == ("done", 200, 11)
    assert given_up() == []


def test_a_receiver_that_is_away_rests_a_minute_and_holds_nobody_up(receiver: str) -> None:
    hook = endpoint("http://127.0.0.1:9/hook")
    make_issue()
    make_issue()
    work()
    rows = fresh().scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()
    assert [row.attempts for row in rows] == [1, 0]
    assert rows[1].next_at == anew(WebhookEndpoint, hook).rest_until == NOW + timedelta(seconds=60)


def test_gone_means_gone(receiver: str) -> None:
    hook = endpoint(receiver)
    Receiver.status = 410
    make_issue()
    work()
    assert (last().state, anew(WebhookEndpoint, hook).enabled) == ("failed", False)


def test_an_inner_address_is_not_reached_and_the_audit_says_so(app: Flask) -> None:
    endpoint("http://127.0.0.1:9/hook")
    make_issue()
    work()
    assert last().tries[0]["status"] is None
    assert db.session.scalar(select(EventRow.name).where(EventRow.name == "webhook_blocked"))


def test_while_a_secret_changes_both_sign(receiver: str) -> None:
    hook = endpoint(receiver)
    with write():
        rotate_secret(hook, by=user_id("admin"), now=NOW)
    with write():
        send_test(hook, now=NOW)
    work()
    ((headers, _body),) = Receiver.got
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert len(secrets_of(anew(WebhookEndpoint, hook), now=NOW + timedelta(hours=25))) == 1


def test_every_event_that_is_offered_is_one_the_site_records() -> None:
    source = "".join(path.read_text("utf-8") for path in SOURCES.rglob("*.py") if "webhooks" not in path.name)
    assert [name for name in EVENTS if f'"{name}"' not in source] == []


def test_a_receiver_that_asks_to_wait_is_left_alone_so_long(receiver: str) -> None:
    endpoint(receiver)
    Receiver.status, Receiver.retry_after = 429, "7200"
    make_issue()
    work()
    assert last().next_at == NOW + timedelta(hours=2)


def test_a_message_of_an_endpoint_that_was_switched_off_is_dropped(receiver: str) -> None:
    hook = endpoint(receiver)
    make_issue()
    with write():
        switch_endpoint(hook, enabled=False, by=user_id("admin"), now=NOW)
    work()
    assert (Receiver.got, last().state) == ([], "dropped")
