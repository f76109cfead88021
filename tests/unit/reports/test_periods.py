"""Periods of a board are whole local days, and the one before is as long."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.reports.periods import EARLIEST, LATEST, LONGEST, last_months, period_of, read_period

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("key", "first", "last"),
    [
        ("month", date(2026, 11, 1), date(2026, 11, 20)),
        ("last_month", date(2026, 10, 1), date(2026, 10, 31)),
        ("90d", date(2026, 8, 23), date(2026, 11, 20)),
        ("12m", date(2025, 12, 1), date(2026, 11, 20)),
        ("nonsense", date(2026, 11, 1), date(2026, 11, 20)),
    ],
)
def test_a_named_period_ends_today_or_with_last_month(key: str, first: date, last: date) -> None:
    period = period_of(key, NOW, ZONE)
    assert (period.first, period.last) == (first, last)


def test_the_day_is_the_sites_and_not_greenwichs() -> None:
    late = datetime(2026, 10, 31, 16, 30, tzinfo=UTC)
    assert period_of("month", late, ZONE).first == date(2026, 11, 1)


def test_a_period_runs_from_local_midnight_to_local_midnight() -> None:
    period = period_of("last_month", NOW, ZONE)
    assert period.start == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert period.end == datetime(2026, 10, 31, 16, tzinfo=UTC)


def test_days_of_another_length_are_whole_days_too() -> None:
    period = read_period({"from": "2026-03-29", "to": "2026-03-29"}, NOW, ZoneInfo("Europe/Berlin"))
    assert (period.end - period.start).total_seconds() == 23 * 3600


def test_two_days_make_a_custom_period_in_either_order() -> None:
    period = read_period({"from": "2026-05-09", "to": "2026-05-01"}, NOW, ZONE)
    assert (period.key, period.first, period.last) == ("custom", date(2026, 5, 1), date(2026, 5, 9))


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_asks_for_the_running_month(text: str) -> None:
    assert read_period({"from": text, "to": "2026-05-01"}, NOW, ZONE).key == "month"


@given(st.dates(EARLIEST, LATEST), st.dates(EARLIEST, LATEST))
def test_the_previous_period_is_as_long_and_touches(first: date, last: date) -> None:
    period = read_period({"from": first.isoformat(), "to": last.isoformat()}, NOW, ZONE)
    assert period.previous.days == period.days <= LONGEST.days + 1
    assert period.previous.end == period.start


def test_twelve_months_follow_each_other_up_to_the_running_one() -> None:
    months = last_months(NOW, ZONE)
    assert [month.key for month in (months[0], months[-1])] == ["2025-12", "2026-11"]
    assert all(one.end == two.start for one, two in pairwise(months))
