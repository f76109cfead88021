"""Frames carry records field by field without losing where each of them stood."""

from decimal import Decimal

from qtrace.orders.frames import Frame, Frames, filled, framed
from qtrace.sdk.records import RECORD_TYPES, Order, OrderLine, Record, Supplier

RECORDS: list[Record] = [
    OrderLine(order="O1", external_id="1", price=Decimal("9.9")),
    Supplier(external_id="V1", name="甲"),
    OrderLine(order="O2", external_id="1", lot="L1"),
    Order(external_id="O1", status="paid"),
]


def test_every_record_keeps_its_place_in_the_batch() -> None:
    frames = framed(RECORDS)
    back = {at: record for frame in frames.frames for at, record in zip(frame.index, frame.records(), strict=True)}
    assert (frames.size, [back[at] for at in range(4)]) == (4, RECORDS)


def test_kinds_that_others_name_come_first() -> None:
    assert [frame.kind for frame in framed(RECORDS).by_kind()] == ["suppliers", "orders", "lines"]


def test_two_frames_of_one_kind_become_one_in_the_order_of_the_batch() -> None:
    first = filled("suppliers", [0, 2], {"external_id": ["V1", "V2"], "name": ["甲", "乙"]})
    second = filled("suppliers", [1, 3], {"name": ["丙", "丁"], "external_id": ["V1", "V2"]})
    [joined] = Frames(4, [first, second]).by_kind()
    assert (list(joined.index), joined.fields["name"]) == ([0, 1, 2, 3], ["甲", "丙", "乙", "丁"])


def test_a_field_nobody_said_has_its_default() -> None:
    frame = filled("lines", [0], {"order": ["O1"], "external_id": ["1"]})
    assert frame.records() == [OrderLine(order="O1", external_id="1")]


def test_a_frame_without_records_is_left_out() -> None:
    assert Frames(1, [Frame("orders", [], {})]).by_kind() == []


def test_every_kind_of_record_can_be_framed() -> None:
    assert {kind for kind in RECORD_TYPES if filled(kind, [], {}).records()} == set()
