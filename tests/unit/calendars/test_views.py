"""The pages of the work calendars: weekly hours, special days, departments, and what follows from them."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import Department
from qtrace.calendars.clock_service import RESCHEDULE
from qtrace.calendars.models import Calendar, CalendarDay
from qtrace.calendars.service import due_for, known_until
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.models import JobRow
from tests.conftest import NOW, Browser

OFFICE = "08:30-12:00 13:30-18:00"
WEEK = {f"day-{day}": OFFICE if day < 5 else "" for day in range(7)}


@pytest.fixture
def lead(sqlite_app: Flask, login: Callable[[str], Browser]) -> Browser:
    """The quality lead's browser; pages do not depend on the database."""
    return login("quality_lead")


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """Pages do not depend on the database."""
    return sqlite_app


def office() -> int:
    return db.session.scalars(select(Calendar.id).order_by(Calendar.id)).first() or 0


def form(**values: object) -> dict[str, object]:
    return {"name": "行政班", "zone": "Asia/Shanghai", "china": "1"} | WEEK | values


def test_the_list_says_who_works_when(lead: Browser) -> None:
    page = lead.get("/config/calendars").text
    assert "周一至周五" in page
    assert "08:30-12:00 13:30-18:00" in page
    assert "没有指定日历的部门" in page


def test_other_hours_are_stored_and_the_due_times_follow(lead: Browser) -> None:
    assert lead.post(f"/config/calendars/{office()}", form(**{"day-4": "08:30-12:00"})).status_code == 303
    db.session.remove()
    friday_noon = datetime(2026, 3, 6, 3, 0, tzinfo=UTC)
    assert due_for(None, friday_noon, 90) == datetime(2026, 3, 9, 1, 0, tzinfo=UTC)
    assert db.session.scalars(select(JobRow.name).where(JobRow.name == RESCHEDULE)).all() == [RESCHEDULE]


def test_the_trial_counts_with_what_is_typed_and_stores_nothing(lead: Browser) -> None:
    sent = form(calendar=str(office()), example_start="2026-03-06T17:00", example_hours="4", **{"day-0": "09:30-12:00"})
    page = lead.post("/config/calendars/preview", sent).text
    assert "周五 03-06 17:00 起 4 工作小时 → 下周二 03-10 09:00" in page
    assert "下周一 03-09 11:30" in lead.post("/config/calendars/preview", sent | WEEK).text
    db.session.remove()
    assert db.session.get_one(Calendar, office()).weekly["0"] == [["08:30", "12:00"], ["13:30", "18:00"]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"day-0": "9点到12点"}, "上班时段请写成"), ({"day-0": "09:00-12:00 11:00-18:00"}, "先后有序"),
        ({"zone": "Asia/Peking"}, "没有这个时区"), ({"name": ""}, "请填写日历名称"), ({"name": "客服班"}, "已经有叫"),
        ({f"day-{day}": "" for day in range(7)}, "至少要有一天上班"),
    ],
)  # fmt: skip
def test_a_calendar_that_cannot_be_is_refused_and_what_was_typed_stays(
    lead: Browser, change: dict[str, str], told: str
) -> None:
    answer = lead.post(f"/config/calendars/{office()}", form(**change))
    assert (answer.status_code, told in answer.text) == (422, True)
    assert (change.get("day-0") or "13:30-18:00") in answer.text


def test_a_new_calendar_gets_its_departments_and_is_removed_only_without_them(lead: Browser) -> None:
    store = db.session.scalars(select(Department.id).where(Department.name == "仓储部")).one()
    answer = lead.post("/config/calendars", form(name="仓库早班", departments=[str(store)]))
    url = answer.headers["Location"]
    db.session.remove()
    assert db.session.get_one(Department, store).calendar_id == int(url.rsplit("/", 1)[1])
    assert "仓储部" in lead.get("/config/calendars").text
    assert lead.post(f"{url}/removal", {}).status_code == 422
    lead.post(url, form(name="仓库早班"))
    assert lead.post(f"{url}/removal", {}).status_code == 303
    assert lead.post(f"/config/calendars/{office()}/removal", {}).status_code == 422


def test_special_days_are_added_in_a_row_and_removed_one_by_one(lead: Browser) -> None:
    url = f"/config/calendars/{office()}"
    lead.post(f"{url}/days", {"first": "2026-12-30", "last": "2026-12-31", "name": "盘点"})
    lead.post(f"{url}/days", {"first": "2027-01-02", "works": "1", "hours": "09:00-18:00", "name": "元旦调休"})
    db.session.remove()
    days = {row.day: row for row in db.session.scalars(select(CalendarDay))}
    assert [row.hours for row in days.values()] == [[], [], [["09:00", "18:00"]]]
    assert "元旦调休" in lead.get(url).text
    lead.post(f"{url}/days/{days[date(2026, 12, 31)].id}/removal", {})
    db.session.remove()
    assert set(db.session.scalars(select(CalendarDay.day))) == {date(2026, 12, 30), date(2027, 1, 2)}


def test_a_special_working_day_says_its_hours_and_a_row_of_days_ends_after_it_begins(lead: Browser) -> None:
    url = f"/config/calendars/{office()}/days"
    assert lead.post(url, {"first": "2027-01-02", "works": "1", "hours": ""}).status_code == 422
    assert lead.post(url, {"first": "2027-01-02", "last": "2027-01-01"}).status_code == 422
    assert lead.post(url, {"first": "morgen"}).status_code == 422
    assert lead.post(url, {"first": "0001-01-01"}).status_code == 422
    for start, hours in (("0001-01-01T00:00", "4"), ("", "nan"), ("2026-03-06T17:00", "1e9"), ("bald", "4")):
        sent = form(example_start=start, example_hours=hours)
        assert lead.post("/config/calendars/preview", sent).status_code == 422


def test_people_are_told_when_the_known_holidays_end_soon_until_somebody_enters_the_next_year(
    lead: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "节假日只知道到 2026-12-31"
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 10, 20, tzinfo=UTC))
    assert told not in lead.get("/config/calendars").text
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert told in lead.get("/config/calendars").text
    with write() as session:
        session.add(CalendarDay(calendar_id=office(), day=date(2027, 1, 1), hours=[]))
    assert told not in lead.get("/config/calendars").text
    assert known_until() == (date(2027, 12, 31), "行政班")


def test_who_may_not_change_flows_sees_no_calendar(sqlite_app: Flask, login: Callable[[str], Browser]) -> None:
    assert login("customer_service").get("/config/calendars").status_code == 403
