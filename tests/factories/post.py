"""Where notices arrive in tests: a mail server and a service over http, both on loopback."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from flask import Flask

from qtrace.core.db import write
from qtrace.core.jobs import run_one
from qtrace.notifications.kinds import OFFERED
from qtrace.notifications.sender_service import NewSender, add_sender
from tests.conftest import NOW, user_id

Said = tuple[int, dict[str, Any] | bytes]


@dataclass
class Sink:
    """A mail server that keeps what it is given; `refuses` is what it answers to a recipient instead."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refuses: str = ""


@dataclass
class Asked:
    """A request as a service got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Return the body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Service:
    """A service that keeps what it is asked and answers by `answer`."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Said] = lambda _asked: (200, {"errcode": 0, "errmsg": "ok"})


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """Run a mail server on loopback."""
    sink = Sink()

    class Talk(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 sink ESMTP")
            for raw in self.rfile:
                verb = raw.decode().strip().upper()
                if verb.startswith("RCPT") and sink.refuses:
                    self.say(sink.refuses)
                elif verb == "DATA":
                    self.say("354 go on")
                    sink.mails.append(self.mail())
                    self.say("250 kept")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def mail(self) -> EmailMessage:
            lines: list[bytes] = []
            for line in self.rfile:
                if line == b".\r\n":
                    break
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            found = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(found, EmailMessage)
            return found

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk) as server:
        sink.port = server.server_address[1]
        yield from _served(server, sink)


@contextmanager
def service() -> Iterator[Service]:
    """Run a service on loopback."""
    kept = Service()

    class Handler(BaseHTTPRequestHandler):
        def take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.asked.append(Asked(self.command, self.path, headers, body))
            status, said = kept.answer(kept.asked[-1])
            raw = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = take  # noqa: N815 -- the names http.server calls

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        yield from _served(server, kept)


def _served(server: Any, kept: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()


def make_sender(key: str, name: str = "", kinds: tuple[str, ...] = tuple(OFFERED), **settings: Any) -> int:
    """Add a sender that carries every kind and return its id."""
    new = NewSender(name=name or key, key=key, settings=settings, kinds=kinds)
    with write():
        return add_sender(new, by=user_id("admin"), now=NOW)


def make_mail(app: Flask, sink: Sink) -> int:
    """Let the site send mail to the sink and return the sender's id."""
    app.config["QTRACE_MAIL_URL"] = f"smtp://127.0.0.1:{sink.port}"
    return make_sender("mail", "邮件", **{"from": "quality@example.com", "from_name": "质量部"})


def work(at: Any = NOW) -> None:
    """Do every job that is due."""
    while run_one(clock=lambda: at):
        pass
