"""Many people decide about the same countersign node at the same moment, on SQLite and PostgreSQL: `python -m bench.flow_races`.

What was acknowledged is compared with what is stored: a decision that was acknowledged and is not there is lost, one that
is there twice, or was not acknowledged, is doubled.
"""

import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from flask import Flask
from sqlalchemy import func, select

from bench.figures import Sheet
from bench.site import make_site, postgres
from qtrace.accounts.models import User
from qtrace.accounts.service import add_user_hashed
from qtrace.core.db import db, dispose_engines, write
from qtrace.core.errors import DomainError
from qtrace.flows.beginning import prepare_flow, start_flow
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide_turn
from qtrace.flows.instances import locked
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance, StageSpan
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.service import apply
from qtrace.flows.state import Withdraw
from qtrace.flows.stored import load_state
from qtrace.tasks.models import Task

CASES, THREADS = 300, 8
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
Job = Callable[[], object]


@dataclass(frozen=True)
class Race:
    """What came of one race: how many cases went exactly one way, and which decisions are not there once."""

    cases: int
    decided: int  # acknowledged
    refused: int
    one_effect: int
    doubled: int
    lost: int


@dataclass(frozen=True)
class Contest:
    """Cases that wait for three people to countersign, each with its turns by person."""

    app: Flask
    people: Sequence[int]  # the first of them started every case
    turns: Mapping[Case, Mapping[int, int]]


def main() -> int:
    """Run the races on both databases and print what was found."""
    sheet = Sheet("flows")
    measure(sheet, CASES)
    sheet.write("flow_races")
    return 0


def measure(sheet: Sheet, cases: int) -> None:
    """Add the figures of every race on both databases."""
    for database, opened in (("sqlite", _site), ("postgresql", _postgresql)):
        with opened() as app:
            people = add_people()
            races = {name: race(contest(app, people, name, cases)) for name, race in RACES.items()}
        for name, found in races.items():
            sheet.add(f"races_{database}_{name}_decided", found.decided, "decisions")
            sheet.add(f"races_{database}_{name}_refused", found.refused, "decisions")
            sheet.add(f"races_{database}_{name}_one_effect", found.one_effect, "cases", cases, most=False)
            sheet.add(f"races_{database}_{name}_doubled", found.doubled, "decisions", 0)
            sheet.add(f"races_{database}_{name}_lost", found.lost, "decisions", 0)


def add_people() -> list[int]:
    """Add the three people who countersign."""
    with write():
        return [
            add_user_hashed(f"voice{number}", f"第 {number} 位", "-", ["quality_lead"], by=None, now=AT)
            for number in range(1, 4)
        ]


def contest(app: Flask, people: Sequence[int], name: str, cases: int) -> Contest:
    """Start so many cases that now wait for all three people; nobody may withdraw one that was decided on."""
    _define(name, people)
    turns = {}
    for number in range(1, cases + 1):
        case = Case((f"race_{name}", number), f"第 {number} 件", f"/things/{number}", people[0], None)
        with write() as session:
            prepared = prepare_flow(initiator_id=people[0], department_id=None, now=AT, flow=f"race_{name}")
            start_flow(case, prepared, by=people[0], now=AT)
            session.flush()
            first = load_state(_instance(case).state).tokens[0].seats[0].chain[0]
            decide_turn(case, first.id, verdict="submit", by=session.get_one(User, people[0]), now=AT)
        seats = load_state(_instance(case).state).tokens[0].seats
        turns[case] = {user: turn.id for seat in seats for turn in seat.chain if (user := turn.user) is not None}
        db.session.remove()
    return Contest(app, people, turns)


def double_tap(contest: Contest) -> Race:
    """Each of the three agrees, twice at the same moment: every case goes on once."""
    jobs = [
        _say(case, turn, by) for case, turns in contest.turns.items() for by, turn in turns.items() for _tap in "12"
    ]
    return _judged(contest, _at_once(contest.app, jobs), {("then",)})


def approve_and_reject(contest: Contest) -> Race:
    """Each of the three agrees and rejects at the same moment: the first word counts, and one rejection sends it back."""
    jobs = [
        _say(case, turn, by, verdict)
        for case, turns in contest.turns.items()
        for by, turn in turns.items()
        for verdict in VERDICTS
    ]
    return _judged(contest, _at_once(contest.app, jobs), {("then",), ("ask",)})


def approve_and_withdraw(contest: Contest) -> Race:
    """Each of the three agrees while the initiator withdraws, which only an untouched case allows."""
    jobs: list[Job] = []
    for place, (case, turns) in enumerate(contest.turns.items()):
        said = [_say(case, turn, by) for by, turn in turns.items()]
        said.insert(place % (len(said) + 1), _withdraw(case, contest.people[0]))
        jobs += said
    return _judged(contest, _at_once(contest.app, jobs), {("then",), ()})


RACES: Mapping[str, Callable[[Contest], Race]] = {
    "double_tap": double_tap, "approve_and_reject": approve_and_reject, "approve_and_withdraw": approve_and_withdraw,
}  # fmt: skip
Verdict = Literal["submit", "reject"]
VERDICTS: tuple[Verdict, ...] = ("submit", "reject")


def _say(case: Case, turn: int, by: int, verdict: Verdict = "submit") -> Job:
    return lambda: decide_turn(case, turn, verdict=verdict, by=db.session.get_one(User, by), now=AT, note="已核对")


def _withdraw(case: Case, by: int) -> Job:
    return lambda: apply(locked(case.subject), case, Withdraw(by), by=by, now=AT)


def _at_once(app: Flask, jobs: Sequence[Job]) -> Counter[str]:
    """Do the jobs, dealt out to eight threads, and count what came of them; what nobody expected is raised."""
    found: Counter[str] = Counter()
    broken: list[BaseException] = []
    barrier, lock = threading.Barrier(THREADS), threading.Lock()

    def run(mine: Sequence[Job]) -> None:
        with app.app_context():
            barrier.wait()
            for job in mine:
                try:
                    with write():
                        job()
                    word = "done"
                except DomainError:
                    word = "refused"
                except Exception as error:  # noqa: BLE001 -- raised below, in the thread that asked
                    broken.append(error)
                    return
                with lock:
                    found[word] += 1

    threads = [threading.Thread(target=run, args=(jobs[place::THREADS],)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    db.session.remove()
    return found


def _judged(contest: Contest, found: Counter[str], places: set[tuple[str, ...]]) -> Race:
    """Compare what was acknowledged with what is stored; `places` are those where a case may stand afterwards."""
    one_effect, stored, twice = 0, 0, 0
    for case, turns in contest.turns.items():
        instance = _instance(case)
        rows = select(FlowDecision).where(FlowDecision.instance_id == instance.id, FlowDecision.version > 2)
        decided = list(db.session.scalars(rows))
        voices = Counter(row.operation["entry"] for row in decided if row.operation and "entry" in row.operation)
        stored += len(decided)
        twice += sum(count - 1 for count in voices.values())
        one_effect += _went_one_way(instance, places) and set(voices) <= set(turns.values())
        db.session.remove()
    return Race(
        len(contest.turns), found["done"], found["refused"], one_effect,
        doubled=twice + max(0, stored - found["done"]), lost=max(0, found["done"] - stored),
    )  # fmt: skip


def _went_one_way(instance: FlowInstance, places: set[tuple[str, ...]]) -> bool:
    """Say whether the case left the node once, for one place, with the one to-do that is asked for there."""
    here = tuple(token.node for token in load_state(instance.state).tokens)
    left = select(func.count()).select_from(StageSpan).where(
        StageSpan.instance_id == instance.id, StageSpan.node == "all_three", StageSpan.left_at.is_not(None)
    )  # fmt: skip
    to_dos = select(Task.node).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open"
    )
    return here in places and db.session.scalar(left) == 1 and tuple(db.session.scalars(to_dos)) == here


def _define(name: str, people: Sequence[int]) -> None:
    names = [db.session.get_one(User, user).username for user in people]

    def node(node_id: str, kind: str, users: Sequence[str], **more: Any) -> dict[str, Any]:
        who = [{"kind": "user", "value": user} for user in users]
        shown = {"name_zh": node_id, "name_en": node_id, "permission": "issue.read", "due_minutes": 60}
        return {"id": node_id, "kind": kind, "who": who} | shown | more

    nodes = [
        node("ask", "start", names[:1]),
        node("all_three", "countersign", names, signing={"mode": "all"}),
        node("then", "approve", names[:1]),
    ]
    plain = {"key": f"race_{name}", "version": 1, "nodes": nodes, "withdrawal": "untouched"}
    with write() as session:
        definition = dump_definition(parse_definition(plain))
        session.add(FlowDefinition(key=f"race_{name}", version=1, definition=definition))


def _instance(case: Case) -> FlowInstance:
    kind, number = case.subject
    return db.session.scalars(
        select(FlowInstance).where(FlowInstance.subject_kind == kind, FlowInstance.subject_id == number)
    ).one()


@contextmanager
def _site(url: str = "") -> Iterator[Flask]:
    with tempfile.TemporaryDirectory(prefix="qtrace-races-") as folder:
        app, _token = make_site(Path(folder), url)
        with app.test_request_context():
            yield app
            dispose_engines()


@contextmanager
def _postgresql() -> Iterator[Flask]:
    with (
        tempfile.TemporaryDirectory(prefix="qtrace-races-") as folder,
        postgres(Path(folder)) as url,
        _site(url) as app,
    ):
        yield app


if __name__ == "__main__":
    sys.exit(main())
