"""The range of a rate follows the evidence."""

import pytest

from qtrace.trace.rates import LotCount, range_rows, rates, wilson


def test_the_interval_is_the_published_one() -> None:
    low, high = wilson(10, 100)
    assert low == pytest.approx(0.0552, abs=1e-4)
    assert high == pytest.approx(0.1744, abs=1e-4)


def test_nothing_shipped_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert rates([LotCount("B", 0, 0)]) == []


def test_the_lot_in_focus_comes_first_and_stands_out_only_above_the_others() -> None:
    found = rates([LotCount("calm", 1000, 4), LotCount("bad", 435, 37, focus=True)])
    rows = range_rows(found)
    assert [row.label for row in rows] == ["bad", "calm"]
    assert rows[0].kind == "bad"
    assert rows[0].text == "8.5%"
    assert all(0 <= row.low <= row.value <= row.high <= 100 for row in rows)


def test_a_lot_like_the_others_is_not_marked() -> None:
    rows = range_rows(rates([LotCount("a", 100, 1, focus=True), LotCount("b", 100, 1)]))
    assert [row.kind for row in rows] == ["", ""]
