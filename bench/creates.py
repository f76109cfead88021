"""Issues recorded per second by four writers on a running site, beside bare ORM inserts of the same rows over the same HTTP."""

import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flask import Flask, request
from sqlalchemy import Column, Integer, String, Table, UniqueConstraint, func, select, text
from sqlalchemy.orm import Session

from bench.figures import Sheet
from bench.forms import issue_form
from bench.site import Server, exchange, free_port, make_site
from qtrace import config as settings
from qtrace.core.db import Base, db, init_db, write
from qtrace.core.ids import new_id
from qtrace.models import metadata
from qtrace.server import Binding, WebServer
from qtrace.setup.database import backup_sqlite

WRITERS, ROUNDS, SECONDS, SAMPLE = 4, 3, 5.0, 20
SHARE = 60
# Written by the clock or by logins, not by a create.
BACKGROUND = frozenset({"tick", "heartbeat", "rate_count", "user_session"})
SEARCH = "search_issue"
Row = dict[str, Any]
Sample = Sequence[tuple[str, Sequence[Row]]]


def measure(sheet: Sheet) -> None:
    """Add creates per second, their share of the bare limit, and the answers that were not a success."""
    with tempfile.TemporaryDirectory(prefix="qtrace-creates-") as name:
        folder = Path(name)
        (folder / "bare").mkdir()
        app, token = make_site(folder)
        with app.test_request_context():
            form = issue_form()
        real = Server(folder, free_port())
        real.wait()
        rows = _rows_per_create(app, real.port, token, form)
        with app.test_request_context():
            backup_sqlite(folder / "bare" / "qtrace.db")
        bare = BareServer(folder / "bare", free_port())
        bare.wait()
        try:
            rates = _rates({"real": (real.port, token, form), "bare": (bare.port, "", form)})
        finally:
            real.stop()
            bare.stop()
    told = ", ".join(f"{table} {count}" for table, count in sorted(rows.items()))
    print(f"# rows per create: {told}", flush=True)
    ours, limit = (statistics.median(done for done, _ in rates[who]) for who in ("real", "bare"))
    sheet.add("creates", ours, "creates/s")
    sheet.add("creates_bare", limit, "creates/s")
    sheet.add("creates_of_bare", ours / limit * 100, "%", SHARE, most=False)
    sheet.add("creates_errors", sum(errors for who in rates.values() for _, errors in who), "answers", 0)


def _rows_per_create(app: Flask, port: int, token: str, form: dict[str, str]) -> dict[str, int]:
    """Create a few issues and return by how many rows per create each table grew."""
    for _warm in range(4):
        _create(http.client.HTTPConnection("127.0.0.1", port), token, form)
    with app.test_request_context():
        before = _row_counts()
        for _each in range(SAMPLE):
            _create(http.client.HTTPConnection("127.0.0.1", port), token, form)
        db.session.remove()
        grown = _row_counts() - before
    return {name: round(count / SAMPLE) for name, count in grown.items() if round(count / SAMPLE)}


def _row_counts() -> Counter[str]:
    found = Counter(
        {name: db.session.scalar(select(func.count()).select_from(table)) or 0 for name, table in _tables()}
    )
    found[SEARCH] = int(db.session.execute(text(f"SELECT count(*) FROM {SEARCH}")).scalar_one())
    return found


def _tables() -> list[tuple[str, Table]]:
    return [(table.name, table) for table in metadata.sorted_tables if table.name not in BACKGROUND]


def _create(connection: http.client.HTTPConnection, token: str, form: Mapping[str, str]) -> bool:
    path, title = "/issues", {"title": f"瓶口漏液,客户反馈 {time.time_ns()}"}
    status, _headers, _body = exchange(connection, "POST", path, token=token, form=dict(form) | title)
    return status == 303


def _rates(targets: Mapping[str, tuple[int, str, dict[str, str]]]) -> dict[str, list[tuple[float, int]]]:
    """Return (creates per second, failed answers) of each target and round; the targets take turns."""
    found: dict[str, list[tuple[float, int]]] = {who: [] for who in targets}
    for _round in range(ROUNDS):
        for who, target in targets.items():
            found[who].append(_load(*target))
    return found


def _load(port: int, token: str, form: dict[str, str]) -> tuple[float, int]:
    results: list[bool] = []

    def run(end: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.perf_counter() < end:
            results.append(_create(connection, token, form))
        connection.close()

    begun = time.perf_counter()
    writers = [threading.Thread(target=run, args=(begun + SECONDS,)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return results.count(True) / (time.perf_counter() - begun), results.count(False)


class BareServer(Server):
    """A bare Flask app that only inserts the rows of a create, behind the same web server and the same settings."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.port = port
        self.log = (data_dir / "server.log").open("ab")
        self.started = time.perf_counter()
        command = [sys.executable, "-m", "bench.creates", str(data_dir), str(port)]
        self.process = subprocess.Popen(command, env=os.environ, stdout=self.log, stderr=self.log)


def bare_app(url: str) -> Flask:
    """Return the app; the database at `url` is a copy of a site in which an issue was created last."""
    app = Flask("bare")
    init_db(app, url)
    with app.app_context():
        sample = _last_create()
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]  # our mappers map tables

    def create() -> tuple[str, int, dict[str, str]]:
        title = request.form["title"]
        with write() as session:
            _insert(session, models, sample, title)
        return "", 303, {"Location": "/issues/1"}

    app.add_url_rule("/issues", "create", create, methods=["POST"])
    app.add_url_rule("/healthz", "healthz", lambda: "ok")
    return app


def _last_create() -> Sample:
    """Return the newest rows of each table, as many as the last create made."""
    last = db.session.execute(text("SELECT max(id) FROM issue")).scalar_one()
    found: list[tuple[str, Sequence[Row]]] = []
    for name, table in _tables():
        rows = _rows_of(table, last)
        if rows:
            found.append((name, rows))
    body = db.session.execute(text(f"SELECT body FROM {SEARCH} WHERE rowid = :id"), {"id": last}).scalar_one_or_none()
    return [*found, (SEARCH, [{"body": body}])] if body else found


def _rows_of(table: Table, issue_id: int) -> Sequence[Row]:
    columns = table.c
    if table.name == "issue":
        where = columns.id == issue_id
    elif "subject_kind" in columns:
        where = (columns.subject_kind == "issue") & (columns.subject_id == issue_id)
    elif "issue_id" in columns:
        where = columns.issue_id == issue_id
    elif table.name == "submission":
        newest = select(func.max(columns.at)).scalar_subquery()
        where = columns.at == newest
    else:
        return []
    return [dict(row) for row in db.session.execute(select(table).where(where)).mappings()]


def _insert(session: Session, models: Mapping[str, Any], sample: Sample, title: str) -> None:
    objects = [
        models[name](**_varied(models[name].__table__, row, title))
        for name, rows in sample
        if name != SEARCH
        for row in rows
    ]
    session.add_all(objects)
    session.flush()
    for name, rows in sample:
        for row in rows if name == SEARCH else ():
            session.execute(text(f"INSERT INTO {SEARCH}(rowid, body) VALUES (:id, :body)"), row | {"id": _number()})


def _varied(table: Table, row: Row, title: str) -> Row:
    """Return the row with new values where the table wants them to be unique."""
    fresh = {name: value for name, value in row.items() if not _given_by_database(table.c[name])}
    for columns in _unique(table):
        own = [column for column in columns if column.name in fresh and not column.foreign_keys]
        texts = [column for column in own if isinstance(column.type, String) and column.name != "subject_kind"]
        column = next(iter(texts or [column for column in own if isinstance(column.type, Integer)]), None)
        if column is not None:
            fresh[column.name] = new_id()[:20] if isinstance(column.type, String) else _number()
    return fresh | ({"title": title} if "title" in fresh else {})


def _given_by_database(column: Column[Any]) -> bool:
    return column.primary_key and isinstance(column.type, Integer) and column.autoincrement is not False


def _unique(table: Table) -> list[list[Column[Any]]]:
    unique = [list(item.columns) for item in table.constraints if isinstance(item, UniqueConstraint)]
    return [list(table.primary_key.columns), *unique]


def _number() -> int:
    """Return a number that rises and that no other process returns."""
    return time.time_ns() * 4 + os.getpid() % 4


def main(data_dir: str, port: int) -> None:
    """Serve the bare app with as many processes and threads as a site has."""
    config = settings.load({"QTRACE_DATA_DIR": data_dir})
    app = bare_app(config.database_url)
    WebServer(app, Binding("127.0.0.1", port, config.number("WORKERS"), config.number("THREADS"))).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
