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
# A process of its own: the peak of one that has done other things before says nothing.
CHILD = """
import json, resource, sys, time
from pathlib import Path
from bench.exports import fill
from bench.site import make_site
from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.exchange.exporting import Asking, export_view, wanted, write_export
folder, suffix, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
app, _token = make_site(folder)
with app.test_request_context():
    fill(count)
    user = db.session.query(User).order_by(User.id).first()
    export = wanted(export_view("issues", user), (), user, unmasked=False, reason="")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    rows = write_export(export, Asking(user, clock.now(), {"status": "all"}), folder / f"a{suffix}")
    spent = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"rows": rows, "seconds": spent, "peak_mb": peak / 1024, "before_mb": before / 1024}))
"""


def measure(sheet: Sheet) -> None:
    """Add rows per second and the process's peak for both kinds of file."""
    for suffix in (".xlsx", ".csv"):
        with tempfile.TemporaryDirectory(prefix="qtrace-exports-") as folder:
            done = subprocess.run(
                [sys.executable, "-c", CHILD, folder, suffix, str(ROWS)], check=True, capture_output=True, text=True
            )
        found = json.loads(done.stdout.splitlines()[-1])
        if found["rows"] != ROWS:
            raise RuntimeError(f"of {ROWS} rows {found['rows']} were exported")
        sheet.add(f"export_{suffix[1:]}", found["rows"] / found["seconds"], "rows/s")
        sheet.add(f"export_{suffix[1:]}_peak", found["peak_mb"], "MB", MOST_MB)


def fill(count: int) -> None:
    """Make so many issues, as plain rows."""

    for start in range(0, count, 5000):
        rows = [
            {"number": f"QI-{n}", "title": f"瓶口漏液 {n}", "opened_at": FIRST + timedelta(minutes=n), "answers": {}}
            for n in range(start, min(count, start + 5000))
        ]
        with write() as session:
            session.execute(insert(Issue), rows)
