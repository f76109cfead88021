"""Flows at size: the page of one's own work beside many to-dos, a decision, and ten thousand clocks that are due at once."""

import statistics
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from bench.figures import Sheet
from bench.listpage import wsgi_call
from bench.site import make_site
from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.flows.models import FlowDefinition, FlowInstance
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.service import Case, decide_turn, prepare_flow, start_flow
from qtrace.flows.stored import load_state
from qtrace.flows.timers import do_batch

FEW, INSTANCES, TO_DOS, DECISIONS = 100, 10_000, 50_000, 200
PAGE, ROUNDS, REQUESTS = "/tasks", 5, 10
PAGE_RATIO, DECISION_MS, DUE_SECONDS = 1.5, 60, 10
BATCH = 200
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
            seconds, told = _due(clock.now() + timedelta(days=30))
            sheet.add("due_10k", seconds, "s", DUE_SECONDS)
            sheet.add("due_10k_told", told, "clocks")


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


def _due(now: datetime) -> tuple[float, int]:
    """Return the seconds it took to do the first ten thousand clocks that are due, and how many reminders they became."""
    reminded = select(func.count()).select_from(EventRow).where(EventRow.name == "flow_reminded")
    done, begun = 0, time.perf_counter()
    while done < INSTANCES:
        done += do_batch(now)
    seconds = time.perf_counter() - begun
    db.session.remove()
    return seconds, db.session.scalar(reminded) or 0
