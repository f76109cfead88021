"""Cases of real shops that a trace must get right, from the records that come in to the page that people read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.service import ensure_shop
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.orders.models import OrderLine
from qtrace.orders.upsert import store
from qtrace.sdk import records as r
from qtrace.trace import lot_queries
from qtrace.trace.lot_pass import pass_over
from qtrace.trace.lot_report import Finding, LotReport, finding_text, findings, report
from qtrace.trace.queries import find_end
from qtrace.trace.service import find_trace, trace_json
from tests.conftest import NOW

DAY = timedelta(days=1)
Login = Callable[[str], Any]


@pytest.fixture
def erp(app: Flask) -> int:
    """The ERP; its master data is everybody's."""
    with write():
        return ensure_shop("erp", name="ERP", platform="erp")


@pytest.fixture
def taobao(app: Flask) -> int:
    """A platform shop."""
    with write():
        return ensure_shop("taobao", name="淘宝店", platform="taobao")


def put(shop: int, *records: r.Record) -> None:
    """Store the records in a write of their own."""
    with write():
        assert not store(shop, records, now=NOW, by=None, source=("import_run", 7)).refused
    db.session.remove()


def sold(number: str, sku: str, *, lot: str = "", quantity: int = 1, days: int = 30, **said: Any) -> list[r.Record]:
    """An order of one line, shipped so many days ago."""
    at = NOW - days * DAY
    line = r.OrderLine(order=number, external_id="1", sku=sku, quantity=quantity, price=Decimal(20), lot=lot, **said)
    return [r.Order(external_id=number, customer=f"c{number}", placed_at=at - DAY, shipped_at=at), line]


def reported(lot: str) -> LotReport:
    """Return the figures of a lot."""
    end = find_end("lot", lot, None)
    return report(end, pass_over(end.lots, end.reach), now=NOW)


def found_at(kind: str, number: str) -> dict[str, Finding]:
    """Return the findings of an end by their key; each has words."""
    found = {one.key: one for one in findings(find_end(kind, number, None))}
    assert all(finding_text(one) for one in found.values())
    return found


def test_received_664_adds_up_without_counting_the_allocated_twice(erp: int, login: Login) -> None:
    put(
        erp,
        r.Lot(external_id="B1", sku="ROSE"),
        r.Warehouse(external_id="W1", name="杭州仓"),
        r.PurchaseReceipt(external_id="RK1", lot="B1", sku="ROSE", quantity=664, received_at=NOW - 60 * DAY),
        *sold("T1", "ROSE", lot="B1", quantity=435),
        r.ReturnReceipt(external_id="TH1", order="T1", sku="ROSE", lot="B1", quantity=30, outcome="defective"),
        r.ReturnReceipt(external_id="TH2", order="T1", sku="ROSE", lot="B1", quantity=7, outcome="scrapped"),
        r.StockMove(external_id="BF1", kind="scrap", sku="ROSE", lot="B1", quantity=7, document="TH2"),
        r.StockBalance(warehouse="W1", sku="ROSE", lot="B1", quantity=229, allocated=12),
        r.StockBalance(warehouse="W1", sku="ROSE", lot="B1", condition="defective", quantity=30),
    )
    found = reported("B1").balance
    assert {entry.key: entry.pieces for entry in found.went} == {
        "with_buyers": 398, "shelf": 229, "defective": 30, "scrapped": 7,
    }  # fmt: skip
    assert found.unknown == 0
    page = login("quality_lead").get("/trace/lot/B1").text
    assert all(text in page for text in ("数量平衡", "398", "其中已占用 12", '<span class="chip ok">平</span>'))


def test_a_leak_on_the_serum_of_a_gift_box_leads_to_the_serum_alone(erp: int, taobao: int, login: Login) -> None:
    put(erp, *(r.KitPart(kit="BOX", part=part) for part in ("SERUM", "MASK", "CREAM")))
    put(taobao, *sold("T1", "BOX"),
        r.AfterSale(external_id="AS1", order="T1", line="1", reason="漏液", refund=Decimal(299), opened_at=NOW))  # fmt: skip
    put(
        erp,
        r.StockOut(external_id="CK1", shipped_at=NOW - 30 * DAY),
        *(
            r.StockOutLine(
                stock_out="CK1", external_id=part, order="T1", line="1", sku=part, lot=f"L-{part}", quantity=1
            )
            for part in ("SERUM", "MASK", "CREAM")
        ),
    )
    _complain_about("SERUM", login("quality_lead"))
    refunds = {part: trace_json("lot", f"L-{part}")["totals"]["refund"] for part in ("SERUM", "MASK", "CREAM")}
    assert refunds == {"SERUM": {"CNY": "299.00"}, "MASK": {}, "CREAM": {}}
    assert trace_json("order", "T1")["totals"]["refund"] == {"CNY": "299.00"}
    assert trace_json("sku", "BOX")["totals"]["refund"] == {"CNY": "299.00"}
    complaints = {
        part: find_trace(find_end("lot", f"L-{part}", None), None).totals.complaints for part in ("SERUM", "MASK")
    }
    assert complaints == {"SERUM": 1, "MASK": 0}


def _complain_about(part: str, browser: Any) -> None:
    """Say on the complaint that came in with the refund which part of the box leaked."""
    complaint = db.session.scalars(select(Complaint)).one()
    line = db.session.scalars(select(OrderLine).where(OrderLine.external_id == f"1+{part}")).one()
    page = browser.get(f"/complaints/{complaint.number}").text
    assert f'<option value="{line.id}">套装内:{part}</option>' in page
    answer = browser.post(
        f"/complaints/{complaint.number}/article", data={"line": line.id, "version": complaint.version}
    )
    assert answer.status_code in {200, 302, 303}, answer.text
    db.session.remove()


def test_a_print_batch_leaves_the_lot_unknown(erp: int, taobao: int) -> None:
    put(taobao, *sold("T1", "ROSE"))
    put(erp, r.StockOut(external_id="CK1", print_batch="20260512-03"),
        r.StockOutLine(stock_out="CK1", external_id="1", order="T1", sku="ROSE", quantity=1))  # fmt: skip
    trace = find_trace(find_end("order", "T1", None), None)
    assert {gap.key for gap in trace.gaps} >= {"no_lot"}
    assert not trace.lane("lot").nodes
    assert "20260512-03" not in str(trace_json("order", "T1"))


def test_twelve_merged_orders_all_find_their_waybill_and_it_finds_them(erp: int, taobao: int) -> None:
    numbers = [f"48811200{at:02d}356677889900" for at in range(12)]
    for number in numbers:
        put(taobao, *sold(number, "ROSE"))
    put(
        erp,
        r.StockOut(external_id="CK9", waybill="SF900", orders=",".join(numbers)[:255]),
        *(
            r.StockOutLine(stock_out="CK9", external_id=str(at), order=number, sku="ROSE", quantity=1)
            for at, number in enumerate(numbers)
        ),
    )
    for number in numbers:
        trace = find_trace(find_end("order", number, None), None)
        assert [node.id for node in trace.lane("parcel").nodes] == ["SF900"]
    assert trace_json("parcel", "SF900")["totals"]["orders"] == 12
    assert found_at("order", numbers[0])["header_cut"].example == "CK9"


def test_shops_the_erp_can_not_see_say_so(erp: int) -> None:
    with write():
        for key, name in (("tb", "淘宝店"), ("jd", "京东店"), ("dy", "抖店"), ("ks", "快手店")):
            ensure_shop(key, name=name, platform=key)
    put(erp, r.Lot(external_id="B1", sku="ROSE"), r.StockOut(external_id="CK1"),
        r.StockOutLine(stock_out="CK1", external_id="1", shop="tb", order="T1", sku="ROSE", lot="B1", quantity=3),
        r.StockOutLine(stock_out="CK1", external_id="2", shop="京东店", order="T2", sku="ROSE", lot="B1", quantity=2))  # fmt: skip
    end = find_end("lot", "B1", None)
    assert lot_queries.blind_shops(end.skus) == ["抖店", "快手店"]
    assert reported("B1").balance.pieces("with_buyers") == 5
    assert found_at("lot", "B1")["unknown_order"].count == 2


def test_a_guessed_lot_charges_neither_factory(erp: int, taobao: int) -> None:
    put(erp, r.Lot(external_id="A1", sku="ROSE", supplier="FA"), r.Lot(external_id="B1", sku="ROSE", supplier="FB"))
    put(taobao, *sold("T1", "ROSE"), *(
        r.OrderLine(order="T1", external_id="1", sku="ROSE", lot=lot, lot_method="fifo", lot_confidence=50)
        for lot in ("A1", "B1")
    ))  # fmt: skip
    trace = find_trace(find_end("order", "T1", None), None)
    assert {node.id for node in trace.lane("lot").nodes} == {"A1", "B1"}
    for lot in ("A1", "B1"):
        found = reported(lot)
        assert (found.balance.pieces("with_buyers"), found.suspected, found.known) == (0, 1, False)


def test_a_component_lot_reaches_the_goods_it_went_into(erp: int, taobao: int) -> None:
    put(erp, r.Supplier(external_id="PUMPS", name="泵头厂"), r.Lot(external_id="P7", sku="PUMP", supplier="PUMPS", level="component"),
        r.Lot(external_id="B1", sku="ROSE"), r.LotPart(lot="B1", part="P7", quantity=600))  # fmt: skip
    put(taobao, *sold("T1", "ROSE", lot="B1"))
    found = trace_json("lot", "P7")
    assert found["totals"]["orders"] == 1
    edges = {(edge["from"], edge["to"]) for edge in found["edges"]}
    assert {("line:T1/1", "lot:B1"), ("lot:B1", "lot:P7"), ("lot:P7", "supplier:PUMPS")} <= edges
    assert {("lot:B1", "lot:P7")} <= {(edge["from"], edge["to"]) for edge in trace_json("order", "T1")["edges"]}


def test_what_does_not_add_up_is_said_with_an_example(erp: int, taobao: int) -> None:
    put(
        erp,
        r.Lot(external_id="B1", sku="ROSE", expires_on=(NOW - 40 * DAY).date()),
        r.PurchaseReceipt(external_id="RK1", lot="B1", sku="ROSE", quantity=2, received_at=NOW - 10 * DAY),
        r.Serial(external_id="SN1", sku="ROSE", lot="B1", order="T1"),
        r.StockMove(external_id="FG1", kind="rework_out", lot="B1", into_lot="B2", quantity=1),
        r.StockMove(external_id="FG2", kind="rework_out", lot="B2", into_lot="B1", quantity=1),
    )
    put(taobao, *sold("T1", "ROSE", lot="B1", quantity=3), *sold("T2", "OTHER", lot="B1"))
    found = found_at("lot", "B1")
    assert set(found) == {"shipped_before_received", "shipped_more", "shipped_expired", "other_article", "cycle"}
    assert (found["shipped_more"].count, found["other_article"].example, found["cycle"].count) == (2, "T2", 2)


def test_one_serial_in_two_orders_and_a_line_scanned_twice_are_said(erp: int, taobao: int) -> None:
    put(taobao, *sold("T1", "ROSE", lot="B1"), *sold("T2", "ROSE"))
    put(erp, r.Serial(external_id="SN1", sku="ROSE", lot="B2", order="T1"))
    put(taobao, r.Serial(external_id="SN1", sku="ROSE", lot="B2", order="T2"))
    assert set(found_at("order", "T1")) == {"scanned_twice", "serial_twice"}


def test_times_that_run_backwards_are_said(taobao: int) -> None:
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    put(taobao, r.Order(external_id="T1", placed_at=at, shipped_at=at - timedelta(hours=8)),
        r.OrderLine(order="T1", external_id="1", sku="ROSE"))  # fmt: skip
    assert found_at("order", "T1")["times"].count == 1


def test_an_article_and_a_supplier_under_two_names_are_one_end(erp: int, taobao: int) -> None:
    put(erp, r.Product(external_id="OLD", replaced_by="NEW"), r.Supplier(external_id="V1", name="老厂", merged_into="V2"),
        r.Supplier(external_id="V2", name="新厂"))  # fmt: skip
    put(taobao, *sold("T1", "OLD", supplier="V1"), *sold("T2", "NEW", supplier="V2"))
    for code in ("OLD", "NEW"):
        assert trace_json("sku", code)["totals"]["orders"] == 2
        assert found_at("sku", code)["sku_renamed"].example == "OLD → NEW"
    for number in ("V1", "V2"):
        assert trace_json("supplier", number)["totals"]["orders"] == 2
        assert found_at("supplier", number)["supplier_merged"].example == "老厂 → 新厂"


def test_orders_that_still_wait_can_be_stopped(erp: int, taobao: int) -> None:
    put(taobao, r.Order(external_id="T1", status="paid", placed_at=NOW), r.OrderLine(order="T1", external_id="1", sku="ROSE", lot="B1"),
        r.Order(external_id="T2", status="paid", placed_at=NOW), r.OrderLine(order="T2", external_id="1", sku="ROSE"),
        r.Order(external_id="T3", status="canceled", placed_at=NOW), r.OrderLine(order="T3", external_id="1", sku="ROSE"),
        *sold("T4", "ROSE", lot="B1"))  # fmt: skip
    put(erp, r.Lot(external_id="B1", sku="ROSE"))
    found = reported("B1")
    assert (found.waiting.meant, found.waiting.perhaps) == (1, 1)
    assert found.stake.sold == {"CNY": 2000}
