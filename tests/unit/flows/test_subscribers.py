"""Turns follow their to-dos and the people whose they are."""

from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.accounts.service import change_user
from qtrace.core.db import db, write
from qtrace.flows.case import Case
from qtrace.tasks.models import Task
from qtrace.tasks.service import claim, transfer
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, make_flow, node, open_turns, person, submit

POOL = {"mode": "claim"}


def the_task() -> Task:
    """Return the only open to-do."""
    db.session.remove()
    return db.session.scalars(select(Task).where(Task.state == "open")).one()


def pooled() -> Case:
    """Return a case that waits in a pool of two people."""
    make_flow("pool", node("boss", "approve", "quality_lead", "customer_service", signing=POOL))
    case = begin("pool", 1, user_id("quality_lead"))
    submit(case)
    return case


def test_a_claimed_to_do_is_the_persons_turn(app: Flask) -> None:
    case, task = pooled(), the_task()
    assert (task.owner_id, task.role_key, open_turns(case)[0].user) == (None, "", None)
    with write():
        claim(task.id, by=person("customer_service"), expected_version=task.version, now=NOW)
    assert open_turns(case)[0].user == the_task().owner_id == user_id("customer_service")


def test_a_to_do_handed_over_is_the_other_persons_turn(app: Flask) -> None:
    make_flow("hand", node("boss", "approve", "quality_lead"))
    case = begin("hand", 1, user_id("quality_lead"))
    submit(case)
    task = the_task()
    with write():
        to = user_id("inspector")
        transfer(task.id, to=to, by=person("quality_lead"), note="出差", expected_version=task.version, now=NOW)
    assert open_turns(case)[0].user == the_task().owner_id == user_id("inspector")


def test_who_leaves_the_company_leaves_no_turn_behind(app: Flask) -> None:
    make_flow("leave", node("boss", "approve", "inspector"))
    case = begin("leave", 1, user_id("quality_lead"))
    submit(case)
    with write():
        gone = db.session.get_one(User, user_id("inspector"))
        change_user(
            gone.id, name=gone.name, role_keys=["inspector"], department_id=gone.department_id, active=False,
            by=user_id("admin"), now=NOW,
        )  # fmt: skip
    assert open_turns(case)[0].user == the_task().owner_id != user_id("inspector")
