"""The card of an issue's clocks, and its two buttons."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.calendars.alarms import ring_batch
from qtrace.calendars.clock_service import NewClock, start_case_clock
from qtrace.calendars.models import CaseClock
from qtrace.core.db import db, write
from qtrace.issues.models import Issue
from tests.conftest import NOW, Browser


@pytest.fixture
def timed(app: Flask, open_issue: Callable[..., Issue]) -> str:
    """The number of an issue that is to be contained within two hours."""
    issue = open_issue()
    number, issue_id = issue.number, issue.id
    with write():
        start_case_clock(NewClock(subject=("issue", issue_id), kind="contain", minutes=120), by=None, now=NOW)
    return number


def states() -> list[str]:
    db.session.remove()
    return list(db.session.scalars(select(CaseClock.state)))


def test_the_page_shows_each_clock_with_its_target(timed: str, login: Callable[[str], Browser]) -> None:
    page = login("quality_lead").get(f"/issues/{timed}").text
    assert 'id="clock-contain"' in page
    assert "临时控制" in page
    assert "2 小时" in page


def test_an_issue_without_clocks_has_no_card(
    app: Flask, login: Callable[[str], Browser], open_issue: Callable[..., Issue]
) -> None:
    assert 'id="clocks"' not in login("quality_lead").get(f"/issues/{open_issue().number}").text


def test_a_clock_is_paused_with_its_reason_and_goes_on(timed: str, login: Callable[[str], Browser]) -> None:
    lead = login("quality_lead")
    assert lead.post(f"/issues/{timed}/clocks/contain/pause", {"reason": "等供应商"}).status_code == 303
    assert states() == ["paused"]
    assert "等供应商" in lead.get(f"/issues/{timed}").text
    assert lead.post(f"/issues/{timed}/clocks/contain/pause/removal", {}).status_code == 303
    assert states() == ["running"]


def test_a_pause_without_a_reason_is_refused(timed: str, login: Callable[[str], Browser]) -> None:
    assert login("quality_lead").post(f"/issues/{timed}/clocks/contain/pause", {"reason": ""}).status_code == 422
    assert states() == ["running"]


def test_the_platform_waits_for_nobody(timed: str, login: Callable[[str], Browser]) -> None:
    assert login("quality_lead").post(f"/issues/{timed}/clocks/platform/pause", {"reason": "等"}).status_code == 422


def test_who_may_not_decide_does_not_pause(timed: str, login: Callable[[str], Browser]) -> None:
    assert login("owner").post(f"/issues/{timed}/clocks/contain/pause", {"reason": "等"}).status_code == 403
    assert states() == ["running"]


def test_the_timeline_says_to_whom_a_late_clock_was_escalated(timed: str, login: Callable[[str], Browser]) -> None:
    ring_batch(NOW + timedelta(days=7))
    page = login("quality_lead").get(f"/issues/{timed}").text
    assert "「临时控制」已到期" in page
    assert "「临时控制」超时,已升级给 管理员、王姐" in page
