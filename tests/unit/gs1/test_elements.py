"""GS1 texts taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.gs1.elements import article_numbers, elements, joined, link, printed


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("010690123456789210B2409\x1d21S1", {"01": "06901234567892", "10": "B2409", "21": "S1"}),
        ("01069012345678921727123110B2409", {"01": "06901234567892", "17": "271231", "10": "B2409"}),
        ("0106901234567892310300150010B1", {"01": "06901234567892", "3103": "001500", "10": "B1"}),
        ("10B1\x1d24012345\x1d8008261120", {"10": "B1", "240": "12345", "8008": "261120"}),
        ("(01)06901234567892(17)271231(10)B2409", {"01": "06901234567892", "17": "271231", "10": "B2409"}),
        (
            "https://id.gs1.org/01/06901234567892/10/B%2F1?17=271231",
            {"01": "06901234567892", "10": "B/1", "17": "271231"},
        ),
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


LOTS = st.text("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789-./_", min_size=1, max_size=20)
LABELS = st.fixed_dictionaries(
    {"01": st.sampled_from(["06901234567892", "09521234543213"])},
    optional={"17": st.sampled_from(["271231", "270200"]), "3103": st.just("001500"), "10": LOTS, "21": LOTS},
)


@given(LABELS)
def test_a_label_says_the_same_in_all_its_forms(found: dict[str, str]) -> None:
    assert elements(joined(found), gs1=True) == found
    assert elements(printed(found)) == found
    assert elements(link(found)) == found


def test_the_vectors_of_the_standard() -> None:
    parts = {"01": "09521234543213", "10": "ABC123", "17": "250630"}
    assert elements("010952123454321310ABC123\x1d17250630") == parts
    assert elements("https://id.gs1.org/01/09521234543213/10/ABC123?17=250630") == parts
    assert link(parts) == "https://id.gs1.org/01/09521234543213/10/ABC123?17=250630"
    assert elements("]d2010952123454321310ABC123\x1d17250630") == parts
