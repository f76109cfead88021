"""What is stored of an issue's clocks equals a replay of its history, whenever and however often it is followed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.calendars.alarms import TICK, ring_batch
from qtrace.calendars.clock_service import (
    clocks_of,
    pause_case_clock,
    read_steps,
    resume_case_clock,
    rung_steps,
    stored_clocks,
)
from qtrace.calendars.clocks import next_alarm
from qtrace.calendars.editing import SpecialDays, add_days
from qtrace.calendars.models import CaseClock, CaseClockAlarm
from qtrace.calendars.service import calendar_of
from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.core.errors import DomainError
from qtrace.core.events import timeline
from qtrace.core.jobs import enqueue, run_one
from qtrace.flows.models import FlowInstance
from qtrace.flows.service import Case, decide
from qtrace.issues.clock_sync import follow_issue, issue_clocks
from qtrace.issues.models import Issue
from qtrace.issues.service import assign_owner, classify_issue
from tests.conftest import NOW, user_id

HOUR = timedelta(hours=1)


def tick(now: datetime) -> None:
    """Let the worker's minute pass."""
    with write():
        enqueue(TICK, {}, now=now)
    while run_one(clock=lambda: now):
        pass


def stored(issue_id: int) -> dict[str, Any]:
    db.session.remove()
    return {row.kind: clock for row, clock in clocks_of(("issue", issue_id))}


def replayed(issue_id: int) -> dict[str, Any]:
    return {kind: kept.clock for kind, kept in issue_clocks(issue_id).items()}


def severity(code: str) -> int:
    return db.session.scalars(select(Term.id).where(Term.kind == "severity", Term.code == code)).one()


def decided(issue_id: int, verdict: Any, now: datetime) -> None:
    with write() as session:
        issue, lead = session.get_one(Issue, issue_id), session.get_one(User, user_id("quality_lead"))
        instance = session.scalars(select(FlowInstance).where(FlowInstance.subject_id == issue_id)).one()
        case = Case(("issue", issue_id), issue.title, "/", issue.created_by, issue.department_id)
        decide(case, verdict=verdict, expected_version=instance.moved, by=lead, now=now, note="复核")


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


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_decisions_pauses_severities_and_ticks_equals_a_replay(
    app: Flask, open_issue: Callable[..., Issue], seed: int
) -> None:
    issue_id, drawn, now = open_issue(by="customer_service").id, Random(seed), NOW
    lead = user_id("quality_lead")
    tick(now)
    for _turn in range(14):
        now += drawn.randint(0, 400) * timedelta(minutes=1)
        try:
            match drawn.choice(["decide", "end", "pause", "resume", "severity", "assign", "day off", "tick", "tick"]):
                case "decide":
                    decided(issue_id, "submit", now)
                case "end":
                    ended = db.session.get_one(Issue, issue_id, populate_existing=True).status != "open"
                    decided(issue_id, "reopen" if ended else "terminate", now)
                case "severity":
                    version = db.session.get_one(Issue, issue_id, populate_existing=True).version
                    with write():
                        terms = {"severity_id": severity(drawn.choice(["critical", "major", "minor"]))}
                        classify_issue(issue_id, terms, expected_version=version, by=lead, now=now)
                case "assign":
                    with write():
                        assign_owner(issue_id, owner_id=user_id("inspector"), by=lead, note="", now=now)
                case "day off":
                    with write():
                        off = (now + timedelta(days=drawn.randint(0, 3))).date()
                        add_days(1, SpecialDays(first=off, last=off, hours=()), by=lead, now=now)
                case "tick":
                    tick(now)
                case verb:
                    with write():
                        follow_issue(issue_id)
                        kind = drawn.choice(sorted(stored_now(issue_id)))
                        if verb == "pause":
                            pause_case_clock(("issue", issue_id), kind, "等供应商", by=lead, now=now)
                        else:
                            resume_case_clock(("issue", issue_id), kind, by=lead, now=now)
        except DomainError:
            db.session.remove()
            continue
    tick(now)
    first = stored(issue_id)
    assert first == replayed(issue_id)
    assert rings() == rings_by_history()
    with write():
        follow_issue(issue_id)
    assert stored(issue_id) == first
    assert not ring_batch(now)


def rings() -> dict[int, datetime | None]:
    return {row.id: row.next_at for row in db.session.execute(select(CaseClock.id, CaseClock.next_at))}


def rings_by_history() -> dict[int, datetime | None]:
    """Return when each clock rings next by the calendar as it is now, the steps and what has rung."""
    rows, calendar, steps = db.session.scalars(select(CaseClock)).all(), calendar_of(None), read_steps()
    clocks, rung = stored_clocks(rows), rung_steps([row.id for row in rows])
    return {row.id: next_alarm(clocks[row.id], calendar, steps, rung[row.id]) for row in rows}


def stored_now(issue_id: int) -> list[str]:
    return [row.kind for row, _clock in clocks_of(("issue", issue_id))]
