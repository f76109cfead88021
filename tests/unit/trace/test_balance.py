"""The pieces of a lot add up, and what does not is said."""

from hypothesis import given
from hypothesis import strategies as st

from qtrace.trace.balance import IN, OUT, Quantities, balance

PIECES = st.integers(0, 10_000)
MOVES = ("gain", "loss", "scrap", "supplier_return", "rework_out", "rework_in", "other_in", "other_out", "to_defective")


def test_allocated_pieces_are_not_counted_twice() -> None:
    """Received 664, shipped 435, 37 of them back (30 defective, 7 scrapped), 229 on the shelf of which 12 allocated."""
    found = balance(
        Quantities(664, 435, 0, {"defective": 30, "scrapped": 7}, shelf=229, allocated=12, defective=30)
    )  # fmt: skip
    assert {entry.key: entry.pieces for entry in found.went} == {
        "with_buyers": 398, "shelf": 229, "defective": 30, "scrapped": 7,
    }  # fmt: skip
    assert (found.total_in, found.total_out, found.unknown, found.share_found) == (664, 664, 0, 1.0)
    assert next(entry.of_which for entry in found.went if entry.key == "shelf") == (("allocated", 12),)


def test_pieces_that_nobody_finds_are_missing() -> None:
    found = balance(Quantities(received=100, shipped=60, shelf=35))
    assert (found.unknown, found.share_found) == (5, 0.95)


def test_more_shipped_than_received_is_less_than_nothing_left() -> None:
    found = balance(Quantities(received=10, shipped=12))
    assert (found.unknown, found.counted, found.pieces("shelf")) == (-2, False, 0)


def test_without_a_receipt_nothing_is_left_over_or_missing() -> None:
    assert balance(Quantities(shipped=12, shelf=3)).unknown is None


def test_an_uncounted_shelf_is_what_the_documents_leave() -> None:
    found = balance(Quantities(100, 40, 0, {"restocked": 5, "defective": 2}, {"to_defective": 3}))
    assert (found.pieces("shelf"), found.pieces("defective"), found.unknown, found.counted) == (62, 5, 0, False)


@given(
    received=PIECES, shipped=PIECES, shelf=st.none() | PIECES, defective=PIECES,
    moves=st.dictionaries(st.sampled_from(MOVES), PIECES),
    returned=st.dictionaries(st.sampled_from(["restocked", "defective", "scrapped", "waiting", ""]), PIECES),
)  # fmt: skip
def test_both_sides_and_the_rest_always_add_up(
    received: int, shipped: int, shelf: int | None, defective: int, moves: dict[str, int], returned: dict[str, int]
) -> None:
    found = balance(Quantities(received, shipped, 0, returned, moves, shelf, 0, defective))
    assert found.unknown is not None
    assert found.total_in == found.total_out + found.unknown
    assert {entry.key for entry in found.came} <= set(IN)
    assert {entry.key for entry in found.went} <= set(OUT)
    if shelf is None:
        assert found.unknown <= 0  # documents alone never say that something is missing
