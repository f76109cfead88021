"""The home page: what is mine, what is late, and how it gets into other hands."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.core.db import write
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, open_task
from tests.conftest import NOW, Browser, user_id
from tests.factories.issues import anew, fresh, make_issue


@pytest.fixture(autouse=True)
def clock_stands(app: Flask) -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


def opened(**values: Any) -> int:
    """Open a to-do of 李工."""
    new = {"kind": "stage", "subject": ("thing", 1), "title": "瓶盖漏液", "url": "/issues", "node": "triage"}
    if "role_key" not in values:
        new["owner_id"] = user_id("inspector")
    with write():
        return open_task(NewTask(**new | values), by=None, now=NOW)


@pytest.fixture
def ligong(login: Any) -> Browser:
    """李工."""
    browser: Browser = login("inspector")
    return browser


def section(page: str, key: str) -> str:
    """Return one group of the home page, empty when it is not there."""
    found = re.search(rf'<section id="{key}".*?</section>', page, re.S)
    return found[0] if found else ""


def test_an_empty_day_teaches_what_will_stand_here(ligong: Browser) -> None:
    page = ligong.get("/").text
    assert "没有待办" in page
    assert "分到您名下的定责、查原因、整改和看效果会出现在这里" in page
    assert 'href="/complaints"' in page


def test_to_dos_stand_under_late_today_week_later_and_waiting(ligong: Browser) -> None:
    opened(title="甲", due_at=NOW - timedelta(hours=3))
    opened(title="乙", due_at=NOW + timedelta(hours=5))
    opened(title="丙", due_at=NOW + timedelta(days=2))
    opened(title="丁", due_at=NOW + timedelta(days=9))
    opened(title="戊", node="verify", due_at=NOW + timedelta(days=30))
    page = ligong.get("/").text
    places = {"late": "甲", "today": "乙", "week": "丙", "later": "丁", "waiting": "戊"}
    for key, title in places.items():
        assert re.findall(r"[甲乙丙丁戊]", section(page, key)) == [title], key
    for count in ("超时 1", "今天 1", "本周 1", "以后 1", "等待数据 1", "5 件待办"):
        assert count in page
    assert '<li class="todo late">' in section(page, "late")
    assert "超时 3 小时" in section(page, "late")
    assert '<li class="todo soon">' in section(page, "today")


def test_a_card_says_which_issue_it_is_and_leads_there(login: Any) -> None:
    with write() as session:
        session.add(Term(kind="severity", code="s_x", name_zh="测试重大", name_en="Severe", position=900))
    severity = fresh().scalars(select(Term.id).where(Term.code == "s_x")).one()
    issue = make_issue(severity_id=severity)
    page = login("quality_lead").get("/").text
    assert f"<p>{issue.number} · 测试重大</p>" in page
    assert f'href="/issues/{issue.number}"' in page
    assert "录入与分类:瓶盖漏液,外包装浸湿" in page


def test_the_menu_counts_my_open_to_dos(ligong: Browser) -> None:
    for _ in range(3):
        opened()
    opened(role_key="inspector")
    opened(owner_id=user_id("owner"))
    nav = re.search(r"我的工作.{0,120}?>(\d+)<", ligong.get("/complaints").text, re.S)
    assert nav is not None
    assert nav[1] == "4"


def test_a_pool_to_do_is_claimed_once(ligong: Browser, login: Any) -> None:
    task = opened(role_key="inspector")
    assert 'data-testid="claim"' in ligong.get("/").text
    assert ligong.post(f"/tasks/{task}/claim", {"version": 1}).status_code == 303
    assert anew(Task, task).owner_id == user_id("inspector")
    assert 'data-testid="claim"' not in ligong.get("/").text
    assert ligong.post(f"/tasks/{task}/claim", {"version": 1}).status_code == 409
    assert login("purchasing").post(f"/tasks/{task}/claim", {"version": 2}).status_code == 404


def test_a_to_do_is_handed_over_with_a_note(ligong: Browser, login: Any) -> None:
    task = opened()
    page = ligong.get(f"/tasks/{task}").text
    assert "周敏" in page
    assert f'<option value="{user_id("inspector")}">' not in page, "not to oneself"
    form = {"to": user_id("purchasing"), "version": 1, "note": "供应商的事\x00"}
    assert ligong.post(f"/tasks/{task}/transfer", form).status_code == 303
    assert "瓶盖漏液" not in ligong.get("/").text
    assert "瓶盖漏液" in login("purchasing").get("/").text
    assert ligong.get(f"/tasks/{task}").status_code == 404
    assert ligong.post(f"/tasks/{task}/transfer", form).status_code == 404


def test_a_helper_sees_it_too(ligong: Browser, login: Any) -> None:
    task = opened()
    assert ligong.post(f"/tasks/{task}/helpers", {"user_id": user_id("owner")}).status_code == 303
    assert "老板" in ligong.get(f"/tasks/{task}").text
    assert "瓶盖漏液" in login("owner").get("/").text
    assert "瓶盖漏液" in ligong.get("/").text


def test_broken_numbers_are_refused_and_never_a_crash(ligong: Browser) -> None:
    task = opened()
    for wrong in ("", "x", "9" * 30, "-5", "９"):
        assert ligong.post(f"/tasks/{task}/transfer", {"to": wrong, "version": 1}).status_code == 422, wrong
        assert ligong.post(f"/tasks/{task}/helpers", {"user_id": wrong}).status_code == 422, wrong
        assert ligong.post(f"/tasks/{task}/transfer", {"to": user_id("owner"), "version": wrong}).status_code == 409, (
            wrong
        )
    assert ligong.get("/tasks/99999999999999999999").status_code == 404
    assert anew(Task, task).owner_id == user_id("inspector")


def test_the_lists_are_open_done_and_late(ligong: Browser) -> None:
    opened(title="甲", due_at=NOW - timedelta(hours=3))
    opened(title="乙")
    closed = opened(title="丙")
    with write() as session:
        row = session.get_one(Task, closed)
        row.state, row.closed_at, row.closed_by = "done", NOW, user_id("inspector")
    lists = {"": {"甲", "乙"}, "?state=late": {"甲"}, "?state=done": {"丙"}}
    for query, titles in lists.items():
        page = ligong.get(f"/tasks{query}").text
        main = page[page.index("<main") :]
        assert set(re.findall(r"[甲乙丙]", main)) == titles, query


def test_empty_lists_say_so(ligong: Browser) -> None:
    assert "没有超时的待办" in ligong.get("/tasks?state=late").text
    assert "这里是空的" in ligong.get("/tasks").text


def test_a_visitor_is_led_to_the_login(client: Any) -> None:
    assert client.get("/").status_code in {302, 303}
    assert "/login" in client.get("/tasks").location


def test_a_to_do_of_another_department_is_nobodys_business(login: Any) -> None:
    task = opened()
    for role in ("purchasing", "quality_lead", "admin"):
        assert login(role).get(f"/tasks/{task}").status_code == 404, role
        assert login(role).post(f"/tasks/{task}/helpers", {"user_id": user_id("owner")}).status_code == 404


def test_more_to_dos_than_a_page_holds_are_all_reachable(ligong: Browser) -> None:
    with write() as session:
        session.add_all(
            Task(kind="stage", subject_kind="thing", subject_id=n, title=f"待办 {n}", url="/", owner_id=user_id("inspector"),
                 created_at=NOW, due_at=NOW + timedelta(minutes=n))
            for n in range(1, 121)
        )  # fmt: skip
    home = ligong.get("/").text
    assert "120 件待办" in home and "待办 50" in home and "待办 51<" not in home
    assert "这里是最急的 50 件" in home
    seen = [ligong.get(f"/tasks?page={page}").text for page in (1, 2, 3)]
    assert all(f"待办 {n}<" in seen[(n - 1) // 50] for n in range(1, 121))
    assert 'rel="next"' in seen[1] and 'rel="prev"' in seen[2] and 'rel="next"' not in seen[2]
