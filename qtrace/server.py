"""`qtrace serve`: the web processes and one worker, started from one warm process and kept alive."""

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy.orm import configure_mappers

from qtrace.core.db import dispose_engines
from qtrace.worker import work

log = logging.getLogger("qtrace.server")
GRACE_SECONDS = 10
MIN_UPTIME = 1.0


@dataclass(frozen=True)
class Binding:
    """Where and with how many processes to serve."""

    host: str
    port: int
    workers: int
    threads: int


class WebServer(BaseApplication):
    """Gunicorn with threads, serving an app that is already built."""

    def __init__(self, app: Flask, binding: Binding) -> None:
        self.app, self.binding = app, binding
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn needs; everything else stays at its default."""
        settings = {
            "bind": f"{self.binding.host}:{self.binding.port}",
            "workers": self.binding.workers,
            "threads": self.binding.threads,
            "worker_class": "gthread",
            "timeout": 60,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": 5,
            "limit_request_line": 8190,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_fork": lambda _server, _worker: self._forked(),
        }
        for name, value in settings.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """Return the app."""
        return self.app

    def _forked(self) -> None:
        with self.app.app_context():
            dispose_engines()


def serve(app: Flask, binding: Binding, *, web: bool = True, worker: bool = True) -> int:
    """Run until stopped; restart a part that dies; return the exit status."""
    _warm(app)
    parts: dict[str, Callable[[], Any]] = {}
    if web:
        parts["web"] = lambda: WebServer(app, binding).run()
    if worker:
        parts["worker"] = lambda: _run_worker(app)
    return Supervisor(parts).run()


def _warm(app: Flask) -> None:
    """Load what every process needs before the fork, so that they share its memory."""
    with app.app_context():
        configure_mappers()
        for name in app.jinja_env.list_templates(extensions=["html"]):
            app.jinja_env.get_template(name)
        dispose_engines()
    gc.collect()
    gc.freeze()


class Supervisor:
    """Fork each part, start it again when it dies, and stop all together."""

    def __init__(self, parts: dict[str, Callable[[], Any]]) -> None:
        self.parts = parts
        self.running: dict[int, str] = {}
        self.started: dict[str, float] = {}
        self.stopping = False

    def run(self) -> int:
        """Keep the parts alive until a signal asks to stop."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        for name in self.parts:
            self._start(name)
        while self.running:
            try:
                pid, status = os.wait()
            except InterruptedError:
                continue
            except ChildProcessError:
                break
            name = self.running.pop(pid, "")
            if name and not self.stopping:
                log.error("%s ended with status %s; starting it again", name, os.waitstatus_to_exitcode(status))
                if time.monotonic() - self.started[name] < MIN_UPTIME:
                    time.sleep(MIN_UPTIME)
                self._start(name)
        return 0

    def _start(self, name: str) -> None:
        self.started[name] = time.monotonic()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            try:
                self.parts[name]()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            except BaseException:
                log.exception("%s failed", name)
                code = 1
            sys.stdout.flush()
            os._exit(code)
        self.running[pid] = name

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True
        for pid in self.running:
            os.kill(pid, signal.SIGTERM)


def _run_worker(app: Flask) -> None:
    with app.app_context():
        dispose_engines()
    work(app)
