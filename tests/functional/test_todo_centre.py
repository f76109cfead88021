"""The to-do centre: tabs, saved views, many decisions at once, urging, handing over everything."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from qtrace.accounts.models import Department, User
from qtrace.core.db import write
from qtrace.core.models import EventRow
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.tasks.bulk import begin_batch, forget_batches
from qtrace.tasks.models import StandIn, Task, TaskBatch
from tests.conftest import NOW, log_in, user_id
from tests.factories.approvals import hand_in, make_approval
from tests.factories.issues import fresh
from tests.functional.test_my_work import opened


@pytest.fixture(autouse=True)
def clock_stands(sqlite_app: Flask) -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def login(sqlite_app: Flask) -> Any:
    """Log in as the person of a role."""
    return lambda role: log_in(sqlite_app, role)


def shown(page: str, titles: str = "甲乙丙丁戊") -> str:
    """Return which of these titles the list shows, in its order."""
    main = page[page.index("<main") :]
    return "".join(re.findall(rf'<a class="narrow-only" href="[^"]*">[^<]*:([{titles}])</a>', main))


def tasks_of(role: str) -> list[int]:
    """Return the ids of the open to-dos of a role's person."""
    rows = select(Task.id).where(Task.owner_id == user_id(role), Task.state == "open").order_by(Task.id)
    return list(fresh().scalars(rows))


def events(name: str) -> list[EventRow]:
    """Return the events of a name, the oldest first."""
    return list(fresh().scalars(select(EventRow).where(EventRow.name == name).order_by(EventRow.seq)))


def stand_in(person: str, deputy: str) -> None:
    """Let somebody stand in from yesterday to tomorrow."""
    with write() as session:
        session.add(
            StandIn(user_id=user_id(person), deputy_id=user_id(deputy), begins_at=NOW - timedelta(days=1),
                    ends_at=NOW + timedelta(days=1), created_at=NOW)
        )  # fmt: skip


def test_the_tabs_search_and_filters_show_what_they_say(login: Any) -> None:
    make_approval()
    hand_in(1, "甲")
    hand_in(2, "乙")
    opened(title="丙", due_at=NOW - timedelta(hours=1), url="/issues/QI-77")
    browser = login("inspector")
    for query, titles in {
        "": "丙甲乙", "?state=late": "丙", "?flow=claim": "甲乙", "?stage=boss&q=乙": "乙", "?q=qi-77": "丙",
        "?due=late": "丙", "?kind=issue": "", "?state=done": "",
    }.items():  # fmt: skip
        assert shown(browser.get(f"/tasks{query}").text) == titles, query
    grouped = browser.get("/tasks?group=stage").text
    assert re.search(r"主管审批 <span class=\"num\">2<", grouped)
    assert "索赔审批" in grouped and "没有符合条件的待办" in browser.get("/tasks?q=不存在").text


def test_a_view_is_kept_and_may_be_what_the_page_opens_with(login: Any) -> None:
    opened(title="甲", due_at=NOW - timedelta(hours=1))
    opened(title="乙")
    browser = login("inspector")
    form = {"state": "open", "due": "late", "name": "急的", "default": "1"}
    assert browser.post("/tasks/views", form).status_code == 303
    assert shown(browser.get("/tasks").text) == "甲"
    assert shown(browser.get("/tasks?state=open").text) == "甲乙"
    assert browser.post("/tasks/views", form | {"name": ""}).status_code == 422
    number = re.search(r"/tasks/views/(\d+)/delete", browser.get("/tasks").text)
    assert number is not None
    assert login("owner").post(f"/tasks/views/{number[1]}/delete").status_code == 404
    browser.post(f"/tasks/views/{number[1]}/delete")
    assert shown(browser.get("/tasks").text) == "甲乙"


def test_what_i_started_says_where_it_is_and_who_has_it(login: Any) -> None:
    make_approval()
    hand_in(1, "甲")
    page = login("customer_service").get("/tasks?state=mine").text
    assert "现在「主管审批」,等 李工" in page and 'data-testid="urge"' in page
    assert "甲" not in login("customer_service").get("/tasks?state=mine&ended=ended").text
    assert "您还没有发起过" in login("inspector").get("/tasks?state=mine").text


def test_copies_are_counted_read_and_kept(login: Any) -> None:
    first = opened(title="甲", kind="copy", state="copied")
    opened(title="乙", kind="copy", state="copied", url="/things/乙")
    browser = login("inspector")
    assert "抄送 2" in browser.get("/").text
    answer = browser.post("/tasks/copies/read", {"task": first, "next": "/issues"})
    assert answer.location == "/issues"
    assert "抄送 1" in browser.get("/").text
    login("owner").post("/tasks/copies/read", {})
    assert "抄送 1" in browser.get("/").text, "somebody else reads only the own"
    browser.post("/tasks/copies/read", {})
    assert "抄送" not in browser.get("/").text
    assert set(shown(browser.get("/tasks?state=copied").text)) == {"甲", "乙"}


def test_a_head_sees_the_team_and_those_below_and_nobody_else_does(login: Any) -> None:
    opened(title="甲")  # 李工, of the store
    opened(title="乙", owner_id=user_id("purchasing"))
    with write() as session:
        store = session.scalars(select(Department).where(Department.name == "仓储部")).one()
        service = session.scalars(select(Department).where(Department.name == "客服部")).one()
        service.head_id, store.parent_id = user_id("customer_service"), service.id
    browser = login("customer_service")
    assert shown(browser.get("/tasks?state=team").text) == "甲"
    assert shown(login("quality_lead").get("/tasks?state=team").text) == "甲乙"
    plain = login("purchasing").get("/tasks?state=team").text
    assert "我的团队" not in plain and "甲" not in plain


def test_ticked_ones_are_listed_then_agreed_each_by_itself(login: Any) -> None:
    make_approval()
    for number, title in enumerate("甲乙丙", start=1):
        hand_in(number, title)
    opened(title="丁", node="triage")
    browser, ids = login("inspector"), tasks_of("inspector")
    page = browser.get("/tasks").text
    assert (
        page.count('name="task" value') == 3 and " checked" not in page[page.index('id="bulk"') : page.index("</main>")]
    )
    query = "&".join(f"task={number}" for number in ids)
    confirm = browser.get(f"/tasks/bulk?verdict=approve&{query}").text
    assert "同意这 3 件" in confirm and "这件待办要打开后单独处理" in confirm
    with write() as session:  # somebody was faster with 乙, and 丙 left the person's hands
        session.execute(update(Task).where(Task.id == ids[1]).values(state="done"))
        session.execute(update(Task).where(Task.id == ids[2]).values(owner_id=user_id("owner")))
    sent = {"task": ids[:3], "verdict": "approve", "submit_id": "tap-1"}
    answer = browser.post("/tasks/bulk", sent)
    results = browser.get(answer.location).text
    assert results.count("别人更快") == 2 and "1 件办成,2 件没有" in results
    assert list(fresh().scalars(select(FlowInstance.status).order_by(FlowInstance.id))) == [
        "closed",
        "running",
        "running",
    ]
    assert browser.post("/tasks/bulk", sent).location == answer.location, "a double tap is led to the first answer"
    assert len(fresh().scalars(select(TaskBatch)).all()) == 1
    assert login("owner").get(answer.location).status_code == 404


def test_results_of_an_interrupted_run_say_so_and_old_ones_are_forgotten(login: Any) -> None:
    with write():
        number = begin_batch(user_id("inspector"), "approve", "", 3, NOW)
    browser = login("inspector")
    assert "还在处理" in browser.get(f"/tasks/batches/{number}").text
    with time_machine.travel(NOW + timedelta(minutes=6), tick=False):
        assert "处理中断了" in browser.get(f"/tasks/batches/{number}").text
    with write():
        forget_batches(NOW + timedelta(days=91))
    assert browser.get(f"/tasks/batches/{number}").status_code == 404


def test_rejecting_needs_one_opinion_for_all(login: Any) -> None:
    make_approval()
    hand_in(1, "甲")
    hand_in(2, "乙")
    browser, ids = login("inspector"), tasks_of("inspector")
    refused = browser.post("/tasks/bulk", {"task": ids, "verdict": "reject"})
    assert refused.status_code == 422 and "请填写意见" in refused.text
    browser.post("/tasks/bulk", {"task": ids, "verdict": "reject", "note": "缺照片"})
    notes = fresh().execute(
        select(FlowDecision.verdict, FlowDecision.note).where(FlowDecision.by == user_id("inspector"))
    )
    assert [tuple(row) for row in notes] == [("reject", "缺照片")] * 2
    assert browser.get("/tasks/bulk?verdict=approve").status_code == 422
    assert browser.get(f"/tasks/bulk?task={ids[0]}&verdict=delete").status_code == 422


@pytest.mark.parametrize("demands", [{"signature": True}, {"level": 1}])
def test_what_wants_more_than_a_tap_cannot_be_ticked(login: Any, demands: dict[str, Any]) -> None:
    make_approval(demands=demands)
    hand_in(1, "甲")
    browser, ids = login("inspector"), tasks_of("inspector")
    assert 'name="task" value' not in browser.get("/tasks").text
    answer = browser.post("/tasks/bulk", {"task": ids, "verdict": "approve"})
    assert "没有办成" in browser.get(answer.location).text or "别人更快" in browser.get(answer.location).text
    assert fresh().scalars(select(FlowInstance.status)).one() == "running"


def test_a_deputy_decides_and_every_history_names_both(login: Any) -> None:
    make_approval()
    hand_in(1, "甲")
    stand_in("inspector", "owner")
    browser, ids = login("owner"), tasks_of("inspector")
    assert "代 李工" in browser.get("/tasks").text
    browser.post("/tasks/bulk", {"task": ids, "verdict": "approve"})
    row = fresh().scalars(select(FlowDecision).where(FlowDecision.by == user_id("owner"))).one()
    assert row.on_behalf == user_id("inspector")
    assert "李工（老板 代）" in browser.get("/tasks?state=done").text


def test_a_deputy_does_not_approve_the_own_case_where_the_node_forbids_it(login: Any) -> None:
    make_approval(policies={"self_approval": "skip"})
    hand_in(1, "甲", by="owner")
    stand_in("inspector", "owner")
    browser, ids = login("owner"), tasks_of("inspector")
    assert "不能由您代为审批" in browser.get(f"/tasks/bulk?verdict=approve&task={ids[0]}").text
    browser.post("/tasks/bulk", {"task": ids, "verdict": "approve"})
    assert fresh().scalars(select(FlowInstance.status)).one() == "running"
    login("inspector").post("/tasks/bulk", {"task": ids, "verdict": "approve"})
    assert fresh().scalars(select(FlowInstance.status)).one() == "closed"


def test_urging_reaches_whoever_has_it_once_in_four_hours(login: Any) -> None:
    make_approval()
    hand_in(1, "甲")
    browser, form = login("customer_service"), {"kind": "thing", "id": 1}
    assert browser.post("/tasks/urges", form).status_code == 303
    assert events("task_urged")[0].body["users"] == [user_id("inspector")]
    assert "被催办" in login("inspector").get("/").text
    again = browser.post("/tasks/urges", form)
    assert again.status_code == 422 and "14:00 之后可以再催" in again.text
    with time_machine.travel(NOW + timedelta(hours=4, minutes=1), tick=False):
        assert browser.post("/tasks/urges", form).status_code == 303
    assert login("purchasing").post("/tasks/urges", form).status_code == 404
    assert browser.post("/tasks/urges", {"kind": "thing", "id": "x"}).status_code == 404


def test_everything_is_handed_over_at_once_and_listed(login: Any) -> None:
    make_approval()
    hand_in(1, "甲")
    opened(title="乙", kind="action", node="")
    browser = login("inspector")
    assert "李工 名下有 2 件" in browser.get("/me/hand-over").text
    for wrong in ({"to": user_id("inspector")}, {"to": "x"}, {}):
        assert browser.post("/me/hand-over", wrong).status_code == 422
    answer = browser.post("/me/hand-over", {"to": user_id("owner"), "submit_id": "tap-2"})
    assert "2 件全部办成" in browser.get(answer.location).text
    assert tasks_of("inspector") == [] and len(tasks_of("owner")) == 2
    assert "共 2 件" in login("owner").get("/inbox").text
    body = events("tasks_handed_over")[0].body
    assert (body["from"], body["to"], body["cases"]) == (user_id("inspector"), user_id("owner"), 1)
    login("owner").post("/tasks/bulk", {"task": tasks_of("owner")[:1], "verdict": "approve"})
    assert fresh().scalars(select(FlowInstance.status)).one() == "closed", "the turn went along with its to-do"


def test_only_who_keeps_the_members_hands_over_for_others(login: Any) -> None:
    opened(title="甲")
    form = {"from": user_id("inspector"), "to": user_id("owner")}
    assert login("purchasing").post("/me/hand-over", form).status_code == 422, "has nothing of the own"
    assert tasks_of("inspector") != []
    with write() as session:
        session.execute(update(User).where(User.id == user_id("inspector")).values(active=False))
    assert login("admin").post("/me/hand-over", form).status_code == 303
    assert tasks_of("inspector") == []
