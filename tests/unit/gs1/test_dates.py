"""Days on labels."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.gs1.dates import day_of, digits_of

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("digits", "day"),
    [
        ("271231", date(2027, 12, 31)),
        ("270200", date(2027, 2, 28)),
        ("280200", date(2028, 2, 29)),
        ("760101", date(2076, 1, 1)),
        ("770101", date(1977, 1, 1)),
        ("990630", date(1999, 6, 30)),
        ("270229", None),
        ("271300", None),
        ("270001", None),
        ("27123", None),
        ("27123a", None),
        ("２７１２３１", None),
    ],
)
def test_a_day_is_read(digits: str, day: date | None) -> None:
    assert day_of(digits, today=TODAY) == day


def test_the_century_slides_with_the_year() -> None:
    assert day_of("010101", today=date(2060, 1, 1)) == date(2101, 1, 1)
    assert day_of("100101", today=date(2060, 1, 1)) == date(2110, 1, 1)
    assert day_of("110101", today=date(2060, 1, 1)) == date(2011, 1, 1)


@given(st.dates(date(1977, 1, 1), date(2076, 12, 31)))
def test_a_day_comes_back_as_it_was_written(day: date) -> None:
    assert day_of(digits_of(day), today=TODAY) == day
