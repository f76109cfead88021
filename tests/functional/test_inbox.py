"""The inbox: what one was told, and nobody else."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import write
from qtrace.issues.clocks import NAMES
from qtrace.notifications.models import Notice
from qtrace.notifications.service import notify
from qtrace.tasks.service import NewTask, open_task
from tests.conftest import NOW, log_in, user_id
from tests.factories.issues import fresh

LEAD = "quality_lead"


@pytest.fixture(autouse=True)
def clock_stands(sqlite_app: Flask) -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


def tell(title: str, *, role: str = LEAD, kind: str = "task_opened", url: str = "/issues", body: str = "") -> int:
    """Tell a person something and return the notice's id."""
    with write():
        notify(kind, [user_id(role)], title, body, url, subject=("thing", 1), dedupe=title, now=NOW)
    return fresh().scalars(select(Notice.id).order_by(Notice.id.desc())).first() or 0


def browser(app: Flask, role: str = LEAD) -> Any:
    """Log in as the person of a role."""
    return log_in(app, role)


def test_an_empty_inbox_says_what_will_stand_there(sqlite_app: Flask) -> None:
    page = browser(sqlite_app).get("/inbox").text
    assert "还没有通知" in page
    assert 'class="dot"' not in re.search(r'<a class="tap bell" id="bell-top".*?</a>', page, re.S)[0]  # type: ignore[index]


def test_the_bell_counts_on_every_page_and_what_is_opened_is_read(sqlite_app: Flask) -> None:
    first = tell("瓶盖漏液", url="/issues?q=1")
    tell("标签贴错")
    me = browser(sqlite_app)
    assert "通知,2 条未读" in me.get("/").text
    page = me.get("/inbox").text
    assert page.index("标签贴错") < page.index("瓶盖漏液")
    opened = me.get(f"/inbox/{first}")
    assert (opened.status_code, opened.headers["Location"]) == (303, "/issues?q=1")
    assert "通知,1 条未读" in me.get("/").text
    unread = me.get("/inbox?show=unread").text
    assert "标签贴错" in unread
    assert "瓶盖漏液" not in unread


def test_the_bell_is_quiet_while_nothing_changed(sqlite_app: Flask) -> None:
    tell("瓶盖漏液")
    me = browser(sqlite_app)
    assert me.get("/inbox/bell?known=1").status_code == 204
    news = me.get("/inbox/bell?known=0", headers={"HX-Request": "true"})
    assert news.status_code == 200
    assert 'id="bell-top"' in news.text
    assert "known=1" in news.text


def test_one_and_all_are_marked_read(sqlite_app: Flask) -> None:
    first = tell("甲")
    tell("乙")
    tell("丙")
    me = browser(sqlite_app)
    me.post(f"/inbox/{first}/reading")
    assert "通知,2 条未读" in me.get("/inbox").text
    newest = re.search(r'name="newest" value="(\d+)"', me.get("/inbox").text)
    assert newest is not None
    me.post("/inbox/reading", {"newest": newest[1]})
    assert "全部标为已读" not in me.get("/inbox").text


def test_a_notice_is_its_persons_alone(sqlite_app: Flask) -> None:
    notice = tell("瓶盖漏液")
    other = browser(sqlite_app, "inspector")
    assert other.get(f"/inbox/{notice}").status_code == 404
    assert other.post(f"/inbox/{notice}/reading").status_code == 404
    assert "瓶盖漏液" not in other.get("/inbox").text
    assert fresh().scalars(select(Notice.read_at)).one() is None


def test_what_people_wrote_is_only_text(sqlite_app: Flask) -> None:
    tell("<img src=x onerror=alert(1)>", body="<script>alert(2)</script>")
    page = browser(sqlite_app).get("/inbox").text
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "&lt;img src=x" in page


def test_a_clock_is_called_by_its_name_and_by_that_of_its_case(sqlite_app: Flask) -> None:
    with write():
        open_task(NewTask(kind="stage", subject=("thing", 1), title="瓶盖漏液", url="/issues"), by=None, now=NOW)
    with write():
        body = {"clock": "platform", "step": "due", "offset": 0, "level": 0, "users": [user_id(LEAD)]}
        events.record("clock_alarm", subject=("thing", 1), by=None, now=NOW, body=body)
        events.record("clock_alarm", subject=("unknown", 1), by=None, now=NOW, body=body)
    page = browser(sqlite_app).get("/inbox").text
    assert "瓶盖漏液" in page
    assert f"「{NAMES['platform']}」已到期" in page
    assert len(fresh().scalars(select(Notice.id)).all()) == 1  # a case nobody knows has no title to be told by


def test_older_notices_are_on_the_next_page(sqlite_app: Flask) -> None:
    for n in range(33):
        tell(f"第 {n} 件")
    page = browser(sqlite_app).get("/inbox").text
    assert "第 32 件" in page
    assert "第 2 件" not in page
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older is not None
    assert "第 2 件" in browser(sqlite_app).get(older[1].replace("&amp;", "&")).text
