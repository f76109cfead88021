"""Events of other companies: the examples of GS1, and what somebody may send to do harm."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qtrace.core.errors import Refused
from qtrace.sdk import records as r
from qtrace.trace.epcis_reading import MAX_BYTES, Known, Reading, load_events, read_events
from tests.conftest import SHARED

EXAMPLES = SHARED / "data" / "gs1" / "epcis_examples"
EVENT = {
    "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "receiving", "eventID": "urn:uuid:1",
    "eventTime": "2026-11-20T10:00:00+08:00", "eventTimeZoneOffset": "+08:00",
    "quantityList": [{"epcClass": "https://id.gs1.org/01/06901234567892/10/B1", "quantity": 5}],
}  # fmt: skip


@pytest.fixture(autouse=True)
def words(sqlite_app: Flask) -> Iterator[None]:
    """The words of the reasons."""
    with sqlite_app.test_request_context():
        yield


def document(*events: dict[str, Any]) -> bytes:
    """Return a document of events."""
    return json.dumps({"type": "EPCISDocument", "epcisBody": {"eventList": events}}).encode()


def read(content: bytes, known: Known | None = None) -> list[Reading]:
    """Return what the events of a document become."""
    return read_events(load_events(content), known or Known())


@pytest.mark.real
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.jsonld")), ids=lambda path: path.stem[-40:])
def test_each_example_becomes_records_or_says_why_not(path: Path) -> None:
    readings = read(path.read_bytes())
    assert readings
    assert all(one.records or one.note for one in readings)
    assert all("\n" not in one.note and len(one.note) < 120 for one in readings)


@pytest.mark.real
def test_what_the_examples_hold() -> None:
    files = sorted(EXAMPLES.glob("*.jsonld"))
    readings = [read(path.read_bytes()) for path in files]
    assert len(files) == 47
    assert sum(any(one.records for one in found) for found in readings) == 26
    kinds = Counter(type(record).__name__ for found in readings for one in found for record in one.records)
    assert kinds["PurchaseReceipt"] == 11
    assert kinds["StockOutLine"] == 5


def test_goods_received_are_a_receipt_of_a_lot() -> None:
    event = EVENT | {
        "bizTransactionList": [{"type": "po", "bizTransaction": "https://qtrace.example/documents/po/PO-1"}],
        "sourceList": [{"type": "possessing_party", "source": "https://qtrace.example/parties/HM"}],
        "readPoint": {"id": "https://qtrace.example/places/%E6%9D%AD%E5%B7%9E"},
    }
    known = Known({"06901234567892": "ROSE-30"}, site="https://qtrace.example")
    (found,) = read(document(event), known)
    lot, receipt = found.records
    assert lot == r.Lot(external_id="B1", sku="ROSE-30")
    assert isinstance(receipt, r.PurchaseReceipt)
    assert (receipt.external_id, receipt.purchase, receipt.supplier) == ("urn:uuid:1", "PO-1", "HM")
    assert (receipt.warehouse, receipt.quantity, receipt.lot, receipt.sku) == ("杭州", 5, "B1", "ROSE-30")


def test_a_lot_of_two_articles_is_refused() -> None:
    (found,) = read(document(EVENT), Known({"06901234567892": "ROSE-30"}, {"B1": "OTHER"}))
    assert found.records == ()
    assert "OTHER" in found.note


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"eventTime": "2026-11-20"}, "时区"),
        ({"eventTime": "9999-12-31T23:59:59-23:59"}, "时区"),
        ({"eventTime": ["x"]}, "时区"),
        ({"quantityList": [{"epcClass": "https://id.gs1.org/01/06901234567892/10/B1", "quantity": -5}]}, "不可能"),
        ({"quantityList": [{"epcClass": "https://id.gs1.org/01/06901234567892/10/B1", "quantity": 10**30}]}, "不可能"),
        ({"quantityList": "x", "epcList": {"a": 1}}, "没有写商品"),
        ({"quantityList": [{"epcClass": f"https://id.gs1.org/01/06901234567892/10/{'B' * 200}"}]}, "太长"),
        ({"quantityList": [{"epcClass": "https://id.gs1.org/01/06901234567892/10/%00%0a"}]}, "看不见"),
        ({"errorDeclaration": {}}, "有误"),
        ({"type": "NoEvent"}, "不认识"),
        ({"type": None}, "不认识"),
        ({"epcList": ["urn:epc:id:sscc:0614141.1234567890"], "quantityList": []}, "箱码"),
    ],
)
def test_what_can_not_be_kept_says_why(change: dict[str, Any], word: str) -> None:
    (found,) = read(document(EVENT | change))
    assert found.records == ()
    assert word in found.note


def test_quantities_that_are_no_pieces_move_nothing() -> None:
    for amount in ({"quantity": 2.5}, {"quantity": 200, "uom": "KGM"}, {}):
        goods = [{"epcClass": "https://id.gs1.org/01/06901234567892/10/B1", **amount}]
        (found,) = read(document(EVENT | {"quantityList": goods}))
        assert {type(record) for record in found.records} == {r.Product, r.Lot}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"x", b"[]", b"{}", b"null", b"\xff\xfe", b'{"type":"EPCISDocument"}', b'{"epcisBody":{"eventList":{}}}',
        b'{"epcisBody":{"eventList":[]}}', b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"type":"ObjectEvent","x":' + b"[" * 80 + b"]" * 80 + b"}", b'{"type":"ObjectEvent","x":NaN}',
        b'{"type":"ObjectEvent","x":' + b"9" * 10_000 + b"}", b" " * (MAX_BYTES + 1),
        document(*[EVENT] * 10_001),
    ],
    ids=range(16),
)  # fmt: skip
def test_hostile_files_are_refused_in_words(content: bytes) -> None:
    with pytest.raises(Refused):
        load_events(content)


def test_a_number_too_large_to_write_out_is_refused_at_once() -> None:
    text = document(EVENT).replace(b'"quantity": 5', b'"quantity": 1e999999')
    (found,) = read(text)
    assert "不可能" in found.note


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.dictionaries(st.sampled_from([*EVENT, "disposition", "ilmd", "readPoint", "sourceList", "epcList"]), ANYTHING)
)
def test_nothing_anybody_writes_breaks_it(change: dict[str, Any]) -> None:
    (found,) = read(document(EVENT | change))
    assert found.records or found.note
