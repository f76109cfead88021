"""The card of an issue's clocks, and its two buttons."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.calendars.alarms import ring_batch
from qtrace.calendars.models import CaseClock
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.issues.clock_sync import follow_issue
from qtrace.issues.models import Issue
from tests.conftest import NOW, Browser


@pytest.fixture
def timed(app: Flask, open_issue: Callable[..., Issue], monkeypatch: pytest.MonkeyPatch) -> str:
    """The number of an issue that was opened an hour ago."""
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(hours=1))
    return open_issue().number


def states() -> dict[str, str]:
    db.session.remove()
    return {row.kind: row.state for row in db.session.execute(select(CaseClock.kind, CaseClock.state))}


def test_the_page_shows_each_clock_with_its_target(timed: str, login: Callable[[str], Browser]) -> None:
    page = login("quality_lead").get(f"/issues/{timed}").text
    assert 'id="clock-contain"' in page
    assert "临时控制" in page
    assert "16 小时" in page


def test_a_clock_is_paused_with_its_reason_and_goes_on(timed: str, login: Callable[[str], Browser]) -> None:
    lead = login("quality_lead")
    assert lead.post(f"/issues/{timed}/clocks/contain/pause", {"reason": "等供应商"}).status_code == 303
    assert states()["contain"] == "paused"
    assert "等供应商" in lead.get(f"/issues/{timed}").text
    assert lead.post(f"/issues/{timed}/clocks/contain/pause/removal", {}).status_code == 303
    assert states()["contain"] == "running"


def test_a_pause_without_a_reason_is_refused(timed: str, login: Callable[[str], Browser]) -> None:
    assert login("quality_lead").post(f"/issues/{timed}/clocks/contain/pause", {"reason": ""}).status_code == 422
    assert states() == {}


def test_the_platform_waits_for_nobody(timed: str, login: Callable[[str], Browser]) -> None:
    assert login("quality_lead").post(f"/issues/{timed}/clocks/platform/pause", {"reason": "等"}).status_code == 422


def test_who_may_not_decide_does_not_pause(timed: str, login: Callable[[str], Browser]) -> None:
    assert login("owner").post(f"/issues/{timed}/clocks/contain/pause", {"reason": "等"}).status_code == 403
    assert states() == {}


def test_the_timeline_says_to_whom_a_late_clock_was_escalated(timed: str, login: Callable[[str], Browser]) -> None:
    with write():
        follow_issue(db.session.scalars(select(Issue.id)).one())
    ring_batch(NOW + timedelta(days=7))
    page = login("quality_lead").get(f"/issues/{timed}").text
    assert "「临时控制」已到期" in page
    assert "「临时控制」超时,已升级给 管理员、王姐" in page
