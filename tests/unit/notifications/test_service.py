"""People are told once, exactly when the change is, and never of what they did themselves."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, write
from qtrace.core.models import JobRow
from qtrace.notifications.kinds import sentence
from qtrace.notifications.models import Notice
from qtrace.notifications.queries import count_unread
from qtrace.notifications.service import SPREAD, is_over, mark_all_read, notify
from qtrace.tasks.service import NewTask, claim, close_tasks, open_task, transfer
from qtrace.tasks.standing import NewStandIn, end_stand_in, set_stand_in
from tests.conftest import NOW, user_id
from tests.factories.flows import begin, make_flow, node, submit
from tests.factories.issues import fresh

CASE = ("thing", 7)


def told() -> list[tuple[int, str, str]]:
    """Return who was told what kind of which title."""
    rows = fresh().execute(select(Notice.user_id, Notice.kind, Notice.title).order_by(Notice.id))
    return [tuple(row) for row in rows]  # type: ignore[misc]


def opened(**values: object) -> int:
    """Open a to-do of 王姐's and return its id."""
    new = {
        "kind": "stage",
        "subject": CASE,
        "title": "瓶盖漏液",
        "url": "/issues/7",
        "owner_id": user_id("quality_lead"),
    }
    with write():
        return open_task(NewTask(**new | values), by=user_id("admin"), now=NOW)  # type: ignore[arg-type]


def test_who_gets_a_to_do_is_told(app: Flask) -> None:
    task = opened()
    assert told() == [(user_id("quality_lead"), "task_opened", "瓶盖漏液")]
    notice = fresh().scalars(select(Notice)).one()
    assert (notice.url, notice.task_id, notice.read_at) == ("/issues/7", task, None)
    assert count_unread(user_id("quality_lead")) == 1
    assert [job for job in fresh().scalars(select(JobRow.name)) if job == SPREAD] == [SPREAD]


def test_the_change_that_fails_tells_nobody(sqlite_app: Flask) -> None:
    with pytest.raises(RuntimeError), write():
        notify("task_opened", [user_id("admin")], "甲", "", "/", subject=CASE, dedupe="a", now=NOW)
        raise RuntimeError
    assert told() == []


def test_the_same_thing_is_told_once(app: Flask) -> None:
    for _again in range(2):
        with write():
            notify("task_opened", [user_id("admin")] * 2, "甲", "", "/", subject=CASE, dedupe="a", now=NOW)
            notify("task_opened", [user_id("admin")], "甲", "", "/", subject=CASE, dedupe="a", now=NOW)
    assert len(told()) == 1


def test_nobody_is_told_of_what_they_did(sqlite_app: Flask) -> None:
    opened(owner_id=user_id("admin"))
    assert told() == []


def test_everybody_who_may_claim_is_told_of_a_pool(sqlite_app: Flask) -> None:
    opened(owner_id=None, role_key="quality_lead")
    opened(owner_id=None, pool=(user_id("inspector"), user_id("purchasing")))
    assert {(user, kind) for user, kind, _title in told()} == {
        (user_id(role), "task_pooled") for role in ("quality_lead", "inspector", "purchasing")
    }


def test_a_copy_says_that_it_is_one(sqlite_app: Flask) -> None:
    opened(kind="copy", state="copied")
    assert [kind for _user, kind, _title in told()] == ["task_copied"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("flow_reminded", {"node": "check", "times": 2}),
        ("flow_escalated", {"node": "check"}),
        ("clock_alarm", {"clock": "platform", "step": "due"}),
        ("task_urged", {}),
        ("question_asked", {"question": 4}),
        ("question_answered", {"question": 4}),
    ],
)
def test_the_people_an_event_names_are_told_with_the_title_of_the_case(
    sqlite_app: Flask, name: str, body: dict
) -> None:
    opened(owner_id=user_id("admin"))
    users = [user_id("inspector"), user_id("owner")]
    with write():
        events.record(name, subject=CASE, by=None, now=NOW, body=body | {"users": users})
        events.record(name, subject=CASE, by=None, now=NOW, body=body)
    assert told() == [(user, name, "瓶盖漏液") for user in users]


@pytest.mark.parametrize(
    ("offset", "level", "says"),
    [(-60, 0, "快到期"), (0, 0, "已到期"), (30, 0, "仍然超时"), (60, 1, "升级到您这里"), (0, 2, "升级到您这里")],
)
def test_a_clock_says_where_it_stands(sqlite_app: Flask, offset: int, level: int, says: str) -> None:
    assert says in sentence("clock_alarm", {"clock": "decide", "offset": offset, "level": level})


def test_a_handed_over_to_do_is_told_to_its_new_owner(sqlite_app: Flask) -> None:
    task = opened(owner_id=user_id("admin"))
    body = {"task": task, "owner": {"old": user_id("admin"), "new": user_id("inspector")}}
    with write():
        events.record("task_transferred", subject=CASE, by=user_id("admin"), now=NOW, body=body, reason="我休假")
    assert told() == [(user_id("inspector"), "task_transferred", "瓶盖漏液")]
    assert fresh().scalars(select(Notice.body)).one() == "我休假"


def test_who_started_a_case_is_told_how_it_ended(sqlite_app: Flask) -> None:
    make_flow("leave", node("boss", "approve", "quality_lead"))
    case = begin("leave", 7, user_id("inspector"))
    submit(case, "inspector")
    with write():
        events.record("flow_closed", subject=case.subject, by=user_id("quality_lead"), now=NOW)
    assert (user_id("inspector"), "flow_closed", "第 7 件") in told()


def test_the_words_of_a_node_are_told_with_its_to_do(sqlite_app: Flask) -> None:
    make_flow("leave", node("boss", "approve", "quality_lead", notice="请先看检验报告"))
    submit(begin("leave", 7, user_id("inspector")), "inspector")
    said = select(Notice.body).where(Notice.user_id == user_id("quality_lead"))
    assert fresh().scalars(said).one() == "请先看检验报告"


def test_what_came_after_the_page_was_shown_stays_unread(sqlite_app: Flask) -> None:
    me = user_id("quality_lead")
    opened()
    seen = fresh().scalars(select(Notice.id)).one()
    opened(title="又一件")
    with write():
        assert mark_all_read(me, seen, now=NOW) == 1
    assert count_unread(me) == 1


def unread() -> list[int]:
    """Return who has something unread."""
    return list(fresh().scalars(select(Notice.user_id).where(Notice.read_at.is_(None)).order_by(Notice.user_id)))


def person(role: str) -> User:
    """Return the person of a role in the open write."""
    return db.session.get_one(User, user_id(role))


def test_what_is_done_needs_no_reading(sqlite_app: Flask) -> None:
    task = opened()
    with write():
        close_tasks(CASE, by=user_id("quality_lead"), now=NOW, task_id=task)
    assert unread() == []


def test_what_one_claimed_is_no_news_to_the_others(app: Flask) -> None:
    task = opened(owner_id=None, pool=(user_id("inspector"), user_id("purchasing")))
    with write():
        claim(task, by=person("inspector"), expected_version=1, now=NOW)
    assert unread() == [user_id("inspector")]


def test_who_handed_a_to_do_over_is_done_with_it(sqlite_app: Flask) -> None:
    task = opened()
    with write():
        to = user_id("inspector")
        transfer(task, to=to, by=person("quality_lead"), note="", expected_version=1, now=NOW)
    assert unread() == [user_id("inspector")]


def test_who_stands_in_is_told_whose_it_is(app: Flask) -> None:
    zone, today = ZoneInfo("Asia/Shanghai"), NOW.date()
    new = NewStandIn(
        user_id=user_id("quality_lead"), deputy_id=user_id("inspector"), begins=today, ends=today, note="休假"
    )
    with time_machine.travel(NOW, tick=False):
        with write():
            number = set_stand_in(new, zone=zone, by=user_id("quality_lead"), now=NOW)
        assert told() == [(user_id("inspector"), "stand_in_set", "王姐 → 李工")]
        task = opened()
        found = {row.user_id: row for row in fresh().scalars(select(Notice).where(Notice.task_id == task))}
        assert set(found) == {user_id("quality_lead"), user_id("inspector")}
        deputy = found[user_id("inspector")]
        assert sentence(deputy.kind, deputy.facts) == "代 王姐 办理"
        assert not is_over(deputy, now=NOW)
        with write():
            end_stand_in(number, by=user_id("quality_lead"), now=NOW + timedelta(seconds=1))
        assert is_over(deputy, now=NOW + timedelta(seconds=1))
    assert told()[-1] == (user_id("inspector"), "stand_in_ended", "王姐 → 李工")


def test_a_question_is_told_once_and_leads_to_its_to_do(sqlite_app: Flask) -> None:
    opened(owner_id=user_id("admin"))
    with write():
        task = open_task(
            NewTask(
                kind="question", subject=CASE, title="管理员 问:测过吗?", url="/issues/7", detail="瓶盖漏液",
                owner_id=user_id("inspector"),
            ),
            by=user_id("admin"), now=NOW,
        )  # fmt: skip
        body = {"question": 1, "users": [user_id("inspector")], "task": task}
        events.record("question_asked", subject=CASE, by=user_id("admin"), now=NOW, body=body, reason="测过吗?")
    assert told() == [(user_id("inspector"), "question_asked", "管理员 问:测过吗?")]
    assert fresh().scalars(select(Notice.body)).one() == "瓶盖漏液"
    with write():
        close_tasks(CASE, by=user_id("inspector"), now=NOW, task_id=task)
        body = {"question": 1, "users": [user_id("admin")]}
        events.record("question_answered", subject=CASE, by=user_id("inspector"), now=NOW, body=body, reason="测过")
    assert told()[-1] == (user_id("admin"), "question_answered", "瓶盖漏液")
    assert unread() == [user_id("admin")]
