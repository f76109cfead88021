"""GS1 texts taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.orders.gs1 import article_numbers, elements, printed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("010690123456789210B2409\x1d21S1", {"01": "06901234567892", "10": "B2409", "21": "S1"}),
        ("01069012345678921727123110B2409", {"01": "06901234567892", "17": "271231", "10": "B2409"}),
        ("0106901234567892310300150010B1", {"01": "06901234567892", "3103": "001500", "10": "B1"}),
        ("10B1\x1d24012345\x1d8008261120", {"10": "B1", "240": "12345", "8008": "261120"}),
        ("(01)06901234567892(17)271231(10)B2409", {"01": "06901234567892", "17": "271231", "10": "B2409"}),
        ("https://id.gs1.org/01/06901234567892/10/B%2F1?17=271231", {"01": "06901234567892", "10": "B/1"}),
        ("https://shop.example/gtin/01/06901234567892", {"01": "06901234567892"}),
    ],
)
def test_a_gs1_text_is_taken_apart(text: str, found: dict[str, str]) -> None:
    assert elements(text, gs1=True) == found


@pytest.mark.parametrize(
    "text",
    [
        "SF1234567890",
        "",
        "https://shop.example/10/20",
        "https://shop.example/01/x",
        "http://[",
        "(1)x",
        "(01)1(10",
        "2611200001",
    ],
)
def test_other_texts_are_left_whole(text: str) -> None:
    assert elements(text) == {}


def test_group_separators_tell_gs1_even_when_the_symbol_did_not_say_so() -> None:
    assert elements("010690123456789210B2409\x1d21S1") == {"01": "06901234567892", "10": "B2409", "21": "S1"}


def test_elements_are_printed_as_below_the_symbol() -> None:
    assert printed({"01": "06901234567892", "10": "B2409"}) == "(01)06901234567892(10)B2409"


@given(st.text(max_size=60), st.booleans())
def test_no_text_breaks_it(text: str, gs1: bool) -> None:
    assert all(key.isdecimal() for key in elements(text, gs1=gs1))


@pytest.mark.parametrize(
    ("number", "ways"),
    [
        ("06901234567892", ["6901234567892", "06901234567892"]),
        ("6901234567892", ["6901234567892", "06901234567892"]),
        ("0012345678905", ["012345678905", "0012345678905", "00012345678905"]),
        ("16901234567899", ["16901234567899"]),
        ("B2409", ["B2409"]),
        ("123", ["123"]),
    ],
)
def test_an_article_number_is_written_with_and_without_leading_zeros(number: str, ways: list[str]) -> None:
    assert article_numbers(number) == ways
