"""Claiming, handing over, helping: one wins, the others are told."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.events import timeline
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, add_helper, claim, close_tasks, open_task, transfer
from tests.conftest import NOW, user_id


def opened(**values: Any) -> int:
    """Open a to-do."""
    with write():
        new = NewTask(**{"kind": "stage", "subject": ("thing", 1), "title": "定责", "url": "/things/1"} | values)
        return open_task(new, by=None, now=NOW)


def the(role: str) -> User:
    return db.session.get_one(User, user_id(role))


def row(task_id: int) -> Task:
    db.session.remove()
    return db.session.get_one(Task, task_id)


def names() -> list[str]:
    return [event.name for event in reversed(timeline("thing", 1))]


def test_a_very_long_title_is_cut_and_never_refused(app: Flask) -> None:
    assert len(row(opened(title="长" * 900)).title) == 300


def test_of_many_claimers_at_once_exactly_one_gets_it(app: Flask) -> None:
    task = opened(role_key="quality_lead")
    barrier, results = threading.Barrier(4), []

    def run() -> None:
        with app.app_context(), app.test_request_context():
            person = the("admin")
            barrier.wait()
            try:
                with write():
                    claim(task, by=person, expected_version=1, now=NOW)
                results.append("won")
            except Conflict:
                results.append("lost")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 3 + ["won"]
    assert (row(task).owner_id, row(task).version) == (user_id("admin"), 2)
    assert names() == ["task_opened", "task_claimed"]


def test_only_the_role_may_claim_from_its_pool(app: Flask) -> None:
    task = opened(role_key="purchasing")
    with app.test_request_context(), pytest.raises(Refused), write():
        claim(task, by=the("inspector"), expected_version=1, now=NOW)
    assert row(task).owner_id is None


def test_a_transfer_names_both_and_keeps_the_note(app: Flask) -> None:
    task = opened(owner_id=user_id("inspector"))
    with write():
        transfer(task, to=user_id("purchasing"), by=the("inspector"), note="供应商的事", expected_version=1, now=NOW)
    assert row(task).owner_id == user_id("purchasing")
    told = timeline("thing", 1)[0]
    assert told.body["owner"] == {"old": user_id("inspector"), "new": user_id("purchasing")}
    assert told.reason == "供应商的事"


def test_a_transfer_to_nobody_or_from_an_old_page_changes_nothing(app: Flask) -> None:
    task = opened(owner_id=user_id("inspector"))
    with app.test_request_context(), pytest.raises(Refused), write():
        transfer(task, to=999_999, by=the("inspector"), note="", expected_version=1, now=NOW)
    with app.test_request_context(), pytest.raises(Conflict), write():
        transfer(task, to=user_id("owner"), by=the("inspector"), note="", expected_version=7, now=NOW)
    with app.test_request_context(), pytest.raises(NotFound), write():
        transfer(999_999, to=user_id("owner"), by=the("inspector"), note="", expected_version=1, now=NOW)
    assert row(task).owner_id == user_id("inspector")


def test_nobody_who_left_gets_a_to_do(app: Flask) -> None:
    task = opened(owner_id=user_id("inspector"))
    with write() as session:
        session.get_one(User, user_id("purchasing")).active = False
    with app.test_request_context(), pytest.raises(Refused), write():
        transfer(task, to=user_id("purchasing"), by=the("inspector"), note="", expected_version=1, now=NOW)


def test_a_helper_is_added_once(app: Flask) -> None:
    task = opened(owner_id=user_id("inspector"))
    for _ in range(2):
        with write():
            add_helper(task, user_id=user_id("owner"), by=the("inspector"), now=NOW)
    assert [helper.id for helper in row(task).helpers] == [user_id("owner")]
    assert names() == ["task_opened", "task_helper_added"]


def test_closing_a_stage_leaves_to_dos_of_actions_open(app: Flask) -> None:
    stage, action = opened(node="act"), opened(kind="action", node="action:5")
    with write():
        assert close_tasks(("thing", 1), kind="stage", by=None, now=NOW) == 1
    assert (row(stage).state, row(action).state) == ("done", "open")
    with write():
        assert close_tasks(("thing", 1), task_id=action, by=None, now=NOW, done=False) == 1
        assert close_tasks(("thing", 1), by=None, now=NOW) == 0
    assert row(action).state == "cancelled"
    assert db.session.scalars(select(Task.closed_at)).all() == [NOW, NOW]
