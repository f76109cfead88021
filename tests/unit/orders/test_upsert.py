"""The one road by which facts enter keeps everything, changes only what a source says, and tells it once."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.catalog.models import Customer, Place, Sku, Supplier
from qtrace.catalog.service import ensure_shop
from qtrace.core.db import db, read, write
from qtrace.core.errors import NotFound
from qtrace.core.events import Event, subscribe, verify_chain
from qtrace.core.models import EventRow
from qtrace.orders import models
from qtrace.orders.batch import Rehearsal
from qtrace.orders.events import RECORDS_IMPORTED, read_imported
from qtrace.orders.upsert import Counts, rehearse, store
from qtrace.sdk import records as r

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def shop_taobao(app: Flask) -> int:
    """A shop whose money is CNY."""
    with write():
        return ensure_shop("taobao", name="淘宝店", platform="taobao")


def put(shop: int, *records: r.Record) -> Counts:
    """Store the records in a write of their own."""
    with write():
        return store(shop, records, now=NOW, by=None, source=("import_run", 7))


def tally(counts: Counts) -> tuple[int, int, int, int]:
    """Return (stored, updated, unchanged, refused)."""
    return counts.stored, counts.updated, counts.unchanged, len(counts.refused)


def only(model: type[Any]) -> Any:
    """Return the one row of the table."""
    return db.session.scalars(select(model)).one()


def count(model: type[Any]) -> int:
    """Return how many rows the table has."""
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def everything() -> list[r.Record]:
    """One record of every kind, all naming one another."""
    return [
        r.AfterSale(
            external_id="AS1", order="O1", line="1", reason="瓶口漏液", refund=Decimal("12.5"), opened_at=NOW - DAY
        ),
        r.Review(external_id="R1", order="O1", sku="S1", stars=1, text="漏了一半", reviewed_at=NOW - DAY),
        r.PurchaseReceipt(external_id="PR1", lot="L1", sku="S1", supplier="V1", warehouse="W1", quantity=500),
        r.Lot(external_id="L1", made_on=date(2026, 1, 5), expires_on=date(2029, 1, 4)),
        r.Shipment(external_id="SF100", order="O1", courier="中通", line="中通·杭州→四川", warehouse="W1"),
        r.Payment(order="O1", external_id="1", method="alipay", amount=Decimal("99.90")),
        r.OrderLine(order="O1", external_id="1", sku="S1", supplier="V1", price=Decimal("99.9"), lot="L1"),
        r.Order(external_id="O1", customer="C1", status="paid", paid=Decimal("99.90"), placed_at=NOW - 3 * DAY),
        r.Place(postal_code="310000", city="杭州", latitude=Decimal("30.25"), longitude=Decimal("120.17")),
        r.Customer(external_id="C1", masked_name="王*"),
        r.Warehouse(external_id="W1", name="杭州仓"),
        r.Product(external_id="S1", name="玫瑰精华 30ml", supplier="V1", weight_g=80),
        r.Supplier(external_id="V1", name="广州某日化厂"),
        r.Category(external_id="skin", name="护肤"),
    ]


def test_every_kind_is_stored_once_and_a_second_time_changes_nothing(shop_taobao: int) -> None:
    assert tally(put(shop_taobao, *everything())) == (14, 0, 0, 0)
    events = count(EventRow)
    assert tally(put(shop_taobao, *everything())) == (0, 0, 14, 0)
    assert count(EventRow) == events
    assert verify_chain().broken_at is None


def test_records_that_name_one_another_are_joined_whatever_their_order(shop_taobao: int) -> None:
    for record in everything():
        put(shop_taobao, record)
    line = only(models.OrderLine)
    after_sale = only(models.AfterSale)
    assert (line.order.external_id, line.sku.name, line.supplier.name) == ("O1", "玫瑰精华 30ml", "广州某日化厂")
    assert (after_sale.line_id, after_sale.refund_minor, after_sale.reason) == (line.id, 1250, "瓶口漏液")
    assert (line.quantity, line.price_minor, line.order.known, line.sku.known) == (1, 9990, True, True)
    assert tally(put(shop_taobao, *everything()))[:2] == (0, 0)


def test_an_order_only_a_review_names_is_kept_as_a_stub_and_completed_later(shop_taobao: int) -> None:
    put(shop_taobao, r.Review(external_id="R1", order="O9", stars=2, reviewed_at=NOW - DAY))
    assert only(models.Order).known is False
    counts = put(shop_taobao, r.Order(external_id="O9", placed_at=NOW - 2 * DAY))
    assert tally(counts) == (1, 0, 0, 0)
    order = only(models.Order)
    assert (order.known, only(models.Review).order_id) == (True, order.id)


def test_an_unknown_sku_and_supplier_of_a_line_are_kept_as_stubs(shop_taobao: int) -> None:
    put(shop_taobao, r.OrderLine(order="O1", external_id="1", sku="S9", supplier="V9"))
    assert (only(Sku).known, only(Supplier).name) == (False, "V9")
    assert tally(put(shop_taobao, r.Product(external_id="S9", name="口红"))) == (1, 0, 0, 0)
    assert only(Sku).known is True


def test_a_line_only_an_after_sale_names_is_completed_by_its_own_record(shop_taobao: int) -> None:
    put(shop_taobao, r.AfterSale(external_id="AS1", order="O1", line="2", opened_at=NOW))
    assert only(models.OrderLine).quantity == 0
    assert tally(put(shop_taobao, r.OrderLine(order="O1", external_id="2", quantity=3))) == (1, 0, 0, 0)
    assert (only(models.OrderLine).quantity, only(models.AfterSale).line_id) == (3, only(models.OrderLine).id)


def test_what_a_source_does_not_say_never_overwrites(shop_taobao: int) -> None:
    put(shop_taobao, r.Order(external_id="O1", status="paid", customer="C1", paid=Decimal(5), shipped_at=NOW - DAY))
    assert tally(put(shop_taobao, r.Order(external_id="O1"))) == (0, 0, 1, 0)
    assert tally(put(shop_taobao, r.Order(external_id="O1", delivered_at=NOW))) == (0, 1, 0, 0)
    order = only(models.Order)
    assert (order.status, order.paid_minor, order.shipped_at, order.delivered_at) == ("paid", 500, NOW - DAY, NOW)
    assert order.customer_id == only(Customer).id


def test_the_last_of_several_records_with_one_key_wins(shop_taobao: int) -> None:
    counts = put(
        shop_taobao,
        r.Supplier(external_id="V1", name="甲"),
        r.Supplier(external_id="V1", name="甲"),
        r.Supplier(external_id="V1", name="乙"),
    )
    assert counts.outcomes == ("stored", "unchanged", "updated")
    assert only(Supplier).name == "乙"


def test_one_review_id_under_two_orders_is_two_reviews(shop_taobao: int) -> None:
    put(
        shop_taobao,
        r.Review(external_id="R1", order="O1", stars=1, reviewed_at=NOW),
        r.Review(external_id="R1", order="O2", stars=1, reviewed_at=NOW),
    )
    keys = db.session.scalars(select(models.Review.external_id).order_by(models.Review.external_id)).all()
    assert keys == ["R1|O1", "R1|O2"]


def test_two_shops_may_use_the_same_numbers(shop_taobao: int) -> None:
    with write():
        other = ensure_shop("douyin", name="抖店")
    put(shop_taobao, r.Order(external_id="O1", status="paid"))
    assert tally(put(other, r.Order(external_id="O1", status="closed"))) == (1, 0, 0, 0)
    assert count(models.Order) == 2


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (r.Order(external_id="O1", paid=Decimal("1.005")), "小数"),
        (r.Order(external_id="O1", paid=Decimal("NaN")), "金额"),
        (r.Order(external_id="O1", paid=Decimal("sNaN")), "金额"),
        (r.Order(external_id="O1", placed_at=datetime(2026, 1, 31)), "时区"),  # noqa: DTZ001 - what is refused here
        (r.Order(external_id="O1", currency="人民币"), "币种"),
        (r.Order(external_id="O1", placed_at=datetime(1999, 12, 31, tzinfo=UTC)), "2000"),
        (r.Order(external_id="O1", placed_at=NOW + 3000 * DAY), "五年"),
        (r.Order(external_id="x" * 121), "120"),
        (r.Order(external_id=""), "订单号"),
        (r.Order(external_id="O\x001"), "无法保存"),
        (r.Order(external_id="O1", customer="\ud800"), "无法保存"),
        (r.Order(external_id="O1", status="状" * 41), "40"),
        (r.Review(external_id="R1", stars=6, reviewed_at=NOW), "1 到 5"),
        (r.Review(external_id="R1", stars=0, reviewed_at=NOW), "1 到 5"),
        (r.Review(external_id="R1", stars=1, title="x\x00", reviewed_at=NOW), "无法保存"),
        (r.OrderLine(order="", external_id="1"), "订单号"),
        (r.OrderLine(order="O1", external_id="1", quantity=0), "1 以上"),
        (r.OrderLine(order="O1", external_id="1", kind="toy"), "toy"),
        (r.OrderLine(order="O1", external_id="1", lot="L1", lot_confidence=101), "100"),
        (r.AfterSale(external_id="A1", line="1", opened_at=NOW), "订单号"),
        (r.Place(postal_code="1", latitude=Decimal(91), longitude=Decimal(0)), "91"),
        (r.Product(external_id="S1", weight_g=-1), "重量"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_reason_and_leaves_nothing(
    shop_taobao: int, record: r.Record, words: str
) -> None:
    counts = put(shop_taobao, record, r.Supplier(external_id="V1"))
    [(index, reason)] = counts.refused
    assert (index, counts.outcomes) == (0, ("refused", "stored"))
    assert words in reason
    assert count(models.Order) == count(models.Review) == count(Place) == count(Sku) == 0


def test_a_refused_record_leaves_those_around_it_whole(shop_taobao: int) -> None:
    counts = put(
        shop_taobao,
        *[
            r.OrderLine(order=f"O{n}", external_id="1", sku=f"S{n}", lot=f"L{n}", price=Decimal(n), lot_confidence=sure)
            for n, sure in ((1, 90), (2, 101), (3, 70))
        ],
    )
    assert (counts.outcomes, [at for at, _why in counts.refused]) == (("stored", "refused", "stored"), [1])
    lines = db.session.scalars(select(models.OrderLine).order_by(models.OrderLine.id)).all()
    assert [(line.order.external_id, line.sku.external_id, line.price_minor) for line in lines if line.sku] == [
        ("O1", "S1", 100),
        ("O3", "S3", 300),
    ]
    links = db.session.scalars(select(models.LineLot).order_by(models.LineLot.id)).all()
    assert [(link.line_id, link.lot.external_id, link.confidence) for link in links] == [
        (lines[0].id, "L1", 90),
        (lines[1].id, "L3", 70),
    ]


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 31, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=8))),
    ],
)
def test_a_time_is_read_as_it_was_said(shop_taobao: int, moment: datetime) -> None:
    put(shop_taobao, r.Order(external_id="O1", placed_at=moment))
    assert only(models.Order).placed_at == moment


def test_money_keeps_the_minor_digits_of_its_currency(shop_taobao: int) -> None:
    counts = put(
        shop_taobao,
        r.Order(external_id="O1", currency="JPY", paid=Decimal("1200")),
        r.Order(external_id="O2", currency="JPY", paid=Decimal("0.5")),
    )
    assert (tally(counts), only(models.Order).paid_minor) == ((1, 0, 0, 1), 1200)
    put(shop_taobao, r.Payment(order="O1", external_id="1", amount=Decimal("1200")))
    assert (only(models.Payment).currency, only(models.Payment).amount_minor) == ("JPY", 1200)


def test_a_lot_named_by_a_line_is_linked_with_its_method(shop_taobao: int) -> None:
    line = r.OrderLine(order="O1", external_id="1", sku="S1", supplier="V1", quantity=2)
    put(shop_taobao, line)
    scanned = r.OrderLine(**{**vars(line), "lot": "L1", "lot_method": "fifo", "lot_confidence": 70})
    assert tally(put(shop_taobao, scanned)) == (0, 1, 0, 0)
    assert tally(put(shop_taobao, scanned)) == (0, 0, 1, 0)
    link = only(models.LineLot)
    assert (link.lot.external_id, link.quantity, link.method, link.confidence) == ("L1", 2, "fifo", 70)
    assert (link.lot.sku.external_id, link.lot.supplier.external_id) == ("S1", "V1")


def test_a_receipt_completes_its_lot_and_never_changes_what_is_known(shop_taobao: int) -> None:
    put(shop_taobao, r.PurchaseReceipt(external_id="PR1", lot="L1", sku="S1", supplier="V1", quantity=10))
    put(shop_taobao, r.PurchaseReceipt(external_id="PR2", lot="L1", sku="S2", supplier="V2", quantity=10))
    lot = only(models.Lot)
    assert (lot.sku.external_id, lot.supplier.external_id) == ("S1", "V1")


def test_one_event_per_kind_names_the_rows_in_the_same_transaction(app: Flask, shop_taobao: int) -> None:
    heard: list[Event] = []
    subscribe(app, RECORDS_IMPORTED, heard.append)
    put(
        shop_taobao,
        r.Order(external_id="O1"),
        r.Order(external_id="O2", paid=Decimal("0.001")),
        r.Review(external_id="R1", order="O1", stars=1, reviewed_at=NOW),
    )
    orders, reviews = (read_imported(event) for event in heard)
    assert (orders.kind, orders.stored, orders.refused, reviews.kind) == ("orders", 1, 1, "reviews")
    assert (orders.ids, reviews.ids) == ([only(models.Order).id], [only(models.Review).id])
    assert (heard[0].subject_kind, heard[0].subject_id, len(orders.sha256)) == ("import_run", 7, 64)


def test_a_subscriber_that_refuses_takes_the_batch_back(app: Flask, shop_taobao: int) -> None:
    def refuse(_event: Event) -> None:
        raise NotFound

    subscribe(app, RECORDS_IMPORTED, refuse)
    with pytest.raises(NotFound):
        put(shop_taobao, r.Order(external_id="O1"))
    assert count(models.Order) == 0


def test_an_unknown_shop_is_refused(app: Flask) -> None:
    with pytest.raises(NotFound), write():
        store(999, [r.Order(external_id="O1")], now=NOW, by=None, source=("import_run", 1))


def test_nothing_is_stored_outside_a_write(shop_taobao: int) -> None:
    with pytest.raises(RuntimeError):
        store(shop_taobao, [r.Order(external_id="O1")], now=NOW, by=None, source=("import_run", 1))


def _in_batches(shop: int, records: Sequence[r.Record], size: int) -> list[tuple[int, int, int, int]]:
    memory = Rehearsal()
    with read():
        return [
            tally(rehearse((shop, "CNY"), records[at : at + size], now=NOW, memory=memory))
            for at in range(0, len(records), size)
        ]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_rehearsal_counts_what_a_real_run_would_and_writes_nothing(shop_taobao: int, size: int) -> None:
    records = [
        *everything()[::-1],
        *everything()[:4],
        r.Supplier(external_id="V1", name="别的名字"),
        r.OrderLine(order="O1", external_id="1", lot="L2"),
        r.OrderLine(order="O1", external_id="1", lot="L2"),
        r.Lot(external_id="L2"),
        r.Order(external_id="O2", paid=Decimal("0.001")),
    ]
    events = count(EventRow)
    rehearsed = _in_batches(shop_taobao, records, size)
    assert (count(models.Order), count(EventRow)) == (0, events)
    real = [tally(put(shop_taobao, *records[at : at + size])) for at in range(0, len(records), size)]
    assert rehearsed == real
    again = _in_batches(shop_taobao, everything()[1:], size)
    assert sum(batch[0] for batch in again) == 0
