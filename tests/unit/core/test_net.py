"""The one way out refuses inner addresses however they are written, and ends what does not answer."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from typing import Any

import pytest
from flask import Flask

from qtrace.core import net
from qtrace.core.net import Blocked, Outgoing, Unreachable

HOME = (ip_network("127.0.0.0/8"),)
MALFORMED = [
    "http://8.8.8.8\\@127.0.0.1/", "https://user:secret@example.com/", "https://example.com/#x", "file:///etc/passwd",
    "gopher://example.com/", "https://", "https:///x", "https://例子.cn/", "https://①②⑦.0.0.1/", "https://exa mple.com/",
    "https://example.com/\r\nHost: x", "https://example.com:99999/", "https://example.com:0/", "//example.com/",
    "javascript:alert(1)", "https://[::1", "https://example.com%00/", "x" * 600, "",
]  # fmt: skip
INNER = [
    "127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "0.0.0.0", "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "168.63.129.16",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1",
]  # fmt: skip
SPELLED = ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "localhost"]


@pytest.fixture(autouse=True)
def in_app(sqlite_app: Flask) -> Flask:
    """Messages are told in a language, which an app has."""
    return sqlite_app


def answering(*addresses: str) -> net.Resolve:
    """Return a resolver that knows these addresses for every host."""
    return lambda _host, _port: list(addresses)


@pytest.mark.parametrize("url", MALFORMED)
def test_an_address_that_can_be_read_in_two_ways_is_blocked(url: str) -> None:
    with pytest.raises(Blocked):
        net.check_url(url)


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_blocked(address: str) -> None:
    target = net.check_url("https://receiver.example/hook")
    with pytest.raises(Blocked):
        net.check_target(target, resolve=answering(address))
    with pytest.raises(Blocked):  # one bad address among good ones is enough
        net.check_target(target, resolve=answering("93.184.216.34", address))


@pytest.mark.parametrize("host", SPELLED)
def test_other_spellings_of_loopback_are_blocked(host: str) -> None:
    with pytest.raises(Blocked):
        net.check_target(net.check_url(f"https://{host}/"))


def test_a_public_address_passes_over_https_only() -> None:
    public = answering("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946")
    assert net.check_target(net.check_url("https://example.com/"), resolve=public) == "93.184.216.34"
    with pytest.raises(Blocked):
        net.check_target(net.check_url("http://example.com/"), resolve=public)


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means another machine a moment later is asked once only."""
    asked: list[str] = []
    tried: list[Any] = []

    def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address: Any, _timeout: float) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(net.socket, "create_connection", connect)
    with pytest.raises(Unreachable, match="connect"):
        net.send(Outgoing("POST", "https://rebind.example/hook"), resolve=rebinding)
    assert (asked, tried) == (["rebind.example"], [("93.184.216.34", 443)])


class Receiver(BaseHTTPRequestHandler):
    """Answers by the path it is asked for."""

    stop = threading.Event()

    def do_POST(self) -> None:
        """Answer as the path says."""
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            while not self.stop.wait(0.02):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return
        elif self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            body = b"y" * 100_000
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def receiver() -> Iterator[str]:
    """A receiver on loopback for as long as the block."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    Receiver.stop.clear()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        Receiver.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_loopback_answers_only_where_the_operator_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens: a proxy in use would fail
    with receiver() as root:
        with pytest.raises(Blocked):
            net.send(Outgoing("POST", f"{root}/", body=b"{}"))
        reply = net.send(Outgoing("POST", f"{root}/", body=b"{}", most_bytes=1000), allow=HOME)
    assert (reply.status, len(reply.body), reply.cut) == (200, 1000, True)


def test_a_redirect_is_an_answer() -> None:
    with receiver() as root:
        reply = net.send(Outgoing("POST", f"{root}/away", body=b"{}"), allow=HOME)
    assert reply.status == 302


def test_what_drips_in_is_ended_at_the_deadline() -> None:
    with receiver() as root, pytest.raises(Unreachable, match="timeout"):
        net.send(Outgoing("POST", f"{root}/drip", body=b"{}", seconds=0.3), allow=HOME)


def test_a_receiver_without_tls_is_no_https_receiver() -> None:
    with receiver() as root, pytest.raises(Unreachable, match=r"tls|timeout|connect"):
        net.send(Outgoing("POST", root.replace("http:", "https:") + "/", body=b"{}", seconds=1), allow=HOME)
