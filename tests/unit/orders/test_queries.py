"""A pasted number finds what it names, and what does not add up is shown."""

from datetime import UTC, datetime

import pytest
from flask import Flask

from qtrace.catalog.service import ensure_shop
from qtrace.core.db import write
from qtrace.orders import queries
from qtrace.orders.queries import clean_number, find_anything, finding_rows, findings
from qtrace.orders.upsert import store
from qtrace.sdk import records as r

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.fixture
def facts(app: Flask) -> None:
    """An order with a lot and a parcel, an empty order, and a review of an order nobody reported."""
    with write():
        shop = ensure_shop("taobao", name="淘宝店")
        store(
            shop,
            [
                r.Product(external_id="S1", name="玫瑰精华", barcode="6901234567892"),
                r.Order(external_id="O1"),
                r.OrderLine(order="O1", external_id="1", sku="S1", lot="L1"),
                r.OrderLine(order="O1", external_id="2", sku="S9"),
                r.Shipment(external_id="SF100", order="O1"),
                r.Order(external_id="O2"),
                r.Review(external_id="R1", order="O3", stars=1, reviewed_at=NOW),
                r.AfterSale(external_id="AS1", order="O1", line="7", opened_at=NOW),
            ],
            now=NOW,
            by=None,
            source=("import_run", 1),
        )


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("O1", (1, 0, 0, 0)),
        ("订单号: O1 ", (1, 0, 0, 0)),
        ("运单号:SF100\n", (0, 1, 0, 0)),
        ("S1", (0, 0, 1, 0)),
        ("6901234567892", (0, 0, 1, 0)),
        ("批号 L1", (0, 0, 0, 1)),
        ("没有", (0, 0, 0, 0)),
        ("  ", (0, 0, 0, 0)),
    ],
)
def test_a_pasted_number_finds_what_it_names(facts: None, pasted: str, found: tuple[int, int, int, int]) -> None:
    hits = find_anything(pasted)
    assert (len(hits.orders), len(hits.parcels), len(hits.skus), len(hits.lots)) == found
    assert bool(hits) == any(found)


def test_words_and_marks_around_a_number_are_dropped() -> None:
    assert [clean_number(text) for text in ("#TB1", "【TB1】", "订单编号:TB1", "SKU")] == ["TB1", "TB1", "TB1", "SKU"]


def test_what_does_not_add_up_is_counted(facts: None) -> None:
    assert {finding.key: finding.count for finding in findings()} == {
        "orders_without_items": 1,
        "stub_orders": 1,
        "reviews_of_unknown_orders": 1,
        "lines_with_unknown_sku": 2,
        "lines_only_named": 1,
    }
    assert [order.external_id for order in finding_rows("orders_without_items")] == ["O2"]


def test_counts_stop_at_the_cap(facts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "CAP", 1)
    many = {finding.key: (finding.count, finding.more) for finding in findings()}
    assert many["lines_with_unknown_sku"] == (1, True)
    assert many["stub_orders"] == (1, False)
