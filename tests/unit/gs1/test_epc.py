"""Names of goods in events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.gs1.digits import check_digit, is_checked, is_own_use
from qtrace.gs1.epc import Epc, lot_uri, read_epc, sscc_of


@pytest.mark.parametrize(
    ("uri", "meant"),
    [
        ("urn:epc:class:lgtin:4012345.012345.998877", Epc("lot", "04012345123456", "998877")),
        ("urn:epc:id:sgtin:0614141.107346.2017", Epc("piece", "10614141073464", serial="2017")),
        ("urn:epc:idpat:sgtin:4012345.044444.*", Epc("article", "04012345444445")),
        ("urn:epc:id:sscc:0614141.1234567890", Epc("box", sscc="106141412345678908")),
        ("https://id.gs1.org/01/70614141123451/10/998877", Epc("lot", "70614141123451", "998877")),
        ("https://id.gs1.org/01/70614141123451/21/2017", Epc("piece", "70614141123451", serial="2017")),
        ("https://id.gs1.org/00/106141412345678908", Epc("box", sscc="106141412345678908")),
        ("urn:epc:id:giai:4000001.12345", Epc("other")),
        ("urn:epc:class:lgtin:4012345.1.1", Epc("other")),
        ("http://[", Epc("other")),
    ],
)
def test_a_name_is_read(uri: str, meant: Epc) -> None:
    assert read_epc(uri) == meant


BODIES = st.text("0123456789", min_size=13, max_size=13).filter(lambda body: not is_own_use(body))


@given(BODIES, st.integers(6, 12), st.text(min_size=1, max_size=20))
def test_a_lot_keeps_its_article_and_number_in_both_forms(body: str, length: int, lot: str) -> None:
    gtin = body + check_digit(body)
    assert read_epc(lot_uri(gtin, lot, prefix=body[1 : 1 + length])) == Epc("lot", gtin, lot)


@given(st.text('ABC/%&?"<> 123', min_size=1, max_size=20))
def test_a_lot_without_prefix_is_a_digital_link(lot: str) -> None:
    assert read_epc(lot_uri("6901234567892", lot)) == Epc("lot", "06901234567892", lot)


def test_a_wrong_article_number_makes_no_name() -> None:
    assert lot_uri("6901234567893", "B1") == lot_uri("", "B1") == lot_uri("6901234567892", "") == ""


@given(st.text("0123456789", min_size=6, max_size=12), st.integers(0, 9999))
def test_a_box_number_ends_with_its_check_digit(prefix: str, serial: int) -> None:
    assert is_checked(sscc_of(prefix, serial), (18,))


def test_a_box_number_never_runs_over() -> None:
    assert sscc_of("0614141", 234567890, extension=1) == "106141412345678908"
    with pytest.raises(ValueError, match="no room"):
        sscc_of("690123456789", 10_000)


def test_numbers_a_shop_gives_for_itself_name_nothing_elsewhere() -> None:
    assert lot_uri("2000000000374", "B1") == ""
