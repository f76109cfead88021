"""China's holidays are known to their horizon and plain weekdays follow."""

from datetime import date, time, timedelta

from qtrace.calendars.china import OFFICE_HOURS, china_calendar, china_exceptions, horizon, is_workday


def test_make_up_workdays_of_2026_are_the_announced_ones() -> None:
    worked = [day for day, working in china_exceptions().items() if working and day.year == 2026]
    assert worked == [
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    ]


def test_the_table_holds_only_days_that_differ_from_plain_weekdays() -> None:
    exceptions = china_exceptions()
    assert len(exceptions) == 223
    assert all(working == (day.weekday() >= 5) for day, working in exceptions.items())


def test_national_day_is_off_and_its_make_up_saturday_is_worked() -> None:
    assert not any(is_workday(date(2025, 10, day)) for day in range(1, 9))
    assert is_workday(date(2025, 10, 11))


def test_the_horizon_is_the_end_of_the_last_announced_year() -> None:
    assert horizon() == date(2026, 12, 31)


def test_after_the_horizon_plain_weekdays_apply() -> None:
    days = [horizon() + timedelta(days=offset) for offset in range(1, 800)]
    assert all(is_workday(day) == (day.weekday() < 5) for day in days)


def test_the_calendar_works_the_given_hours_on_make_up_days_and_none_on_holidays() -> None:
    calendar = china_calendar(((time(9), time(17)),))
    assert calendar.hours_on(date(2026, 2, 14)) == ((time(9), time(17)),)
    assert calendar.hours_on(date(2026, 2, 17)) == ()
    assert china_calendar().hours_on(date(2027, 1, 4)) == OFFICE_HOURS
