"""The platform's deadline of a complaint: from its source or typed, loud when it is near, with its own alarm."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.calendars.models import CaseClock
from qtrace.catalog.models import Shop
from qtrace.complaints.links import Links
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import NewComplaint, record_complaint, reopen, settle
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.events import timeline
from qtrace.issues.models import Issue
from qtrace.notifications.models import Notice
from qtrace.orders.upsert import store
from qtrace.sdk.records import AfterSale
from tests.conftest import NOW, Browser, user_id
from tests.factories.clocks import tick

HOUR = timedelta(hours=1)
DUE = NOW + 6 * HOUR


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """Pages and alarms of deadlines do not depend on the database."""
    return sqlite_app


@pytest.fixture
def service(sqlite_app: Flask, login: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The browser of customer service."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return login("customer_service")


def record(due: datetime | None = DUE) -> Complaint:
    with write() as session:
        by = session.get_one(User, user_id("customer_service"))
        new = NewComplaint(text="瓶口漏液,要求退款", links=Links(), platform_due_at=due)
        complaint_id = record_complaint(new, by=by, now=NOW)
    return db.session.get_one(Complaint, complaint_id)


def alarms(complaint: Complaint) -> list[tuple[str, list[int]]]:
    told = [event for event in timeline("complaint", complaint.id) if event.name == "clock_alarm"]
    return [(event.body["step"], event.body["users"]) for event in reversed(told)]


def state() -> str:
    return db.session.scalars(select(CaseClock.state)).one()


def test_an_imported_after_sale_brings_its_deadline_and_an_extension_moves_it(sqlite_app: Flask) -> None:
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        shop_id = shop.id
    for due in (DUE, DUE + 48 * HOUR):
        sale = AfterSale(external_id="SH1", reason="质量问题", opened_at=NOW - HOUR, platform_due_at=due)
        with write():
            store(shop_id, [sale], source=("channel_account", 1), by=None, now=NOW)
        db.session.remove()
        assert db.session.scalars(select(Complaint.platform_due_at)).one() == due


def test_its_clock_runs_day_and_night_and_tells_who_handles_it(sqlite_app: Flask) -> None:
    complaint = record()
    tick(NOW)
    assert state() == "running"
    tick(NOW + 5 * HOUR + timedelta(minutes=1))
    assert alarms(complaint) == [("before", [user_id("customer_service")])]
    [notice] = db.session.scalars(select(Notice).where(Notice.kind == "clock_alarm"))
    assert (notice.title, notice.url) == ("瓶口漏液,要求退款", f"/complaints/{complaint.number}")
    tick(DUE)
    assert [step for step, _users in alarms(complaint)] == ["before", "due"]


def test_a_settled_complaint_rings_no_more_and_a_reopened_one_does(sqlite_app: Flask) -> None:
    complaint, by = record(), user_id("customer_service")
    tick(NOW)
    with write():
        settle([complaint.id], handling="refund", terms={}, by=by, now=NOW + HOUR)
    tick(NOW + 7 * HOUR)
    assert (state(), alarms(complaint)) == ("stopped", [])
    with write():
        version = db.session.get_one(Complaint, complaint.id, populate_existing=True).version
        reopen(complaint.id, by=by, now=NOW + 7 * HOUR, version=version)
    tick(NOW + 7 * HOUR)
    assert state() == "running"


def test_nobody_is_told_of_a_deadline_that_was_over_when_it_became_known(sqlite_app: Flask) -> None:
    complaint = record(NOW - 30 * 24 * HOUR)
    for day in range(3):
        tick(NOW + timedelta(days=day))
    assert alarms(complaint) == []


def test_a_deadline_of_never_disturbs_no_clock(sqlite_app: Flask) -> None:
    record(datetime(9999, 12, 31, tzinfo=UTC))
    near = record()
    tick(NOW)
    assert db.session.scalars(select(CaseClock.subject_id)).all() == [near.id]


def test_the_page_and_the_list_say_how_much_time_is_left(service: Browser) -> None:
    late, near, far = (record(NOW + hours * HOUR) for hours in (-2, 3, 100))
    record(None)
    page = service.get(f"/complaints/{near.number}").text
    assert "平台时限 剩 3 小时" in page
    listed = service.get("/complaints?status=open&due=any&sort=due").text
    places = [listed.index(one.number) for one in (late, near, far)]
    assert places == sorted(places)
    assert "平台时限 超时 2 小时" in listed
    assert near.number in service.get("/complaints?status=open&due=soon").text
    assert near.number not in service.get("/complaints?status=open&due=late").text


def test_the_deadline_is_typed_in_the_time_of_the_site_and_taken_away_again(service: Browser) -> None:
    complaint = record(None)
    url = f"/complaints/{complaint.number}/deadline"
    sent = {"version": str(complaint.version), "platform_due_at": "2026-11-21T18:00"}
    assert service.post(url, sent).status_code == 303
    db.session.remove()
    changed = db.session.get_one(Complaint, complaint.id)
    assert changed.platform_due_at is not None
    assert changed.platform_due_at.isoformat() == "2026-11-21T10:00:00+00:00"
    assert service.post(url, sent).status_code == 409
    assert (
        service.post(url, sent | {"platform_due_at": "0001-01-01T00:00", "version": str(changed.version)}).status_code
        == 422
    )
    assert service.post(url, {"version": str(changed.version), "platform_due_at": ""}).status_code == 303


def test_it_can_be_given_when_a_complaint_is_recorded(service: Browser) -> None:
    service.post("/complaints", {"text": "要求退款", "platform_due_at": "2026-11-21T18:00"})
    assert db.session.scalars(select(Complaint.platform_due_at)).one() is not None


def test_its_issue_shows_the_nearest_deadline(service: Browser, login: Callable[[str], Browser]) -> None:
    near, far = record(NOW + 3 * HOUR), record(NOW + 100 * HOUR)
    lead = login("quality_lead")
    lead.post("/issues/openings", {"ids": [str(near.id), str(far.id)]})
    db.session.remove()
    number = db.session.scalars(select(Issue.number)).one()
    page = lead.get(f"/issues/{number}").text
    assert page.count("平台时限 剩 3 小时") == 2
