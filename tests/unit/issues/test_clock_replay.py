"""Whatever happens in whichever order, the stored clocks equal a replay of the history, on both databases."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.calendars.alarms import ring_batch
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
from qtrace.calendars.models import CaseClock
from qtrace.calendars.service import calendar_of
from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.core.errors import DomainError
from qtrace.issues.clock_sync import follow_issue
from qtrace.issues.models import Issue
from qtrace.issues.service import assign_owner, classify_issue
from tests.conftest import NOW, user_id
from tests.factories.clocks import decided, replayed, stored, tick

HOUR = timedelta(hours=1)


def severity(code: str) -> int:
    return db.session.scalars(select(Term.id).where(Term.kind == "severity", Term.code == code)).one()


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
