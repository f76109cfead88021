"""Clocks are stored as their history makes them, and ring each step exactly once."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.calendars.alarms import ring_batch
from qtrace.calendars.clock_service import (
    NewClock,
    clocks_of,
    pause_case_clock,
    reschedule,
    resume_case_clock,
    retarget_case_clock,
    start_case_clock,
    stop_case_clock,
)
from qtrace.calendars.clocks import Fact, Verb, replay
from qtrace.calendars.models import Calendar, CaseClock, CaseClockAlarm
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.events import timeline
from qtrace.core.jobs import run_one
from tests.conftest import NOW, user_id

CASE = ("issue", 7)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
VERBS: dict[str, Verb] = {
    "clock_started": "start", "clock_paused": "pause", "clock_resumed": "resume", "clock_stopped": "stop",
    "clock_retargeted": "target",
}  # fmt: skip


def start(minutes: int = 120, case: tuple[str, int] = CASE) -> None:
    with write():
        owner, lead = user_id("customer_service"), user_id("quality_lead")
        start_case_clock(NewClock(subject=case, kind="contain", minutes=minutes, owner_id=owner), by=lead, now=NOW)


def ring_all(now: datetime) -> None:
    while ring_batch(now):
        pass


def alarms() -> list[str]:
    return list(db.session.scalars(select(CaseClockAlarm.step).order_by(CaseClockAlarm.id)))


def test_a_step_rings_once_and_tells_whom_it_is_for(app: Flask) -> None:
    start()
    ring_all(NOW + HOUR)
    ring_all(NOW + HOUR)
    assert alarms() == ["before"]
    told = [event for event in timeline(*CASE) if event.name == "clock_alarm"]
    assert [(event.body["step"], event.body["users"]) for event in told] == [("before", [user_id("customer_service")])]


def test_after_a_long_sleep_every_step_rings_and_the_last_reaches_who_keeps_the_flows(app: Flask) -> None:
    start()
    ring_all(NOW + 7 * DAY)
    assert alarms() == ["before", "due", "head", "head_of_head", "keeper"]
    last = next(event for event in timeline(*CASE) if event.name == "clock_alarm")
    assert set(last.body["users"]) == {user_id("admin"), user_id("quality_lead")}


def test_a_paused_clock_does_not_ring(sqlite_app: Flask) -> None:
    start()
    with write():
        pause_case_clock(CASE, "contain", "等供应商", by=None, now=NOW)
    ring_all(NOW + 7 * DAY)
    assert alarms() == []


def test_a_stopped_clock_does_not_ring(sqlite_app: Flask) -> None:
    start()
    with write():
        stop_case_clock(CASE, "contain", by=None, now=NOW)
    ring_all(NOW + 7 * DAY)
    assert alarms() == []


def test_a_pause_says_why(sqlite_app: Flask) -> None:
    start()
    with pytest.raises(Refused, match="原因"), write():
        pause_case_clock(CASE, "contain", " ", by=None, now=NOW)


def test_a_clock_that_runs_is_not_resumed(sqlite_app: Flask) -> None:
    start()
    with pytest.raises(Refused, match="没有暂停"), write():
        resume_case_clock(CASE, "contain", by=None, now=NOW)


def test_a_clock_nobody_started_is_not_found(sqlite_app: Flask) -> None:
    with pytest.raises(NotFound), write():
        resume_case_clock(CASE, "verify", by=None, now=NOW)


def test_a_calendar_without_monday_moves_the_alarm(sqlite_app: Flask) -> None:
    start(minutes=24 * 60)
    first = db.session.scalars(select(CaseClock.next_at)).one()
    with write() as session:
        calendar = session.scalars(select(Calendar).order_by(Calendar.id)).first()
        assert calendar is not None
        calendar.weekly = calendar.weekly | {"0": []}
        session.flush()  # the calendar is read as it is now
        reschedule(now=NOW)
    assert run_one(clock=lambda: NOW)
    db.session.remove()
    assert first is not None
    assert db.session.scalars(select(CaseClock.next_at)).one() == first + DAY


@pytest.mark.parametrize("seed", range(6))
def test_what_is_stored_equals_a_replay_of_the_recorded_history(app: Flask, seed: int) -> None:
    start(minutes=480)
    drawn, now = Random(seed), NOW
    for _turn in range(12):
        now += drawn.randint(0, 300) * timedelta(minutes=1)
        try:
            with write():
                match drawn.choice(["pause", "resume", "stop", "start", "target"]):
                    case "pause":
                        pause_case_clock(CASE, "contain", "等客户", by=None, now=now)
                    case "resume":
                        resume_case_clock(CASE, "contain", by=None, now=now)
                    case "stop":
                        stop_case_clock(CASE, "contain", by=None, now=now)
                    case "start":
                        start_case_clock(NewClock(subject=CASE, kind="contain", minutes=480), by=None, now=now)
                    case _target:
                        retarget_case_clock(CASE, "contain", drawn.randint(1, 900), by=None, now=now)
        except Refused:
            continue
        ring_all(now)
    history = [event for event in reversed(timeline(*CASE)) if event.name in VERBS]
    facts = [Fact(VERBS[event.name], event.at, event.reason, event.body["minutes"]) for event in history]
    [(_row, stored)] = clocks_of(CASE)
    assert stored == replay(480, facts)
    assert len(alarms()) == len(set(alarms()))


def test_the_time_of_an_alarm_is_aware(sqlite_app: Flask) -> None:
    start()
    ring_all(NOW + HOUR)
    assert db.session.scalars(select(CaseClockAlarm.due_at)).one().tzinfo == UTC
