"""Many people decide at the same moment: every node ends once, and every decision has exactly one effect.

`QTRACE_TEST_FLOWS` above its default makes it the 300 nodes of the nightly run.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable

from flask import Flask
from sqlalchemy import func, select

from qtrace.core.db import db, write
from qtrace.core.errors import DomainError
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.flows.service import Case, apply, decide_turn, locked
from qtrace.flows.state import Withdraw
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, open_turns, person, state_of, submit

NODES = 300 if os.environ.get("QTRACE_TEST_FLOWS") else 40
THREADS = 8
ALL = {"mode": "all"}


def at_once(app: Flask, jobs: list[Callable[[], None]]) -> Counter[str]:
    """Do the jobs, dealt out to eight threads, and count what came of them."""
    found: Counter[str] = Counter()
    barrier, lock = threading.Barrier(THREADS), threading.Lock()

    def run(mine: list[Callable[[], None]]) -> None:
        with app.app_context():
            barrier.wait()
            for job in mine:
                try:
                    with write():
                        job()
                    word = "done"
                except DomainError as error:
                    word = type(error).__name__
                with lock:
                    found[word] += 1
                db.session.remove()

    threads = [threading.Thread(target=run, args=(jobs[place::THREADS],)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.remove()
    return found


def countersigned(count: int) -> list[Case]:
    """Return cases that wait for three people to countersign."""
    make_flow(
        "race",
        node("all_three", "countersign", "quality_lead", "customer_service", "inspector", signing=ALL),
        node("then", "approve", "quality_lead"),
    )
    cases = [begin("race", number, user_id("quality_lead")) for number in range(1, count + 1)]
    for case in cases:
        submit(case)
    return cases


def test_three_voices_given_twice_each_at_once_move_every_case_once(app: Flask) -> None:
    cases = countersigned(NODES)
    names = ("quality_lead", "customer_service", "inspector")
    turns = {case: dict(zip(names, [turn.id for turn in open_turns(case)], strict=True)) for case in cases}

    def agree(case: Case, name: str) -> Callable[[], None]:
        return lambda: decide_turn(case, turns[case][name], verdict="submit", by=person(name), now=NOW)

    found = at_once(app, [agree(case, name) for case in cases for name in names for _tap in range(2)])
    assert found == {"done": 3 * NODES, "Conflict": 3 * NODES}
    assert {tuple(token.node for token in state_of(case).tokens) for case in cases} == {("then",)}
    counts = db.session.execute(select(FlowDecision.instance_id, func.count()).group_by(FlowDecision.instance_id)).all()
    assert {count for _instance, count in counts} == {4}
    opened = db.session.execute(select(Task.node, func.count()).where(Task.state == "open").group_by(Task.node)).all()
    assert [tuple(row) for row in opened] == [("then", NODES)]


def test_of_a_yes_and_a_no_at_once_the_first_counts(app: Flask) -> None:
    make_flow("one", node("boss", "approve", "quality_lead"))
    cases = [begin("one", number, user_id("quality_lead")) for number in range(1, NODES + 1)]
    for case in cases:
        submit(case)
    turns = {case: open_turns(case)[0].id for case in cases}

    def say(case: Case, verdict: str) -> Callable[[], None]:
        return lambda: decide_turn(case, turns[case], verdict=verdict, by=person("quality_lead"), now=NOW, note="重做")  # type: ignore[arg-type]

    found = at_once(app, [say(case, verdict) for case in cases for verdict in ("submit", "reject")])
    assert found == {"done": NODES, "Conflict": NODES}
    ended = Counter(instance_of(case).status for case in cases)
    again = [case for case in cases if state_of(case).status == "running"]
    assert ended["closed"] + len(again) == NODES
    assert all([token.node for token in state_of(case).tokens] == ["ask"] for case in again)


def test_a_case_is_approved_or_withdrawn_but_never_both(app: Flask) -> None:
    make_flow("two", node("boss", "approve", "customer_service"))
    cases = [begin("two", number, user_id("quality_lead")) for number in range(1, NODES + 1)]
    for case in cases:
        submit(case)
    turns = {case: open_turns(case)[0].id for case in cases}
    lead = user_id("quality_lead")

    def agree(case: Case) -> Callable[[], None]:
        return lambda: decide_turn(case, turns[case], verdict="submit", by=person("customer_service"), now=NOW)

    def withdraw(case: Case) -> Callable[[], None]:
        return lambda: void(apply(locked(case.subject), case, Withdraw(lead), by=lead, now=NOW))

    found = at_once(app, [job for case in cases for job in (agree(case), withdraw(case))])
    assert found["done"] == NODES
    assert sum(found.values()) == 2 * NODES
    assert set(db.session.scalars(select(FlowInstance.status).distinct())) <= {"closed", "withdrawn"}


def void(_value: object) -> None:
    """Take what nobody needs."""
