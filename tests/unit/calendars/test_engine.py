"""Business time is exact in both directions and never loops."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qtrace.calendars.china import china_calendar
from qtrace.calendars.engine import (
    ClockInterval,
    Hours,
    NoWorkingTimeError,
    WorkCalendar,
    business_minutes,
    clock_due_at,
    due_at,
    dump_hours,
    elapsed,
    parse_hours,
    pause_clock,
    start_clock,
    stop_clock,
)

CHINA = ZoneInfo("Asia/Shanghai")
OFFICE = china_calendar()
SERVICE_DESK = WorkCalendar("Asia/Shanghai", dict.fromkeys(range(7), ((time(9), time(0)),)), {})
NIGHT_SHIFT = WorkCalendar("America/New_York", dict.fromkeys(range(7), ((time(0), time(3)), (time(22), time(0)))), {})

WORKED_EXAMPLES = [
    pytest.param("2026-03-06 17:00", 240, "2026-03-09 11:30", 3990, id="friday evening over a plain weekend"),
    pytest.param("2025-09-30 17:00", 480, "2025-10-09 17:00", 12960, id="before National Day 2025"),
    pytest.param("2025-10-11 09:00", 480, "2025-10-13 09:00", 2880, id="a make-up Saturday counts"),
    pytest.param("2026-02-14 16:00", 480, "2026-02-24 16:00", 14400, id="Spring Festival 2026"),
    pytest.param("2026-03-04 11:45", 30, "2026-03-04 13:45", 120, id="lunch gap"),
    pytest.param("2026-03-04 22:10", 60, "2026-03-05 09:30", 680, id="created at night"),
    pytest.param("2026-03-08 10:00", 60, "2026-03-09 09:30", 1410, id="created on Sunday"),
    pytest.param("2026-03-04 18:00", 1, "2026-03-05 08:31", 871, id="exact end of day"),
    pytest.param("2026-03-04 17:00", 60, "2026-03-04 18:00", 60, id="ends exactly at close"),
]

EPOCH = datetime(2017, 1, 1, tzinfo=UTC)
moments = st.timedeltas(timedelta(), timedelta(days=14 * 365)).map(lambda passed: EPOCH + passed)
calendars = st.sampled_from([OFFICE, SERVICE_DESK, NIGHT_SHIFT])


def china(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(("start", "minutes", "due", "around_the_clock"), WORKED_EXAMPLES)
def test_worked_example_is_due_as_published(start: str, minutes: int, due: str, around_the_clock: int) -> None:
    assert due_at(OFFICE, china(start), minutes) == china(due)


@pytest.mark.parametrize(("start", "minutes", "due", "around_the_clock"), WORKED_EXAMPLES)
def test_worked_example_counts_back_to_its_minutes(start: str, minutes: int, due: str, around_the_clock: int) -> None:
    assert business_minutes(OFFICE, china(start), china(due)) == minutes
    clock = [ClockInterval("running", china(start))]
    assert elapsed(clock, OFFICE, china(due)) == minutes
    assert elapsed(clock, None, china(due)) == around_the_clock


@given(calendars, moments, st.integers(0, 60_000))
def test_counting_from_start_to_due_gives_the_minutes_back(calendar: WorkCalendar, start: datetime, m: int) -> None:
    due = due_at(calendar, start, m)
    assert due.tzinfo is UTC
    assert business_minutes(calendar, start, due) == m


@given(calendars, moments, st.integers(0, 60 * 24 * 60), st.integers(0, 60 * 24 * 60))
def test_minutes_of_two_stretches_add_up(calendar: WorkCalendar, start: datetime, first: int, second: int) -> None:
    start = start.replace(second=0, microsecond=0)
    middle = start + timedelta(minutes=first)
    end = middle + timedelta(minutes=second)
    parts = business_minutes(calendar, start, middle) + business_minutes(calendar, middle, end)
    assert business_minutes(calendar, start, end) == parts


@settings(max_examples=40)
@given(moments, st.integers(0, 3000))
def test_minutes_equal_a_count_minute_by_minute(start: datetime, length: int) -> None:
    start = start.replace(second=0, microsecond=0)
    open_minutes = 0
    for offset in range(length):
        local = (start + timedelta(minutes=offset)).astimezone(CHINA)
        open_minutes += any(since <= local.time() < until for since, until in OFFICE.hours_on(local.date()))
    assert business_minutes(OFFICE, start, start + timedelta(minutes=length)) == open_minutes


@given(calendars, moments, st.integers(1, 20_000))
def test_more_minutes_are_never_due_earlier(calendar: WorkCalendar, start: datetime, minutes: int) -> None:
    assert start < due_at(calendar, start, minutes) < due_at(calendar, start, minutes + 1)


def test_after_the_known_holidays_plain_weekdays_apply() -> None:
    assert due_at(OFFICE, china("2026-12-31 17:00"), 120) == china("2027-01-01 09:30")
    assert due_at(OFFICE, china("2027-10-01 17:00"), 120) == china("2027-10-04 09:30")


def test_nothing_to_wait_for_is_due_at_once_even_at_night() -> None:
    assert due_at(OFFICE, china("2026-03-04 22:10"), 0) == china("2026-03-04 22:10")


def test_seconds_are_kept_in_a_due_time_and_cut_from_a_count() -> None:
    assert due_at(OFFICE, china("2026-03-04 17:59:30"), 1) == china("2026-03-05 08:30:30")
    assert business_minutes(OFFICE, china("2026-03-04 09:00:30"), china("2026-03-04 09:02:00")) == 1


def test_counting_backwards_is_negative() -> None:
    assert business_minutes(OFFICE, china("2026-03-05 09:00"), china("2026-03-04 17:30")) == -60


def test_a_day_that_works_until_midnight_holds_all_its_hours() -> None:
    assert business_minutes(SERVICE_DESK, china("2026-03-04 00:00"), china("2026-03-06 00:00")) == 2 * 15 * 60


def test_a_change_of_the_clocks_shortens_and_lengthens_the_night() -> None:
    zone = ZoneInfo("America/New_York")
    spring = datetime(2026, 3, 8, tzinfo=zone), datetime(2026, 3, 8, 12, tzinfo=zone)
    autumn = datetime(2026, 11, 1, tzinfo=zone), datetime(2026, 11, 1, 12, tzinfo=zone)
    assert business_minutes(NIGHT_SHIFT, *spring) == 120
    assert business_minutes(NIGHT_SHIFT, *autumn) == 240


def test_hours_inside_a_skipped_hour_are_counted_once() -> None:
    hours = ((time(1), time(2, 15)), (time(2, 15), time(2, 45)), (time(2, 45), time(4)))
    calendar = WorkCalendar("America/New_York", {6: hours}, {})
    start = datetime(2026, 3, 8, tzinfo=ZoneInfo("America/New_York"))
    assert business_minutes(calendar, start, start + timedelta(hours=12)) == 120


def test_a_day_that_a_zone_skips_is_counted_once() -> None:
    calendar = WorkCalendar("Pacific/Apia", dict.fromkeys(range(7), ((time(9), time(17)),)), {})
    start = datetime(2011, 12, 29, tzinfo=ZoneInfo("Pacific/Apia"))
    assert business_minutes(calendar, start, datetime(2012, 1, 1, tzinfo=ZoneInfo("Pacific/Apia"))) == 2 * 480


@pytest.mark.parametrize("weekly", [{}, {0: ()}, dict.fromkeys(range(7), ())])
def test_a_calendar_without_working_time_is_refused_clearly(weekly: dict[int, Hours]) -> None:
    with pytest.raises(NoWorkingTimeError, match="没有足够的工作时间"):
        due_at(WorkCalendar("Asia/Shanghai", weekly, {date(2026, 1, 1): ()}), china("2026-03-04 09:00"), 1)


def test_no_working_time_is_a_value_error() -> None:
    assert issubclass(NoWorkingTimeError, ValueError)


def test_a_calendar_whose_only_workdays_are_over_is_refused() -> None:
    calendar = WorkCalendar("Asia/Shanghai", {}, {date(2026, 3, 5): ((time(9), time(10)),)})
    assert due_at(calendar, china("2026-03-04 09:00"), 60) == china("2026-03-05 10:00")
    with pytest.raises(NoWorkingTimeError):
        due_at(calendar, china("2026-03-04 09:00"), 61)


def test_an_absurd_wait_is_refused_instead_of_looping() -> None:
    with pytest.raises(NoWorkingTimeError):
        due_at(OFFICE, china("2026-03-04 09:00"), 10**12)
    with pytest.raises(NoWorkingTimeError):
        due_at(OFFICE, datetime(9990, 1, 1, tzinfo=UTC), 10**8)


def test_no_working_time_counts_as_zero() -> None:
    assert (
        business_minutes(WorkCalendar("Asia/Shanghai", {}), china("2026-03-04 09:00"), china("2026-04-04 09:00")) == 0
    )


def test_a_due_time_before_its_start_is_refused() -> None:
    with pytest.raises(ValueError, match="after its start"):
        due_at(OFFICE, china("2026-03-04 09:00"), -1)


def test_times_without_a_zone_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        due_at(OFFICE, datetime(2026, 3, 4, 9), 1)  # noqa: DTZ001 - the missing zone is the point


@pytest.mark.parametrize(
    "hours",
    [
        ((time(9), time(9)),),
        ((time(18), time(9)),),
        ((time(9), time(12)), (time(11), time(13))),
        ((time(14), time(18)), (time(9), time(12))),
        ((time(22), time(0)), (time(23), time(0))),
        ((time(9, tzinfo=UTC), time(12, tzinfo=UTC)),),
    ],
)
def test_disordered_hours_are_refused(hours: Hours) -> None:
    with pytest.raises(ValueError, match="先后有序"):
        WorkCalendar("Asia/Shanghai", {0: hours}, {})
    with pytest.raises(ValueError, match="先后有序"):
        WorkCalendar("Asia/Shanghai", {}, {date(2026, 1, 1): hours})


def test_an_eighth_weekday_is_refused() -> None:
    with pytest.raises(ValueError, match="星期"):
        WorkCalendar("Asia/Shanghai", {7: ((time(9), time(12)),)})


def test_hours_written_as_text_come_back_the_same() -> None:
    written = [["00:00", "08:30"], ["13:30", "24:00"]]
    assert parse_hours(written) == ((time(0), time(8, 30)), (time(13, 30), time(0)))
    assert dump_hours(parse_hours(written)) == written


@pytest.mark.parametrize("written", [None, "08:30", [["08:30"]], [["8h", "9h"]], [[8, 9]], [3], [["09:00", "08:00"]]])
def test_hours_written_wrongly_are_refused(written: object) -> None:
    with pytest.raises(ValueError, match="上班时段"):
        parse_hours(written)


def test_a_pause_stops_the_clock_and_a_resume_continues_it() -> None:
    clock = start_clock((), china("2026-03-04 09:00"))
    clock = pause_clock(clock, china("2026-03-04 10:00"), "等供应商回复")
    clock = start_clock(clock, china("2026-03-05 10:00"))
    assert elapsed(clock, OFFICE, china("2026-03-05 11:00")) == 120
    assert [(part.state, part.reason) for part in clock] == [
        ("running", ""),
        ("paused", "等供应商回复"),
        ("running", ""),
    ]


def test_starting_a_running_clock_changes_nothing() -> None:
    clock = start_clock((), china("2026-03-04 09:00"))
    assert start_clock(clock, china("2026-03-04 10:00")) == clock


def test_a_stopped_clock_stands_still_and_reopening_continues_it() -> None:
    clock = stop_clock(start_clock((), china("2026-03-04 09:00")), china("2026-03-04 10:00"))
    assert elapsed(clock, OFFICE, china("2026-06-01 10:00")) == 60
    again = start_clock(clock, china("2026-06-01 10:00"))
    assert elapsed(again, OFFICE, china("2026-06-01 10:30")) == 90
    assert stop_clock(clock, china("2026-06-02 10:00")) == clock


def test_seconds_of_many_stretches_add_up_before_they_are_cut() -> None:
    parts = [
        ClockInterval("running", china(f"2026-03-04 09:0{minute}:00"), china(f"2026-03-04 09:0{minute}:30"))
        for minute in range(4)
    ]
    assert elapsed(parts, OFFICE, china("2026-03-04 12:00")) == 2


def test_a_clock_is_read_as_of_now() -> None:
    clock = [ClockInterval("running", china("2026-03-04 09:00"), china("2026-03-04 11:00"))]
    assert elapsed(clock, OFFICE, china("2026-03-04 10:00")) == 60
    assert elapsed(clock, OFFICE, china("2026-03-04 08:00")) == 0
    assert elapsed([], OFFICE, china("2026-03-04 08:00")) == 0


def test_a_pause_moves_the_due_time() -> None:
    clock = start_clock((), china("2026-03-04 09:00"))
    assert clock_due_at(clock, OFFICE, 120) == china("2026-03-04 11:00")
    clock = pause_clock(clock, china("2026-03-04 10:00:30"), "等客户回复")
    assert clock_due_at(clock, OFFICE, 120) is None
    assert clock_due_at(clock, OFFICE, 30) == china("2026-03-04 09:30")
    clock = start_clock(clock, china("2026-03-05 10:00"))
    assert clock_due_at(clock, OFFICE, 120) == china("2026-03-05 10:59:30")


def test_overlapping_stretches_of_a_clock_are_refused() -> None:
    parts = [ClockInterval("running", china("2026-03-04 09:00")), ClockInterval("running", china("2026-03-04 10:00"))]
    with pytest.raises(ValueError, match="overlap"):
        elapsed(parts, OFFICE, china("2026-03-04 12:00"))


def test_a_pause_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="原因"):
        pause_clock((), china("2026-03-04 09:00"), " ")


def test_a_stretch_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="ends before"):
        ClockInterval("running", china("2026-03-04 09:00"), china("2026-03-04 08:00"))
