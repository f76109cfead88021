"""Chosen days are moments of the site's zone."""

from datetime import UTC, datetime, time

import pytest
from flask import Flask

from qtrace.core.errors import Refused
from qtrace.investigation.days import read_day, start_of_day


def test_a_day_begins_at_midnight_on_site(sqlite_app: Flask) -> None:
    assert read_day("2026-10-10", "due") == datetime(2026, 10, 9, 16, 0, tzinfo=UTC)
    assert read_day("2026-10-10", "due", at=time(18)) == datetime(2026, 10, 10, 10, 0, tzinfo=UTC)


def test_nothing_chosen_is_nothing(sqlite_app: Flask) -> None:
    assert read_day(" ", "due") is None


@pytest.mark.parametrize("text", ["10/10/2026", "2026-13-01", "0001-01-01", "9999-12-31", "今天", "2026-10-10\x00"])
def test_what_is_no_day_is_refused(sqlite_app: Flask, text: str) -> None:
    with sqlite_app.test_request_context(), pytest.raises(Refused):
        read_day(text, "due")


def test_the_start_of_a_moments_day_is_that_of_the_site(sqlite_app: Flask) -> None:
    late_on_the_ninth_in_utc = datetime(2026, 10, 9, 20, 0, tzinfo=UTC)
    assert start_of_day(late_on_the_ninth_in_utc) == datetime(2026, 10, 9, 16, 0, tzinfo=UTC)
