"""Rows of a list exported per second, and the memory it takes."""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from bench.figures import Sheet
from qtrace.core.db import write
from qtrace.issues.models import Issue

ROWS = 100_000
MOST_MB = 150
FIRST = datetime(2025, 1, 1, 8, tzinfo=UTC)
# Processes of their own: the peak of one that has done other things before says nothing.
START = """
import json, sys, time
from pathlib import Path
from bench.exports import fill
from bench.site import make_site, site_environ
from qtrace.accounts.models import User
from qtrace.app import create_app
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.exchange.exporting import Asking, export_view, wanted, write_export
folder, suffix, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
"""
FILL = (
    START
    + """
app, _token = make_site(folder)
with app.test_request_context():
    fill(count)
"""
)
EXPORT = (
    START
    + """
app = create_app(environ=site_environ(folder))
with app.test_request_context():
    user = db.session.query(User).order_by(User.id).first()
    export = wanted(export_view("issues", user), (), user, unmasked=False, reason="")
    begun = time.perf_counter()
    rows = write_export(export, Asking(user, clock.now(), {"status": "all"}), folder / f"a{suffix}")
    spent = time.perf_counter() - begun
# The peak of this process alone: getrusage would count what the bench's own process had before the start.
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(json.dumps({"rows": rows, "seconds": spent, "peak_mb": int(peak) / 1024}))
"""
)


def measure(sheet: Sheet) -> None:
    """Add rows per second and the process's peak for both kinds of file."""
    for suffix in (".xlsx", ".csv"):
        with tempfile.TemporaryDirectory(prefix="qtrace-exports-") as folder:
            _run(FILL, folder, suffix)
            said = _run(EXPORT, folder, suffix)
        found = json.loads(said.splitlines()[-1])
        if found["rows"] != ROWS:
            raise RuntimeError(f"of {ROWS} rows {found['rows']} were exported")
        sheet.add(f"export_{suffix[1:]}", found["rows"] / found["seconds"], "rows/s")
        sheet.add(f"export_{suffix[1:]}_peak", found["peak_mb"], "MB", MOST_MB)


def _run(words: str, folder: str, suffix: str) -> str:
    """Run the words in a process of their own and return what it printed."""
    command = [sys.executable, "-c", words, folder, suffix, str(ROWS)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fill(count: int) -> None:
    """Make so many issues, as plain rows."""

    for start in range(0, count, 5000):
        rows = [
            {"number": f"QI-{n}", "title": f"瓶口漏液 {n}", "opened_at": FIRST + timedelta(minutes=n), "answers": {}}
            for n in range(start, min(count, start + 5000))
        ]
        with write() as session:
            session.execute(insert(Issue), rows)
