"""The card of an issue's clocks, and its two buttons."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.calendars.alarms import ring_batch
from qtrace.calendars.models import CaseClock, PauseReason
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.issues.clock_sync import follow_issue
from qtrace.issues.models import Issue
from tests.conftest import NOW, Browser


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """Pages do not depend on the database."""
    return sqlite_app


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


def reason(name: str) -> str:
    return str(db.session.scalars(select(PauseReason.id).where(PauseReason.name == name)).one())


def test_ticked_clocks_are_paused_with_their_reason_and_go_on(timed: str, login: Callable[[str], Browser]) -> None:
    lead = login("quality_lead")
    sent = {"clocks": ["contain", "close"], "reason": reason("等供应商回复"), "note": "恒美周三给报告"}
    assert lead.post(f"/issues/{timed}/clocks/pause", sent).status_code == 303
    assert (states()["contain"], states()["close"], states()["decide"]) == ("paused", "paused", "running")
    assert "在等:等供应商回复:恒美周三给报告" in lead.get(f"/issues/{timed}").text
    assert lead.post(f"/issues/{timed}/clocks/pause/removal", {"clocks": ["contain", "close"]}).status_code == 303
    assert set(states().values()) == {"running"}


def test_a_reason_that_does_not_stop_is_told_and_the_clock_goes_on(timed: str, login: Callable[[str], Browser]) -> None:
    lead = login("quality_lead")
    lead.post(f"/issues/{timed}/clocks/pause", {"clocks": "decide", "reason": reason("等内部讨论")})
    assert states()["decide"] == "running"
    assert "(计时不停)" in lead.get(f"/issues/{timed}").text
    lead.post(f"/issues/{timed}/clocks/pause/removal", {"clocks": "decide"})
    assert "(计时不停)" not in lead.get(f"/issues/{timed}").text


def test_a_pause_names_a_reason_and_a_clock(timed: str, login: Callable[[str], Browser]) -> None:
    lead = login("quality_lead")
    assert lead.post(f"/issues/{timed}/clocks/pause", {"clocks": "contain", "reason": ""}).status_code == 422
    assert lead.post(f"/issues/{timed}/clocks/pause", {"reason": reason("等供应商回复")}).status_code == 422
    assert states() == {}


def test_who_may_not_decide_does_not_pause(timed: str, login: Callable[[str], Browser]) -> None:
    sent = {"clocks": "contain", "reason": reason("等供应商回复")}
    assert login("owner").post(f"/issues/{timed}/clocks/pause", sent).status_code == 403
    assert states() == {}


def test_the_timeline_says_to_whom_a_late_clock_was_escalated(timed: str, login: Callable[[str], Browser]) -> None:
    with write():
        follow_issue(db.session.scalars(select(Issue.id)).one())
    ring_batch(NOW + timedelta(days=7))
    page = login("quality_lead").get(f"/issues/{timed}").text
    assert "「临时控制」已到期" in page
    assert "「临时控制」超时,已升级给 管理员、王姐" in page
