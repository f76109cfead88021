"""The page of the clocks: targets with what they would change, reminders and reasons."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.calendars.clock_service import read_steps
from qtrace.calendars.clock_settings import read_reasons
from qtrace.calendars.models import CaseClock
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.models import JobRow
from qtrace.issues.clock_history import KINDS
from qtrace.issues.clock_policy import read_policy
from qtrace.issues.clock_sync import follow_issue, issue_clocks
from qtrace.issues.models import Issue
from tests.conftest import NOW, Browser

URL = "/config/clocks"
LATER = NOW + timedelta(hours=3)


@pytest.fixture
def app(sqlite_app: Flask) -> Flask:
    """Pages do not depend on the database."""
    return sqlite_app


@pytest.fixture
def lead(app: Flask, login: Callable[[str], Browser], monkeypatch: pytest.MonkeyPatch) -> Browser:
    """The quality lead's browser, three hours after the issues of the tests were opened."""
    monkeypatch.setattr(clock, "now", lambda: LATER)
    return login("quality_lead")


def targets(**changes: str) -> dict[str, Any]:
    policy = read_policy()
    codes = ("", "critical", "major", "minor")
    sent = {f"hours-{kind}-{code}": str(policy.allowed(code)[kind] / 60) for kind in KINDS for code in codes}
    return sent | {name.replace("__", "-"): value for name, value in changes.items()}


def test_the_page_shows_every_clock_and_severity(lead: Browser) -> None:
    page = lead.get(URL).text
    assert all(f'name="hours-{kind}-critical"' in page for kind in KINDS)
    assert "等供应商回复" in page


def test_the_preview_says_which_cases_become_late_and_stores_nothing(
    lead: Browser, open_issue: Callable[..., Issue]
) -> None:
    issue = open_issue()
    with write():
        follow_issue(issue.id)
    page = lead.post(f"{URL}/targets/preview", targets(**{"hours-close-": "1", "hours-decide-": "8"})).text
    assert "会改 1 个未结问题的 2 项时限。其中 1 项会变成已超时" in page
    assert f"{issue.number}</a>" in page
    assert read_policy().allowed("")["close"] == 400 * 60
    assert "未结问题的时限都不会变" in lead.post(f"{URL}/targets/preview", targets()).text


def test_other_targets_hold_for_open_cases_from_now_on(lead: Browser, open_issue: Callable[..., Issue]) -> None:
    issue = open_issue()
    assert lead.post(f"{URL}/targets", targets(**{"hours-close-": "8", "around-close": "1"})).status_code == 303
    db.session.remove()
    with write():
        follow_issue(issue.id)
    assert issue_clocks(issue.id)["close"].clock.minutes == 8 * 60
    row = db.session.scalars(select(CaseClock).where(CaseClock.kind == "close")).one()
    assert (row.minutes, row.round_the_clock) == (480, True)


def test_a_target_is_a_number_of_hours(lead: Browser) -> None:
    for wrong in ("", "bald", "0", "-3", "1e9", "nan"):
        assert lead.post(f"{URL}/targets", targets(**{"hours-close-": wrong})).status_code == 422


def steps(*extra: tuple[str, str, str], drop: int | None = None) -> dict[str, Any]:
    known = [(step.key, step.offset, step.level) for step in read_steps()]
    rows = [(key, "before" if n < 0 else "after" if n else "at", str(abs(n)), str(level)) for key, n, level in known]
    rows += [("", *one) for one in extra]
    sent: dict[str, Any] = {}
    for place, (key, when, minutes, level) in enumerate(rows):
        sent |= {f"step-row-{place}": "1", f"step-key-{place}": key, f"step-when-{place}": when}
        sent |= {f"step-minutes-{place}": minutes, f"step-level-{place}": level}
    return sent | ({f"step-drop-{drop}": "1"} if drop is not None else {})


def test_reminders_are_added_and_dropped_and_the_others_keep_what_has_rung(lead: Browser) -> None:
    assert lead.post(f"{URL}/steps", steps(("before", "240", "1"), drop=4)).status_code == 303
    db.session.remove()
    found = {step.key: (step.offset, step.level) for step in read_steps()}
    assert found == {"step_1": (-240, 1), "before": (-60, 0), "due": (0, 0), "head": (60, 1), "head_of_head": (240, 2)}
    assert db.session.scalars(select(JobRow.name)).all() == ["clocks-reschedule"]
    assert lead.post(f"{URL}/steps", steps(("before", "", "0"))).status_code == 422
    assert lead.post(f"{URL}/steps", steps(("at", "", "0"))).status_code == 422  # there is one already


def reasons(**changes: str) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for place, one in enumerate([*read_reasons(all_of_them=True), None]):
        sent |= {f"reason-row-{place}": "1", f"reason-id-{place}": str(one.id) if one else ""}
        sent |= {f"reason-name-{place}": one.name if one else "", f"reason-active-{place}": "1"}
        sent |= {f"reason-stops-{place}": "1"} if one and one.stops else {}
    return sent | {name.replace("_", "-"): value for name, value in changes.items()}


def test_reasons_are_renamed_added_switched_off_and_dropped(lead: Browser) -> None:
    sent = reasons(reason_name_6="等模具返修", reason_stops_6="1", reason_name_0="等工厂回复", reason_drop_1="1")
    del sent["reason-active-5"]
    assert lead.post(f"{URL}/reasons", sent).status_code == 303
    db.session.remove()
    assert [(one.name, one.stops) for one in read_reasons()] == [
        ("等工厂回复", True), ("等备货或补货", True), ("等检测报告", True), ("等平台处理", True), ("等模具返修", True),
    ]  # fmt: skip
    assert lead.post(f"{URL}/reasons", reasons(reason_name_0="等检测报告")).status_code == 422


def test_who_may_not_change_flows_does_not_see_the_page(app: Flask, login: Callable[[str], Browser]) -> None:
    assert login("inspector").get(URL).status_code == 403
