"""kill -9 of web and worker under write load: no acknowledged write is lost, none is doubled, the chain verifies."""

import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from http.client import HTTPException
from pathlib import Path

import psutil
from sqlalchemy import func, select, text

from bench.figures import Sheet
from bench.forms import issue_form
from bench.site import Server, free_port, make_site, request
from qtrace.core import events
from qtrace.core.db import db
from qtrace.issues.models import Issue

ROUNDS = int(os.environ.get("QTRACE_TEST_ROUNDS", "20"))
CLIENTS = 6
ROUND_SECONDS = 1.5


class Load:
    """Clients that record issues as fast as they can and remember what was acknowledged."""

    def __init__(self, port: int, token: str, fields: dict[str, str]) -> None:
        self.port, self.token, self.fields = port, token, fields
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _run(self, client: int) -> None:
        n = 0
        while not self.stop.is_set():
            n += 1
            title = f"client {client} write {n}"
            try:
                status, _headers, _body = request(
                    self.port, "POST", "/issues", token=self.token, form=self.fields | {"title": title}, timeout=10
                )
            except (OSError, HTTPException):
                self.unknown.append(title)
                time.sleep(0.05)
                continue
            if status == 303:
                self.acknowledged.append(title)
            elif status >= 500:
                self.unknown.append(title)
            else:
                raise RuntimeError(f"unexpected answer {status} to a write")

    def finish(self) -> None:
        """Stop and wait for every client."""
        self.stop.set()
        for thread in self.threads:
            thread.join()


def main() -> None:
    """Run the rounds and print what was found."""
    sheet = Sheet("faults")
    with tempfile.TemporaryDirectory(prefix="qtrace-faults-") as folder:
        app, token = make_site(Path(folder))
        with app.test_request_context():
            fields = issue_form()
        port = free_port()
        server = Server(Path(folder), port)
        server.wait()
        load = Load(port, token, fields)
        slowest = _kill_rounds(server)
        load.finish()
        server.stop()
        with app.test_request_context():
            _judge(sheet, load, slowest)
    sheet.write()


def _kill_rounds(server: Server) -> float:
    chance, slowest = random.Random(11), 0.0
    for _round in range(ROUNDS):
        time.sleep(ROUND_SECONDS)
        children = [process for process in server.processes()[1:] if process.is_running()]
        victim: psutil.Process = chance.choice(children)
        os.kill(victim.pid, signal.SIGKILL)
        begun = time.perf_counter()
        server.wait(20)
        slowest = max(slowest, time.perf_counter() - begun)
    return slowest


def _judge(sheet: Sheet, load: Load, slowest: float) -> None:
    stored = Counter(db.session.scalars(select(Issue.title)))
    numbers = sorted(db.session.scalars(select(Issue.number)))
    lost = [title for title in load.acknowledged if stored[title] == 0]
    doubled = [title for title, count in stored.items() if count > 1]
    gaps = int(numbers[-1].rsplit("-", 1)[1]) - len(numbers) if numbers else 0
    recorded = db.session.scalar(
        select(func.count()).select_from(events.EventRow).where(events.EventRow.name == "issue_opened")
    )
    sheet.add("rounds", ROUNDS, "kills")
    sheet.add("acknowledged", len(load.acknowledged), "writes", 1, most=False)
    sheet.add("unanswered", len(load.unknown), "writes")
    sheet.add("lost", len(lost), "writes", 0)
    sheet.add("duplicates", len(doubled), "writes", 0)
    sheet.add("number_gaps", gaps, "numbers", 0)
    sheet.add("issues_without_event", len(numbers) - (recorded or 0), "issues", 0)
    sheet.add("chain_broken", 0 if events.verify_chain().broken_at is None else 1, "chains", 0)
    intact = db.session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
    sheet.add("database_damaged", 0 if intact else 1, "databases", 0)
    sheet.add("slowest_recovery", slowest, "s", 3)


if __name__ == "__main__":
    main()
