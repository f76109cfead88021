"""Who will be asked later is known beside each case, and reached when somebody hands everything over or leaves."""

import json
from importlib import import_module
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.flows.case import Case
from qtrace.flows.instances import locked
from qtrace.flows.later import cases_later, later_of
from qtrace.flows.models import FlowDecision, flow_later
from qtrace.flows.operating import Given, decide_task, operate
from qtrace.flows.replaying import replayed
from qtrace.flows.service import apply
from qtrace.flows.state import Finish
from qtrace.flows.subscribers import hand_over_all
from qtrace.tasks.handing import hand_over
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, instance_of, make_flow, node, person, state_of, submit

ONE_BY_ONE = {"mode": "all", "order": "sequential"}


def later(case: Case) -> set[int]:
    db.session.remove()
    rows = select(flow_later.c.user_id).where(flow_later.c.instance_id == instance_of(case).id)
    return set(db.session.scalars(rows))


def names_asked() -> list[int | None]:
    db.session.remove()
    return list(db.session.scalars(select(Task.owner_id).where(Task.state == "open", Task.kind == "stage")))


def in_turn() -> Case:
    """Return a case at which the inspector is asked now, the owner after that."""
    make_flow("turns", node("sign", "approve", "inspector", "owner", signing=ONE_BY_ONE))
    case = begin("turns", 1, user_id("quality_lead"))
    submit(case)
    return case


def give(who: str, to: str) -> int:
    with write():
        return hand_over_all(user_id(who), user_id(to), by=user_id("admin"), now=NOW)


def test_who_signs_after_others_is_handed_over_before_the_turn_comes(app: Flask) -> None:
    case = in_turn()
    assert (names_asked(), later(case)) == ([user_id("inspector")], {user_id("owner")})
    assert give("owner", "purchasing") == 1
    assert (names_asked(), later(case)) == ([user_id("inspector")], {user_id("purchasing")})
    submit(case, "inspector")
    assert (names_asked(), later(case)) == ([user_id("purchasing")], set())
    assert db.session.scalars(select(FlowDecision.verdict).order_by(FlowDecision.version)).all()[1] == "hand_over"
    assert replayed(instance_of(case)) == state_of(case)


def test_who_waits_for_an_opinion_is_handed_over(app: Flask) -> None:
    make_flow("plain", node("sign", "approve", "owner"))
    case = begin("plain", 1, user_id("quality_lead"))
    submit(case)
    task = db.session.scalars(select(Task).where(Task.state == "open")).one().id
    with write():
        operate(task, "delegate", given=Given(users=(user_id("inspector"),)), by=person("owner"), now=NOW)
    assert later(case) == {user_id("owner")}
    assert give("owner", "purchasing") == 1
    submit(case, "inspector")
    assert names_asked() == [user_id("purchasing")]


def test_who_was_chosen_for_a_node_ahead_is_handed_over(app: Flask) -> None:
    picked = node("boss", "approve") | {"who": [{"kind": "previous_choice"}]}
    make_flow("picks", node("sign", "approve", "inspector"), node("more", "approve", "purchasing"), picked)
    case = begin("picks", 1, user_id("quality_lead"))
    submit(case)
    submit(case, "inspector")
    task = db.session.scalars(select(Task).where(Task.state == "open")).one().id
    with write():
        decide_task(
            task, reject=False, given=Given(chosen={"boss": (user_id("owner"),)}), by=person("purchasing"), now=NOW
        )
    assert names_asked() == [user_id("owner")]
    assert give("owner", "customer_service") == 1
    assert names_asked() == [user_id("customer_service")]


def test_who_left_is_replaced_in_what_comes_later_too(app: Flask) -> None:
    case = in_turn()
    with write():
        hand_over_all(user_id("owner"), None, by=None, now=NOW)
    assert user_id("owner") not in later(case)


def test_everything_is_handed_over_though_nothing_is_open_yet(sqlite_app: Flask) -> None:
    in_turn()
    assert cases_later(user_id("owner")) == 1
    with write() as session:
        hand_over(user_id("owner"), user_id("purchasing"), by=session.get_one(User, user_id("owner")), now=NOW)
    db.session.remove()
    assert (cases_later(user_id("owner")), cases_later(user_id("purchasing"))) == (0, 1)


def test_an_ended_case_asks_nobody_later(sqlite_app: Flask) -> None:
    case = in_turn()
    with write():
        operate_end(case)
    assert later(case) == set()


def operate_end(case: Case) -> None:
    apply(locked(case.subject), case, Finish(user_id("admin"), "terminated", "不做了"), by=user_id("admin"), now=NOW)


def test_the_upgrade_finds_whom_running_cases_ask_later(sqlite_app: Flask) -> None:
    """The file of the migration reads states as they are stored."""
    case = in_turn()
    stored: Any = db.session.execute(text("SELECT state FROM flow_instance")).scalar_one()
    found = import_module("qtrace.migrations.versions.20261124_0021_later")._later(json.loads(stored))
    assert found == later_of(state_of(case)) == {user_id("owner")}


def test_cases_that_ask_others_are_left_alone(sqlite_app: Flask) -> None:
    make_flow("turns", node("sign", "approve", "inspector", "owner", signing=ONE_BY_ONE))
    cases = [begin("turns", number, user_id("quality_lead")) for number in range(1, 6)]
    for case in cases[:3]:
        submit(case)
    assert give("owner", "purchasing") == 3
