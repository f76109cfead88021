"""Somebody is away: a colleague sees the to-dos, decides them, and every record says for whom."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import Role, User
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.forms.models import Form
from qtrace.notifications.models import Notice
from qtrace.tasks.models import StandIn, Task
from qtrace.tasks.queries import count_open, mine
from qtrace.tasks.standing import tell_ended
from tests.conftest import NOW, log_in, user_id
from tests.factories.flows import make_flow, node
from tests.factories.forms import asked as asked_field
from tests.factories.forms import make_form
from tests.factories.issues import fresh, make_issue
from tests.functional.test_my_work import opened

TODAY, TOMORROW = "2026-11-20", "2026-11-21"


@pytest.fixture(autouse=True)
def clock_stands(sqlite_app: Flask) -> Iterator[None]:
    """Let every view see the same moment."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def login(sqlite_app: Flask) -> Any:
    """Log in as the person of a role."""
    return lambda role: log_in(sqlite_app, role)


def asked(deputy: str, **values: Any) -> dict[str, Any]:
    """Return what the form sends."""
    return {"deputy_id": user_id(deputy), "begins": TODAY, "ends": TOMORROW, "reach": "all", "note": "出差"} | values


def test_a_deputy_has_the_to_dos_while_it_runs_and_not_after(login: Any) -> None:
    opened(title="瓶盖漏液")
    assert login("inspector").post("/me/stand-ins", asked("owner")).status_code == 303
    page = login("owner").get("/").text
    assert "瓶盖漏液" in page and "代 李工" in page
    assert "瓶盖漏液" in login("owner").get("/tasks").text
    assert "李工 由 老板 代理" in login("owner").get("/me/stand-ins").text
    with time_machine.travel(NOW + timedelta(days=2), tick=False):
        with write():
            assert tell_ended(NOW + timedelta(days=2)) == 1
        with write():
            assert tell_ended(NOW + timedelta(days=2)) == 0
        assert "瓶盖漏液" not in login("owner").get("/").text
    names = fresh().scalars(select(EventRow.name).where(EventRow.name.like("stand_in%")).order_by(EventRow.seq)).all()
    assert list(names) == ["stand_in_set", "stand_in_ended"]


def test_whoever_stands_in_for_a_deputy_has_only_the_deputys_own(login: Any) -> None:
    opened(title="甲")
    opened(title="乙", owner_id=user_id("owner"))
    login("inspector").post("/me/stand-ins", asked("owner"))
    login("owner").post("/me/stand-ins", asked("purchasing"))
    page = login("purchasing").get("/").text
    assert "乙" in page and "甲" not in page


def test_what_cannot_be_a_stand_in_is_refused_at_its_field(login: Any) -> None:
    browser = login("inspector")
    for wrong in (
        asked("inspector"), asked("owner", begins=TOMORROW, ends=TODAY), asked("owner", begins="2026-11-01", ends="2026-11-02"),
        asked("owner", ends="morgen"), asked("owner", ends="2028-01-01"), asked("owner", deputy_id="x"),
        asked("owner", reach="some"), asked("owner", reach="some", flows="no_such"),
    ):  # fmt: skip
        answer = browser.post("/me/stand-ins", wrong)
        assert answer.status_code == 422 and 'class="error"' in answer.text, wrong
    browser.post("/me/stand-ins", asked("owner"))
    assert "已经由 老板 代理" in browser.post("/me/stand-ins", asked("purchasing")).text
    assert len(fresh().scalars(select(StandIn)).all()) == 1


def test_it_ends_early_and_only_by_whose_it_is(login: Any) -> None:
    login("inspector").post("/me/stand-ins", asked("owner"))
    number = fresh().scalars(select(StandIn.id)).one()
    assert login("purchasing").post(f"/me/stand-ins/{number}/end").status_code == 404
    assert login("inspector").post(f"/me/stand-ins/{number}/end").status_code == 303
    opened(title="瓶盖漏液")
    assert "瓶盖漏液" not in login("owner").get("/").text
    assert login("inspector").post(f"/me/stand-ins/{number}/end").status_code == 422


def test_who_keeps_the_members_sets_it_for_others(login: Any) -> None:
    opened(title="瓶盖漏液")
    form = asked("owner", user_id=user_id("inspector"), everybody="1")
    assert login("admin").post("/me/stand-ins", form).status_code == 303
    assert "瓶盖漏液" in login("owner").get("/").text
    login("purchasing").post("/me/stand-ins", asked("admin", user_id=user_id("owner")))
    owners = fresh().scalars(select(StandIn.user_id).order_by(StandIn.id)).all()
    assert list(owners) == [user_id("inspector"), user_id("purchasing")], "others only set their own"


def test_a_deputy_for_some_flows_sees_only_theirs(login: Any) -> None:
    opened(title="甲", flow="quality_issue")
    opened(title="乙", flow="other")
    opened(title="丙")
    form = asked("owner", reach="some", flows="quality_issue")
    assert login("inspector").post("/me/stand-ins", form).status_code == 303
    browser = login("owner")
    for page in ("/", "/tasks"):
        shown = browser.get(page).text
        assert "甲" in shown and "乙" not in shown and "丙<" not in shown, page
    with browser.app.app_context():
        deputy = db.session.get_one(User, user_id("owner"))
        assert count_open(deputy) == 1
        seen = db.session.scalars(select(Task.title).where(mine(deputy))).all()
        assert list(seen) == ["甲"]


def test_a_deputy_hands_in_what_is_the_others_and_the_case_names_both(login: Any) -> None:
    issue = make_issue()
    login("quality_lead").post("/me/stand-ins", asked("owner"))
    browser = login("owner")  # who may not decide for himself
    page = browser.get(f"/issues/{issue.number}").text
    assert 'name="verdict"' in page
    version = re.search(r'name="version" value="(\d+)"', page)
    answer = browser.post(f"/issues/{issue.number}/decisions", {"verdict": "submit", "version": version and version[1]})
    assert answer.status_code == 303
    assert "王姐（老板 代）" in login("quality_lead").get(f"/issues/{issue.number}").text


def test_both_sides_find_it_in_their_inbox(login: Any) -> None:
    login("admin").post("/me/stand-ins", asked("owner", user_id=user_id("inspector"), everybody="1"))
    for role in ("owner", "inspector"):
        assert "老板 代办 李工 的待办" in login(role).get("/inbox").text
    opened(title="瓶盖漏液")
    assert "瓶盖漏液" in login("owner").get("/inbox").text, "the deputy is told of what comes in"


POOLS = [
    [{"kind": "role", "value": "inspector"}],
    [{"kind": "role", "value": "inspector"}, {"kind": "role", "value": "purchasing"}],
]


def wait_in_pool(app: Flask, who: list[dict[str, str]]) -> Task:
    """Let the quality lead hand in a claim that then waits in a pool."""
    check = node("check", "approve", permission="record.read", signing={"mode": "claim"}) | {"who": who}
    make_flow("claims", check, node("boss", "approve", "quality_lead", permission="record.read"))
    form = make_form([asked_field("reason", "text", "事由")], key="claim", name="索赔单", prefix="SP")
    with write() as session:
        session.get_one(Form, form.id).flow = "claims"
        inspectors = session.scalars(select(Role).where(Role.key == "inspector")).one()
        buyer = session.get_one(User, user_id("purchasing"))
        buyer.roles.append(inspectors)  # a pool is more than one person
    answer = log_in(app, "quality_lead").post("/records/claim", {"reason": "瓶盖漏液"})
    assert answer.status_code == 303, answer.text
    return fresh().scalars(select(Task).where(Task.state == "open", Task.kind == "stage")).one()


@pytest.fixture
def pooled(sqlite_app: Flask, request: pytest.FixtureRequest) -> Task:
    """A claim that waits in a pool the inspector is in."""
    return wait_in_pool(sqlite_app, request.param)


@pytest.mark.parametrize("pooled", POOLS, ids=["role", "named"], indirect=True)
def test_a_deputy_claims_out_of_the_pools_of_the_person(pooled: Task, login: Any) -> None:
    stranger = login("owner")
    assert stranger.get(f"/tasks/{pooled.id}").status_code == 404
    login("inspector").post("/me/stand-ins", asked("owner"))
    assert "瓶盖漏液" in stranger.get("/").text
    user = fresh().get_one(User, user_id("owner"))
    assert count_open(user) == 1
    assert fresh().scalars(select(Task.id).where(mine(user))).all() == [pooled.id]
    assert stranger.post(f"/tasks/{pooled.id}/claim", {"version": pooled.version}).status_code == 303
    assert fresh().get_one(Task, pooled.id).owner_id == user_id("inspector")
    assert "代 李工" in stranger.get(f"/tasks/{pooled.id}").text
    assert stranger.post(f"/tasks/{pooled.id}/decision", {"verdict": "approve"}).status_code == 303
    row = fresh().scalars(select(FlowDecision).order_by(FlowDecision.version.desc()).limit(1)).one()
    assert (row.by, row.on_behalf) == (user_id("owner"), user_id("inspector"))
    url = fresh().scalars(select(FlowInstance.url)).one()
    assert "李工（老板 代）" in login("quality_lead").get(url).text


@pytest.mark.parametrize("pooled", POOLS, ids=["role", "named"], indirect=True)
def test_a_deputy_decides_without_claiming_and_only_while_it_runs(pooled: Task, login: Any) -> None:
    login("inspector").post("/me/stand-ins", asked("owner"))
    with time_machine.travel(NOW + timedelta(days=2), tick=False):
        deputy = login("owner")
        assert "瓶盖漏液" not in deputy.get("/").text
        assert deputy.post(f"/tasks/{pooled.id}/decision", {"verdict": "approve"}).status_code == 404
    assert login("owner").post(f"/tasks/{pooled.id}/decision", {"verdict": "approve"}).status_code == 303
    row = fresh().scalars(select(FlowDecision).order_by(FlowDecision.version.desc()).limit(1)).one()
    assert (row.by, row.on_behalf) == (user_id("owner"), user_id("inspector"))


@pytest.mark.parametrize("pooled", POOLS[:1], ids=["role"], indirect=True)
def test_a_deputy_for_other_flows_leaves_the_pools_alone(pooled: Task, login: Any) -> None:
    login("inspector").post("/me/stand-ins", asked("owner", reach="some", flows="quality_issue"))
    deputy = login("owner")
    assert "瓶盖漏液" not in deputy.get("/").text
    assert deputy.post(f"/tasks/{pooled.id}/claim", {"version": pooled.version}).status_code == 404
    assert count_open(fresh().get_one(User, user_id("owner"))) == 0


@pytest.mark.parametrize("who", POOLS, ids=["role", "named"])
def test_a_deputy_is_told_once_of_what_waits_in_the_pools_of_the_person(
    login: Any, sqlite_app: Flask, who: list[dict[str, str]]
) -> None:
    login("inspector").post("/me/stand-ins", asked("owner"))
    wait_in_pool(sqlite_app, who)
    told = select(Notice).where(Notice.kind == "task_pooled").order_by(Notice.user_id)
    notices = {one.user_id: one.facts.get("behind") for one in fresh().scalars(told)}
    assert notices == {user_id("inspector"): None, user_id("purchasing"): None, user_id("owner"): "李工"}
