"""A to-do that was seen says so to whoever waits, and the next visit shows what changed since the one before."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.records.models import Record
from qtrace.records.service import change_record
from qtrace.tasks.models import Task, TaskLook
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.flows import node
from tests.factories.issues import fresh, make_issue
from tests.functional.test_deciding import BOSS, LEAD, a_case, decide, events, task_of

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock_stands() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def looks() -> list[tuple[int, Any, Any, Any]]:
    rows = fresh().scalars(select(TaskLook).order_by(TaskLook.task_id, TaskLook.user_id))
    return [(row.user_id, row.first_at, row.last_at, row.before_at) for row in rows]


def started(app: Flask) -> str:
    return log_in(app, "inspector").get("/tasks?state=mine").text


def test_whoever_handed_it_in_sees_whether_it_was_seen(app: Flask) -> None:
    a_case(app, LEAD)
    lead, task = log_in(app, "quality_lead"), task_of("quality_lead")
    assert "王姐(还没看)" in started(app)
    page = lead.get(f"/tasks/{task.id}/decision").text
    assert "现在等</b> 王姐(1 分钟前看过)" in page
    assert "还没看" not in started(app)
    assert looks() == [(user_id("quality_lead"), NOW, NOW, None)]
    assert [row.actor_id for row in events("task_seen")] == [user_id("quality_lead")]


def test_a_visit_is_one_look_however_often_the_page_is_opened(
    sqlite_app: Flask, clock_stands: time_machine.Traveller
) -> None:
    a_case(sqlite_app, LEAD)
    path = f"/tasks/{task_of('quality_lead').id}/decision"
    for minutes in (0, 0, 10, 25):
        clock_stands.move_to(NOW + timedelta(minutes=minutes), tick=False)
        log_in(sqlite_app, "quality_lead").get(path)
    last = NOW + timedelta(minutes=25)
    assert looks() == [(user_id("quality_lead"), NOW, last, None)]
    clock_stands.move_to(last + HOUR, tick=False)
    log_in(sqlite_app, "quality_lead").get(path)
    assert looks() == [(user_id("quality_lead"), NOW, last + HOUR, last)]
    assert len(events("task_seen")) == 1


def test_the_next_visit_shows_what_changed_since_the_one_before(
    sqlite_app: Flask, clock_stands: time_machine.Traveller
) -> None:
    a_case(sqlite_app, LEAD)
    path = f"/tasks/{task_of('quality_lead').id}/decision"
    assert "您上次看过之后的变化" not in log_in(sqlite_app, "quality_lead").get(path).text
    clock_stands.move_to(NOW + HOUR, tick=False)
    record = fresh().scalars(select(Record)).one()
    with write():
        change_record(
            record.id, {**record.answers, "reason": "瓶盖开裂"}, expected_version=record.version,
            by=user_id("quality_lead"), now=NOW + HOUR, reason="看错了",
        )  # fmt: skip
    for minutes in (61, 70):  # the same visit twice
        clock_stands.move_to(NOW + timedelta(minutes=minutes), tick=False)
        page = log_in(sqlite_app, "quality_lead").get(path).text
        assert "您上次看过之后的变化" in page and "看错了" in page
    clock_stands.move_to(NOW + 3 * HOUR, tick=False)
    page = log_in(sqlite_app, "quality_lead").get(path).text
    assert "您上次看过之后的变化" in page and "没有变化" in page


def test_what_comes_back_later_counts_from_the_last_visit_of_the_case(
    sqlite_app: Flask, clock_stands: time_machine.Traveller
) -> None:
    a_case(sqlite_app, LEAD, BOSS)
    lead = log_in(sqlite_app, "quality_lead")
    lead.get(f"/tasks/{task_of('quality_lead').id}/decision")
    decide(lead, task_of("quality_lead"))
    clock_stands.move_to(NOW + 2 * HOUR, tick=False)
    boss = log_in(sqlite_app, "owner")
    sent = {"target": "lead", "note": "金额再核一下"}
    assert boss.post(f"/tasks/{task_of('owner').id}/operations/return", sent).status_code == 303
    page = log_in(sqlite_app, "quality_lead").get(f"/tasks/{task_of('quality_lead').id}/decision").text
    assert "您上次看过之后的变化" in page and "金额再核一下" in page


def test_a_deputys_look_names_the_deputy(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD)
    sent = {"deputy_id": user_id("owner"), "begins": "2026-11-20", "ends": "2026-11-21", "reach": "all", "note": ""}
    assert log_in(sqlite_app, "quality_lead").post("/me/stand-ins", sent).status_code == 303
    log_in(sqlite_app, "owner").get(f"/tasks/{task_of('quality_lead').id}/decision")
    assert "王姐(老板 " in started(sqlite_app)


@pytest.mark.parametrize("kind", ["record", "issue"])
def test_the_page_of_the_subject_counts_for_whoever_has_the_to_do_there(sqlite_app: Flask, kind: str) -> None:
    if kind == "record":
        a_case(sqlite_app, node("lead", "handle", "quality_lead", permission="record.read"))
        url = db.session.scalars(select(Task.url).where(Task.state == "open")).one()
    else:
        url = f"/issues/{make_issue().number}"
    log_in(sqlite_app, "admin").get(url)
    assert looks() == []  # no to-do of theirs
    log_in(sqlite_app, "quality_lead").get(url)
    assert [who for who, *_times in looks()] == [user_id("quality_lead")]


def test_what_is_over_is_not_seen_any_more(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD)
    lead, task = log_in(sqlite_app, "quality_lead"), task_of("quality_lead")
    decide(lead, task)
    lead.get(f"/tasks/{task.id}/decision")
    assert looks() == []


def test_a_stranger_leaves_no_look(sqlite_app: Flask) -> None:
    a_case(sqlite_app, LEAD)
    stranger: Browser = log_in(sqlite_app, "purchasing")
    assert stranger.get(f"/tasks/{task_of('quality_lead').id}/decision").status_code == 404
    assert looks() == []
