"""Flows at size: the page of one's own work beside many to-dos, a decision, and ten thousand clocks that are due at once."""

import os
import statistics
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from bench.figures import Sheet
from bench.killing import kill_rounds
from bench.listpage import wsgi_call
from bench.site import make_site, site_environ
from qtrace.accounts.models import User
from qtrace.app import create_app
from qtrace.core import clock, events
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.flows.beginning import prepare_flow, start_flow
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide_turn
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance, FlowTimer
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.stored import load_state
from qtrace.flows.timers import do_batch

FEW, INSTANCES, TO_DOS, DECISIONS = 100, 10_000, 50_000, 200
PAGE, ROUNDS, REQUESTS = "/tasks", 5, 10
PAGE_RATIO, DECISION_MS, DUE_SECONDS = 1.5, 60, 10
BATCH = 200
KILLS = int(os.environ.get("QTRACE_TEST_ROUNDS", "20"))
LEAD = {"kind": "user", "value": "lead"}
VOICES = 5


def measure(sheet: Sheet) -> None:
    """Add the figures of the to-do page, a decision and the timers."""
    with tempfile.TemporaryDirectory(prefix="qtrace-flows-") as name:
        small, small_token = _filled(Path(name) / "small", FEW)
        large, large_token = _filled(Path(name) / "large", INSTANCES)
        calls = {"my_work_100": wsgi_call(small, PAGE, small_token), "my_work_50k": wsgi_call(large, PAGE, large_token)}
        costs: dict[str, list[float]] = {key: [] for key in calls}
        for _round in range(ROUNDS):
            for key, call in calls.items():
                begun = time.perf_counter()
                for _request in range(REQUESTS):
                    call()
                costs[key].append((time.perf_counter() - begun) / REQUESTS * 1000)
        few, many = (statistics.median(costs[key]) for key in calls)
        sheet.add("my_work_100", few, "ms")
        sheet.add("my_work_50k", many, "ms")
        sheet.add("my_work_ratio", many / few, "x", PAGE_RATIO)
        with large.test_request_context():
            sheet.add("decision_p95", _decisions(), "ms", DECISION_MS)
            later = clock.now() + timedelta(days=30)
            waiting = _waiting(later)
            seconds, told = _due(later)
            sheet.add("due_10k", seconds, "s", DUE_SECONDS)
            sheet.add("due_10k_told", told, "clocks")
            _kill(sheet, Path(name) / "large", later, waiting)


def _filled(folder: Path, instances: int) -> tuple[Flask, str]:
    """Return a site with so many running cases, each waiting for five voices of one person's to-dos."""
    folder.mkdir()
    app, token = make_site(folder)
    with app.test_request_context():
        lead = db.session.scalars(select(User).where(User.username == "lead")).one()
        _define()
        for begin in range(0, instances, BATCH):
            with write():
                for number in range(begin + 1, min(begin + BATCH, instances) + 1):
                    _start(number, lead.id)
    return app, token


def _define() -> None:
    node = {"name_zh": "会签", "name_en": "Countersign", "who": [LEAD], "due_minutes": 480, "permission": "issue.read"}
    branches: list[dict[str, Any]] = [
        {
            "id": f"b{side}",
            "name_zh": f"{side}",
            "name_en": f"{side}",
            "nodes": [{"id": f"n{side}", "kind": "approve"} | node],
        }
        for side in range(VOICES)
    ]
    split = {"id": "all", "kind": "parallel", "name_zh": "各部门", "name_en": "All", "branches": branches}
    start = {"id": "ask", "kind": "start"} | node
    definition = parse_definition({"key": "bench", "version": 1, "nodes": [start, split]})
    with write() as session:
        session.add(FlowDefinition(key="bench", version=1, definition=dump_definition(definition)))


def _start(number: int, lead: int) -> None:
    now = clock.now()
    case = Case(("thing", number), f"供应商整改 {number}", f"/things/{number}", lead, None)
    start_flow(case, prepare_flow(initiator_id=lead, department_id=None, now=now, flow="bench"), by=lead, now=now)
    db.session.flush()
    decide_turn(case, 2, verdict="submit", by=db.session.get_one(User, lead), now=now)


def _decisions() -> float:
    """Return the 95th percentile of the time one decision takes in the server, its commit included."""
    lead, spent = db.session.scalars(select(User).where(User.username == "lead")).one(), []
    for number in range(1, DECISIONS + 1):
        instance = db.session.scalars(select(FlowInstance).where(FlowInstance.subject_id == number)).one()
        turn = load_state(instance.state).tokens[0].seats[0].chain[0].id
        case = Case(("thing", number), instance.title, instance.url, lead.id, None)
        begun = time.perf_counter()
        with write() as session:
            decide_turn(case, turn, verdict="submit", by=session.get_one(User, lead.id), now=clock.now())
        spent.append((time.perf_counter() - begun) * 1000)
    return statistics.quantiles(spent, n=20)[-1]


def _waiting(now: datetime) -> int:
    """Return how many timers are due."""
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(FlowTimer).where(FlowTimer.at <= now)) or 0


def _kill(sheet: Sheet, folder: Path, now: datetime, due: int) -> None:
    """Kill workers over the timers that are left, let one finish, and count what was told twice or never."""
    sheet.add(
        "killed_in_work", kill_rounds("bench.flows", [str(folder), now.isoformat()], KILLS), "kills", KILLS, most=False
    )
    sheet.add("left_after_kills", _waiting(now), "timers")
    _do_all(now)
    told = select(EventRow.subject_id, EventRow.body).where(EventRow.name.in_(("flow_reminded", "flow_escalated")))
    times = [(row.subject_id, row.body["node"]) for row in db.session.execute(told)]
    kept = select(func.count()).select_from(FlowDecision).where(FlowDecision.verdict == "timeout")
    sheet.add("timers_lost", due - len(set(times)), "timers", 0)
    sheet.add("timers_doubled", len(times) - len(set(times)), "timers", 0)
    sheet.add("timers_without_history", abs(len(times) - (db.session.scalar(kept) or 0)), "timers", 0)
    sheet.add("chain_broken", 0 if events.verify_chain().broken_at is None else 1, "chains", 0)


def _do_all(now: datetime) -> None:
    while do_batch(now):
        pass
    db.session.remove()


def _do_as_child(folder: Path, now: datetime) -> None:
    """Do what is due in this process, until it is killed or nothing is left."""
    with create_app(environ=site_environ(folder)).app_context():
        print("ready", flush=True)
        _do_all(now)


def _due(now: datetime) -> tuple[float, int]:
    """Return the seconds it took to do the first ten thousand clocks that are due, and how many reminders they became."""
    reminded = select(func.count()).select_from(EventRow).where(EventRow.name == "flow_reminded")
    done, begun = 0, time.perf_counter()
    while done < INSTANCES:
        done += do_batch(now)
    seconds = time.perf_counter() - begun
    db.session.remove()
    return seconds, db.session.scalar(reminded) or 0


if __name__ == "__main__":
    _do_as_child(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
