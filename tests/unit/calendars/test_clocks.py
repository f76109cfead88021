"""A clock is what its history says, whatever happened to it and in whichever order."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.calendars.china import china_calendar
from qtrace.calendars.clocks import (
    ROUND_THE_CLOCK,
    Clock,
    ClockError,
    Fact,
    Step,
    due_steps,
    next_alarm,
    read_clock,
    replay,
    turn,
)
from qtrace.calendars.engine import WorkCalendar

CHINA = ZoneInfo("Asia/Shanghai")
OFFICE = china_calendar()
SHIFT = WorkCalendar("Asia/Shanghai", dict.fromkeys(range(7), ((time(8), time(22)),)))
NEW_YORK = WorkCalendar("America/New_York", dict.fromkeys(range(5), ((time(9), time(17)),)))
KOLKATA = WorkCalendar("Asia/Kolkata", dict.fromkeys(range(6), ((time(9, 30), time(18)),)))
CALENDARS = (OFFICE, SHIFT, NEW_YORK, KOLKATA, ROUND_THE_CLOCK)
STEPS = (Step("before", -60), Step("due", 0), Step("head", 60, 1))
MINUTE = timedelta(minutes=1)

verbs = st.sampled_from(["start", "pause", "resume", "stop", "target", "calendar"])
happenings = st.lists(st.tuples(verbs, st.integers(0, 900), st.integers(1, 600)), min_size=1, max_size=8)
starts = st.sampled_from([
    datetime(2026, 3, 6, 3, 0, tzinfo=UTC),
    datetime(2026, 3, 7, 18, 0, tzinfo=UTC),  # New York puts its clocks forward in this night
    datetime(2025, 10, 31, 20, 0, tzinfo=UTC),  # and back in the next one
    datetime(2026, 2, 13, 8, 0, tzinfo=UTC),  # the eve of a make-up Saturday before Spring Festival
])  # fmt: skip


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def works(calendar: WorkCalendar, moment: datetime) -> bool:
    """Say by the wall clock whether the team works in the minute that starts now."""
    local = moment.astimezone(ZoneInfo(calendar.zone))
    spans = calendar.hours_on(local.date())
    return any(since <= local.time() and (local.time() < until or until == time(0)) for since, until in spans)


def counted(facts: list[Fact], calendar: WorkCalendar, now: datetime) -> tuple[int, int]:
    """Count minute by minute what a clock with this history used, without any interval."""
    business = around = 0
    moment, running, left = facts[0].at, False, list(facts)
    while moment < now:
        while left and left[0].at <= moment:
            verb = left.pop(0).verb
            running = running if verb == "target" else verb in {"start", "resume"}
        around += running
        business += running and works(calendar, moment)
        moment += MINUTE
    return business, around


@settings(max_examples=150)
@given(starts, happenings, st.integers(0, 900))
def test_any_order_of_happenings_equals_a_replay_and_a_count_by_the_minute(
    start: datetime, happened: list[tuple[str, int, int]], wait: int
) -> None:
    clock, calendar, at = turn(Clock(480), Fact("start", start)), OFFICE, start
    facts = [Fact("start", start)]
    for verb, later, number in happened:
        at += later * MINUTE
        if verb == "calendar":
            calendar = CALENDARS[number % len(CALENDARS)]
            continue
        fact = Fact(verb, at, reason="等供应商", minutes=number)  # type: ignore[arg-type]  # drawn from the verbs
        try:
            clock = turn(clock, fact)
        except ClockError:
            continue
        facts.append(fact)
    now = at + wait * MINUTE
    assert replay(480, facts) == clock
    reading = read_clock(clock, calendar, now, soon=30)
    assert (reading.business, reading.around_the_clock) == counted(facts, calendar, now)


@settings(max_examples=150)
@given(starts, happenings, st.sampled_from(CALENDARS))
def test_a_running_clock_is_late_exactly_from_its_due_time_on(
    start: datetime, happened: list[tuple[str, int, int]], calendar: WorkCalendar
) -> None:
    clock, at = turn(Clock(480), Fact("start", start)), start
    for verb, later, number in happened:
        at += later * MINUTE
        if verb in {"calendar", "stop"}:
            continue
        try:
            clock = turn(clock, Fact(verb, at, reason="等客户", minutes=number))  # type: ignore[arg-type]  # as above
        except ClockError:
            continue
    due = read_clock(clock, calendar, at, soon=30).due_at
    if clock.state == "running":
        assert due is not None
        assert read_clock(clock, calendar, due, soon=30).standing == "late"
        assert read_clock(clock, calendar, due - MINUTE, soon=0).standing != "late"


def test_a_pause_moves_the_due_time_by_the_working_time_it_lasted() -> None:
    facts = [Fact("start", china("2026-03-04 09:00")), Fact("pause", china("2026-03-04 10:00"), "等供应商")]
    clock = replay(120, [*facts, Fact("resume", china("2026-03-05 09:00"))])
    assert read_clock(clock, OFFICE, china("2026-03-05 09:00"), soon=0).due_at == china("2026-03-05 10:00")


def test_a_higher_priority_keeps_the_time_that_was_used() -> None:
    facts = [Fact("start", china("2026-03-04 09:00")), Fact("target", china("2026-03-04 10:00"), minutes=30)]
    reading = read_clock(replay(480, facts), OFFICE, china("2026-03-04 10:00"), soon=0)
    assert (reading.standing, reading.business) == ("late", 60)


@pytest.mark.parametrize(("verb", "message"), [("pause", "不能暂停"), ("resume", "不能继续")])
def test_a_stopped_clock_is_neither_paused_nor_resumed(verb: str, message: str) -> None:
    clock = replay(60, [Fact("start", china("2026-03-04 09:00")), Fact("stop", china("2026-03-04 09:30"))])
    with pytest.raises(ClockError, match=message):
        turn(clock, Fact(verb, china("2026-03-04 10:00"), "等客户"))  # type: ignore[arg-type]  # one of the verbs


def test_nothing_is_noted_before_what_is_known() -> None:
    clock = replay(60, [Fact("start", china("2026-03-04 09:00"))])
    with pytest.raises(ClockError, match="先后"):
        turn(clock, Fact("stop", china("2026-03-04 08:59")))


def test_a_target_is_more_than_nothing() -> None:
    with pytest.raises(ClockError, match="大于 0"):
        turn(Clock(60), Fact("target", china("2026-03-04 09:00"), minutes=0))


def test_each_step_is_due_once_and_in_its_order() -> None:
    clock = replay(120, [Fact("start", china("2026-03-04 09:00"))])
    due = due_steps(clock, OFFICE, STEPS, frozenset(), china("2026-03-04 11:00"))
    assert [(step.key, at) for step, at in due] == [
        ("before", china("2026-03-04 10:00")), ("due", china("2026-03-04 11:00")),
    ]  # fmt: skip
    assert next_alarm(clock, OFFICE, STEPS, {"before", "due"}) == china("2026-03-04 12:00")


def test_a_paused_clock_rings_only_after_it_goes_on() -> None:
    facts = [Fact("start", china("2026-03-04 09:00")), Fact("pause", china("2026-03-04 09:30"), "等备货")]
    paused = replay(60, facts)
    assert next_alarm(paused, OFFICE, STEPS, frozenset()) is None
    assert due_steps(paused, OFFICE, STEPS, frozenset(), china("2026-03-09 09:00")) == []
    resumed = turn(paused, Fact("resume", china("2026-03-05 09:00")))
    assert next_alarm(resumed, OFFICE, STEPS, {"before"}) == china("2026-03-05 09:30")


def test_a_calendar_that_never_gets_there_lets_the_clock_run_without_a_due_time() -> None:
    one_day = WorkCalendar("Asia/Shanghai", {}, {china("2026-03-05 00:00").date(): ((time(9), time(10)),)})
    clock = replay(600, [Fact("start", china("2026-03-04 09:00"))])
    assert read_clock(clock, one_day, china("2026-03-06 09:00"), soon=60).due_at is None
    assert next_alarm(clock, one_day, STEPS, frozenset()) is None


def test_the_platform_counts_around_the_clock() -> None:
    clock = replay(48 * 60, [Fact("start", china("2026-02-14 16:00"))])
    due = read_clock(clock, ROUND_THE_CLOCK, china("2026-02-14 16:00"), soon=0).due_at
    assert due == china("2026-02-16 16:00")
