"""Check digits, against the numbers GS1 and shops print."""

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from qtrace.gs1.digits import check_digit, fault_in, fault_of, is_checked

RIGHT = [
    ("4006381333931", 13), ("6901234567892", 13), ("6291041500213", 13), ("09521234543213", 14), ("96385074", 8),
    ("012345678905", 12), ("16901234567899", 14), ("106141412345678908", 18), ("9521321000018", 13),
]  # fmt: skip


@pytest.mark.parametrize(("number", "length"), RIGHT)
def test_real_numbers_pass(number: str, length: int) -> None:
    assert is_checked(number, (length,))
    assert not is_checked(number, (length + 1,))


@pytest.mark.parametrize("number", ["", "690123456789a", "６９０１２３４５６７８９２", "6901234567893", "690123456789"])
def test_other_texts_fail(number: str) -> None:
    assert not is_checked(number)


def test_a_wrong_check_digit_is_named_with_the_right_one(sqlite_app: Flask) -> None:
    assert "应当是 2" in fault_of("6901234567893")
    assert "12 位" in fault_of("690123456789", (13,))
    assert "只有数字" in fault_of("690123456789X")
    assert fault_of("6901234567892") == ""
    assert fault_in({"10": "B", "00": "106141412345678909"}).startswith("(00) ")
    assert fault_in({"01": "06901234567892", "10": "B2409"}) == ""


@given(st.text("0123456789", min_size=7, max_size=17), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(body: str, at: int, more: int) -> None:
    number = body + check_digit(body)
    at %= len(number)
    wrong = number[:at] + str((int(number[at]) + more) % 10) + number[at + 1 :]
    assert is_checked(number, (len(number),))
    assert not is_checked(wrong, (len(number),))
