"""The worker brings the clocks of issues in line with what happened to them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.calendars.models import CaseClock, CaseClockAlarm
from qtrace.core.db import db, write
from qtrace.core.events import timeline
from qtrace.issues.models import Issue
from qtrace.issues.service import assign_owner
from tests.conftest import NOW, user_id
from tests.factories.clocks import decided, replayed, stored, tick

HOUR = timedelta(hours=1)


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """What is followed does not depend on the database; that it equals a replay is tried on both."""
    return sqlite_app


def test_the_worker_starts_the_clocks_of_an_issue_and_the_reminder_reaches_its_owner(
    app: Flask, open_issue: Callable[..., Issue]
) -> None:
    tick(NOW)  # clocks are known here before the issue comes
    issue = open_issue(by="customer_service")
    tick(NOW + 3 * HOUR)
    assert set(stored(issue.id)) == {"acknowledge", "contain", "decide", "close"}
    tick(NOW + 5 * HOUR)
    [alarm] = [event for event in timeline("issue", issue.id) if event.name == "clock_alarm"]
    assert (alarm.body["clock"], alarm.body["step"], alarm.body["users"]) == (
        "acknowledge", "before", [user_id("customer_service")],
    )  # fmt: skip


def test_issues_from_before_get_their_clocks_and_nobody_is_told_what_is_long_due(
    app: Flask, open_issue: Callable[..., Issue]
) -> None:
    old = open_issue(now=NOW - timedelta(days=90))
    tick(NOW)
    assert stored(old.id) == replayed(old.id)
    assert max(db.session.scalars(select(CaseClockAlarm.rung_at))) <= NOW
    assert not [event for event in timeline("issue", old.id) if event.name == "clock_alarm"]


def test_a_transfer_takes_the_clocks_along(sqlite_app: Flask, open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    tick(NOW)
    with write():
        assign_owner(issue.id, owner_id=user_id("inspector"), by=user_id("quality_lead"), note="", now=NOW + HOUR)
    tick(NOW + HOUR)
    assert set(db.session.scalars(select(CaseClock.owner_id))) == {user_id("inspector")}


def test_an_ended_issue_rings_no_more(sqlite_app: Flask, open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    tick(NOW)
    decided(issue.id, "terminate", NOW + HOUR)
    tick(NOW + timedelta(days=30))
    assert set(db.session.scalars(select(CaseClock.next_at))) == {None}
    assert not list(db.session.scalars(select(CaseClockAlarm.id)))
