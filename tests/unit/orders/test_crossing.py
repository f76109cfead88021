"""The numbers of other systems lead to the order and the line they mean, whichever comes first, and nobody guesses."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.service import ensure_shop
from qtrace.core.db import db, write
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Parcel
from qtrace.orders.stock_models import ParcelItem, ReturnReceipt, Serial, StockOut, StockOutLine
from qtrace.orders.upsert import Counts, store
from qtrace.sdk import records as r
from tests.conftest import NOW

DAY = timedelta(days=1)


@pytest.fixture
def shops(app: Flask) -> tuple[int, int]:
    """A platform shop and the ERP."""
    with write():
        taobao = ensure_shop("taobao", name="淘宝店", platform="taobao")
        return taobao, ensure_shop("erp", name="ERP", platform="erp")


def put(shop: int, *records: r.Record) -> Counts:
    """Store the records in a write of their own."""
    with write():
        counts = store(shop, records, now=NOW, by=None, source=("import_run", 7))
    assert not counts.refused
    db.session.remove()
    return counts


def sale(number: str, *skus: str, placed_at: datetime = NOW - 3 * DAY) -> list[r.Record]:
    """An order with one line an article."""
    return [
        r.Order(external_id=number, placed_at=placed_at),
        *(r.OrderLine(order=number, external_id=str(at), sku=sku, price=Decimal(9)) for at, sku in enumerate(skus, 1)),
    ]


def left(stock_out: str, *lines: r.StockOutLine, waybill: str = "", **said: str) -> list[r.Record]:
    """Goods that left, with their lines."""
    return [r.StockOut(external_id=stock_out, waybill=waybill, shipped_at=NOW - DAY, **said), *lines]


def served() -> list[tuple[str, str, str, str, int]]:
    """Return (order, line, lot, method, quantity) of every link."""
    rows = db.session.execute(
        select(Order.external_id, OrderLine.external_id, Lot.external_id, LineLot.method, LineLot.quantity)
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Lot, Lot.id == LineLot.lot_id)
        .order_by(Order.external_id, OrderLine.external_id, Lot.external_id)
    )
    return [tuple(row) for row in rows]  # type: ignore[misc]


@pytest.mark.parametrize("erp_first", [True, False])
def test_a_stock_out_tells_the_lot_of_the_line_whichever_comes_first(
    shops: tuple[int, int], *, erp_first: bool
) -> None:
    taobao, erp = shops
    out = left("CK1", r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="S1", lot="L1", quantity=2))
    first, second = ((erp, out), (taobao, sale("T1", "S1"))) if erp_first else ((taobao, sale("T1", "S1")), (erp, out))
    put(first[0], *first[1])
    put(second[0], *second[1])
    assert served() == [("T1", "1", "L1", "scanned", 2)]


def test_a_corrected_stock_out_takes_the_old_lot_back(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(taobao, *sale("T1", "S1"))
    for lot in ("L1", "L2"):
        line = r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="S1", lot=lot, quantity=1)
        put(erp, *left("CK1", line))
    assert served() == [("T1", "1", "L2", "scanned", 1)]


def test_the_same_facts_again_change_nothing(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(taobao, *sale("T1", "S1"))
    out = left("CK1", r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="S1", lot="L1", quantity=2))
    put(erp, *out)
    assert put(erp, *out).unchanged == 2
    assert put(taobao, *sale("T1", "S1")).unchanged == 2


def test_a_number_of_two_shops_means_neither_until_the_shop_is_said(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    with write():
        douyin = ensure_shop("douyin", name="抖音店", platform="douyin")
    put(taobao, *sale("88", "S1"))
    put(douyin, *sale("88", "S1"))
    line = r.StockOutLine(stock_out="CK1", external_id="1", order="88", sku="S1", lot="L1", quantity=1)
    put(erp, *left("CK1", line))
    assert served() == []
    put(
        erp, r.StockOutLine(stock_out="CK1", external_id="1", shop="抖音店", order="88", sku="S1", lot="L1", quantity=1)
    )
    assert len(served()) == 1
    assert db.session.scalars(select(StockOutLine)).one().order.shop_id == douyin  # type: ignore[union-attr]


def test_a_header_cut_off_still_leads_all_twelve_orders_to_their_waybill(shops: tuple[int, int]) -> None:
    """A merged stock-out whose header names 12 orders is cut at 255 characters by the ERP; its lines are whole."""
    taobao, erp = shops
    numbers = [f"48811200{at:02d}356677889900" for at in range(12)]
    for number in numbers:
        put(taobao, *sale(number, "S1"))
    lines = [
        r.StockOutLine(stock_out="CK9", external_id=str(at), order=number, sku="S1", quantity=1)
        for at, number in enumerate(numbers)
    ]
    put(erp, *left("CK9", *lines, waybill="SF900", orders=",".join(numbers)[:255]))
    found = db.session.execute(
        select(Order.external_id, Parcel.external_id)
        .join(StockOutLine, StockOutLine.order_id == Order.id)
        .join(StockOut, StockOut.id == StockOutLine.stock_out_id)
        .join(Parcel, Parcel.id == StockOut.parcel_id)
    ).all()
    assert sorted(tuple(row) for row in found) == [(number, "SF900") for number in numbers]


def test_a_header_without_lines_puts_its_whole_numbers_into_the_parcel(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(taobao, *sale("T1", "S1"), *sale("T2", "S1"))
    put(erp, *left("CK1", waybill="SF1", orders="T1,T2,T3-cut-o"))
    rows = db.session.execute(select(ParcelItem.order_number, ParcelItem.order_id.is_not(None)).order_by(ParcelItem.id))
    assert [tuple(row) for row in rows] == [("T1", True), ("T2", True), ("T3-cut-o", False)]


def test_a_print_batch_is_never_taken_for_a_lot(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(taobao, *sale("T1", "S1"))
    line = r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="S1", quantity=1)
    put(erp, *left("CK1", line, print_batch="20260512-03"))
    assert served() == []
    assert db.session.scalars(select(Lot)).all() == []
    assert db.session.scalars(select(StockOut)).one().print_batch == "20260512-03"


def test_one_platform_line_of_a_gift_box_leads_each_good_to_its_own_lot(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(erp, r.KitPart(kit="BOX", part="SERUM"), r.KitPart(kit="BOX", part="MASK", quantity=2),
        r.KitPart(kit="BOX", part="BAG", kind="gift"))  # fmt: skip
    put(taobao, *sale("T1", "BOX"))
    lines = [
        r.StockOutLine(stock_out="CK1", external_id=sku, order="T1", line="1", sku=sku, lot=f"L-{sku}", quantity=1)
        for sku in ("SERUM", "MASK", "BAG")
    ]
    put(erp, *left("CK1", *lines))
    assert [row[1:3] for row in served()] == [("1+BAG", "L-BAG"), ("1+MASK", "L-MASK"), ("1+SERUM", "L-SERUM")]
    rows = db.session.execute(select(OrderLine.external_id, OrderLine.kind, OrderLine.quantity, OrderLine.price_minor))
    assert {tuple(row) for row in rows} == {
        ("1", "item", 1, 900), ("1+SERUM", "component", 1, 0), ("1+MASK", "component", 2, 0), ("1+BAG", "gift", 1, 0),
    }  # fmt: skip


def test_a_kit_is_composed_as_it_was_on_the_day_of_the_order(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(erp, r.KitPart(kit="BOX", part="OLD", valid_until=date(2026, 10, 31)),
        r.KitPart(kit="BOX", part="NEW", valid_from=date(2026, 11, 1)))  # fmt: skip
    put(taobao, *sale("T1", "BOX", placed_at=datetime(2026, 10, 31, 15, 59, tzinfo=UTC)))
    put(taobao, *sale("T2", "BOX", placed_at=datetime(2026, 10, 31, 16, 1, tzinfo=UTC)))  # 1 November in Shanghai
    rows = db.session.execute(
        select(Order.external_id, OrderLine.external_id).join(OrderLine).where(OrderLine.kind == "component")
    )
    assert sorted(tuple(row) for row in rows) == [("T1", "1+OLD"), ("T2", "1+NEW")]


def test_a_composition_that_comes_late_expands_the_orders_before_it(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(erp, r.Product(external_id="BOX"))
    put(taobao, *sale("T1", "BOX"))
    put(erp, r.KitPart(kit="BOX", part="SERUM"))
    put(erp, r.KitPart(kit="BOX", part="SERUM"))
    assert sorted(db.session.scalars(select(OrderLine.external_id))) == ["1", "1+SERUM"]


def test_a_new_code_of_an_article_still_finds_the_line_of_its_old_one(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(erp, r.Product(external_id="S-NEW"), r.Product(external_id="S-OLD", replaced_by="S-NEW"))
    put(taobao, *sale("T1", "S-OLD", "S2"))
    put(
        erp,
        *left("CK1", r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="S-NEW", lot="L1", quantity=1)),
    )
    assert served() == [("T1", "1", "L1", "scanned", 1)]


def test_two_lines_of_one_article_mean_neither_without_a_line_number(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(taobao, *sale("T1", "S1", "S1"))
    put(erp, *left("CK1", r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="S1", lot="L1", quantity=1)))
    line = db.session.scalars(select(StockOutLine)).one()
    assert (line.order_id is not None, line.line_id) == (True, None)


def test_a_serial_number_tells_the_lot(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(erp, r.Serial(external_id="SN1", sku="S1", lot="L1", order="T1"),
        r.Serial(external_id="SN2", sku="S1", lot="L1", order="T1"))  # fmt: skip
    put(taobao, *sale("T1", "S1"))
    assert served() == [("T1", "1", "L1", "serial", 2)]
    assert {row.order_number for row in db.session.scalars(select(Serial))} == {"T1"}


def test_what_the_order_itself_says_of_its_lot_stays(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(taobao, r.OrderLine(order="T1", external_id="1", sku="S1", lot="L0", lot_method="manual"))
    put(erp, *left("CK1", r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="S1", lot="L1", quantity=1)))
    assert [row[2:4] for row in served()] == [("L0", "manual"), ("L1", "scanned")]


def test_a_return_that_names_only_a_waybill_finds_its_order(shops: tuple[int, int]) -> None:
    taobao, erp = shops
    put(taobao, *sale("T1", "S1"),
        r.AfterSale(external_id="AS1", order="T1", line="1", opened_at=NOW, return_waybill="YT7"))  # fmt: skip
    put(erp, r.ReturnReceipt(external_id="TH1", waybill="YT7", sku="S1", condition="damaged"))
    row = db.session.scalars(select(ReturnReceipt)).one()
    assert (row.order_number, row.line.external_id if row.line else "") == ("T1", "1")
