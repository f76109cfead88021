"""How long clocks take to follow their cases and, 10,000 of them, to ring; and whether a killed worker loses or doubles any."""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import delete, func, select

from bench.figures import Sheet
from bench.killing import kill_rounds
from bench.site import make_site, site_environ
from qtrace.app import create_app
from qtrace.calendars.alarms import TICK, ring_batch
from qtrace.calendars.clock_service import NewClock, reschedule_some, start_case_clock
from qtrace.calendars.models import CaseClock, CaseClockAlarm
from qtrace.core import events
from qtrace.core.db import db, write
from qtrace.core.jobs import enqueue, run_one
from qtrace.core.models import EventRow
from qtrace.issues.service import NewIssue, create_issue

CLOCKS = int(os.environ.get("QTRACE_TEST_CLOCKS", "10000"))
ISSUES = int(os.environ.get("QTRACE_TEST_ISSUES", "1000"))
KILLS = int(os.environ.get("QTRACE_TEST_ROUNDS", "20"))
STARTED_AT_ONCE = 500
BEGUN = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)  # nine in the morning of a Wednesday in China
FIRST_DUE, ALL_DUE = BEGUN + timedelta(minutes=50), BEGUN + timedelta(days=7)
STEPS = 5  # that ring in the seven days


def main() -> None:
    """Ring everything once at full speed and once with killed workers, and print what was found."""
    if len(sys.argv) > 1:
        _ring_as_child(Path(sys.argv[1]))
        return
    sheet = Sheet("clocks")
    with tempfile.TemporaryDirectory(prefix="qtrace-clocks-") as folder:
        app, _token = make_site(Path(folder))
        with app.app_context():
            _follow(sheet)
            _start_clocks()
            _reschedule(sheet)
            _measure(sheet)
            _kill_rounds(sheet, Path(folder))
            _judge(sheet)
    sheet.write()


def _follow(sheet: Sheet) -> None:
    """Open issues as if before an upgrade, and let the worker give them their clocks."""
    with write():
        for number in range(ISSUES):
            create_issue(NewIssue(title=f"瓶口漏液 {number}"), by=None, now=BEGUN)
    begun = time.perf_counter()
    _tick(BEGUN)
    spent = time.perf_counter() - begun
    followed = db.session.scalar(select(func.count(func.distinct(CaseClock.subject_id)))) or 0
    sheet.add("followed", followed, "issues", ISSUES, most=False)
    sheet.add("followed_per_s", followed / spent, "issues/s", 200, most=False)
    begun = time.perf_counter()
    _tick(BEGUN + timedelta(seconds=1))
    sheet.add("idle_tick", (time.perf_counter() - begun) * 1000, "ms", 100)
    with write() as session:  # the rest is about clocks without issues
        session.execute(delete(CaseClock))


def _tick(now: datetime) -> None:
    with write():
        enqueue(TICK, {}, now=now)
    while run_one(clock=lambda: now):
        pass
    db.session.remove()


def _reschedule(sheet: Sheet) -> None:
    """Let every clock be asked anew when it rings, as after a change of a calendar."""
    begun, last = time.perf_counter(), 0
    found: int | None = 0
    while found is not None:
        with write():
            found = reschedule_some(last)
        last = found or last
    sheet.add("rescheduled", time.perf_counter() - begun, "s", 10)


def _start_clocks() -> None:
    for first in range(0, CLOCKS, STARTED_AT_ONCE):
        with write():
            for number in range(first, min(first + STARTED_AT_ONCE, CLOCKS)):
                new = NewClock(subject=("issue", number), kind="contain", minutes=100)
                start_case_clock(new, by=None, now=BEGUN)


def _measure(sheet: Sheet) -> None:
    begun = time.perf_counter()
    _ring_until(FIRST_DUE)
    sheet.add(
        "due", db.session.scalar(select(func.count()).select_from(CaseClockAlarm)) or 0, "alarms", CLOCKS, most=False
    )
    sheet.add("rung", time.perf_counter() - begun, "s", 10)


def _kill_rounds(sheet: Sheet, folder: Path) -> None:
    """Kill workers while they ring the four steps that are left, then let one finish."""
    in_work = kill_rounds("bench.clocks", [str(folder)], KILLS)
    db.session.remove()
    left = db.session.scalar(select(func.count()).where(CaseClock.next_at <= ALL_DUE)) or 0
    sheet.add("killed_in_work", in_work, "kills", KILLS, most=False)
    sheet.add("left_after_kills", left, "clocks")
    db.session.remove()
    _ring_until(ALL_DUE)


def _judge(sheet: Sheet) -> None:
    told = db.session.execute(select(EventRow.subject_id, EventRow.body).where(EventRow.name == "clock_alarm")).all()
    rung = [(row.subject_id, row.body["step"]) for row in told]
    stored = db.session.scalar(select(func.count()).select_from(CaseClockAlarm)) or 0
    sheet.add("lost", CLOCKS * STEPS - len(set(rung)), "alarms", 0)
    sheet.add("doubled", len(rung) - len(set(rung)), "alarms", 0)
    sheet.add("alarms_without_event", abs(stored - len(rung)), "alarms", 0)
    sheet.add("chain_broken", 0 if events.verify_chain().broken_at is None else 1, "chains", 0)


def _ring_as_child(folder: Path) -> None:
    app: Flask = create_app(environ=site_environ(folder))
    with app.app_context():
        print("ready", flush=True)
        _ring_until(ALL_DUE)


def _ring_until(now: datetime) -> None:
    while ring_batch(now):
        pass


if __name__ == "__main__":
    main()
