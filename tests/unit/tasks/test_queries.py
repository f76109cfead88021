"""Which to-dos are a person's, and in which order of need they stand."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event, select

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound
from qtrace.tasks.models import Task
from qtrace.tasks.queries import count_open, done_tasks, grouped, late_tasks, my_task, open_tasks
from qtrace.tasks.service import NewTask, add_helper, close_tasks, open_task
from tests.conftest import NOW, user_id

ZONE = ZoneInfo("Asia/Shanghai")


def opened(**values: Any) -> int:
    """Open a to-do."""
    with write():
        new = NewTask(**{"kind": "stage", "subject": ("thing", 1), "title": "定责", "url": "/things/1"} | values)
        return open_task(new, by=None, now=NOW)


def the(role: str) -> User:
    return db.session.get_one(User, user_id(role))


def test_a_person_sees_the_own_the_helped_and_the_roles_pool(app: Flask) -> None:
    own = opened(owner_id=user_id("inspector"))
    pool = opened(role_key="inspector")
    helped = opened(owner_id=user_id("owner"))
    opened(owner_id=user_id("owner"))
    opened(role_key="purchasing")
    with write():
        add_helper(helped, user_id=user_id("inspector"), by=the("owner"), now=NOW)
    assert {task.id for task in open_tasks(the("inspector"))} == {own, pool, helped}
    assert count_open(the("inspector")) == 3


def test_a_claimed_to_do_leaves_the_pool(app: Flask) -> None:
    task = opened(role_key="inspector", owner_id=user_id("admin"))
    assert open_tasks(the("inspector")) == []
    assert [row.id for row in open_tasks(the("admin"))] == [task]


def test_somebody_elses_to_do_is_not_found(app: Flask) -> None:
    task = opened(owner_id=user_id("owner"))
    assert my_task(task, the("owner")).id == task
    for missing in (task, 999_999):
        with pytest.raises(NotFound):
            my_task(missing, the("inspector"))


def test_the_most_urgent_comes_first_and_the_undated_last(app: Flask) -> None:
    owner = user_id("inspector")
    undated = opened(owner_id=owner)
    later = opened(owner_id=owner, due_at=NOW + timedelta(days=2))
    late = opened(owner_id=owner, due_at=NOW - timedelta(days=2))
    assert [task.id for task in open_tasks(the("inspector"))] == [late, later, undated]


def test_late_ones_are_listed_and_counted_apart(app: Flask) -> None:
    owner = user_id("inspector")
    late = opened(owner_id=owner, due_at=NOW - timedelta(minutes=1))
    opened(owner_id=owner, due_at=NOW)
    opened(owner_id=owner)
    assert [task.id for task in late_tasks(the("inspector"), NOW)] == [late]
    assert count_open(the("inspector"), late_at=NOW) == 1


def test_what_one_closed_oneself_is_in_the_done_list(app: Flask) -> None:
    mine, other = opened(owner_id=user_id("inspector")), opened(owner_id=user_id("inspector"))
    with write():
        close_tasks(("thing", 1), by=user_id("inspector"), now=NOW, task_id=mine)
        close_tasks(("thing", 1), by=user_id("owner"), now=NOW, task_id=other)
    assert [task.id for task in done_tasks(the("inspector"))] == [mine]


def test_the_count_is_one_query(app: Flask) -> None:
    opened(owner_id=user_id("inspector"))
    person = the("inspector")
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert count_open(person) == 1
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len(seen) == 1


def at(text: str) -> datetime:
    """Return an hour in Shanghai."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("due", "node", "group"),
    [
        ("20T09:59", "act", "late"),
        ("20T10:00", "act", "today"),
        ("20T23:59", "verify", "today"),
        ("21T00:00", "act", "week"),
        ("22T23:59", "act", "week"),
        ("23T00:00", "act", "later"),
        (None, "act", "later"),
        ("22T10:00", "verify", "waiting"),
        (None, "verify", "waiting"),
        ("19T10:00", "verify", "late"),
    ],
)
def test_a_to_do_stands_under_its_span(due: str | None, node: str, group: str) -> None:
    """Now is Friday, 20 November, 10:00; the week ends with Sunday."""
    task = Task(state="open", node=node, due_at=at(due) if due else None)
    assert [(found.key, found.tasks) for found in grouped([task], NOW, ZONE)] == [(group, [task])]


def test_groups_stand_in_the_order_of_need() -> None:
    tasks = [
        Task(state="open", node="verify"), Task(state="open", node="act"), Task(state="open", node="act", due_at=at("21T10:00")),
        Task(state="open", node="act", due_at=at("20T12:00")), Task(state="open", node="act", due_at=at("01T12:00")),
    ]  # fmt: skip
    assert [group.key for group in grouped(tasks, NOW, ZONE)] == ["late", "today", "week", "later", "waiting"]


def test_tasks_of_the_pool_are_found_by_any_role_of_a_person(app: Flask) -> None:
    opened(role_key="inspector")
    with write() as session:
        person = session.get_one(User, user_id("purchasing"))
        person.roles.append(session.scalars(select(User).where(User.id == user_id("inspector"))).one().roles[0])
    assert count_open(the("purchasing")) == 1
