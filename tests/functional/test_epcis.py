"""The life of a lot as EPCIS 2.0: against the schema of GS1, over every door."""

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from sqlalchemy import event, func, select

from qtrace.catalog.models import Shop
from qtrace.core.db import db, write
from qtrace.orders.models import Lot, Receipt
from qtrace.orders.stock_models import LotPart, StockMove
from qtrace.orders.upsert import store
from qtrace.sdk import records as r
from qtrace.trace.epcis_facts import lot_document
from tests.conftest import NOW, SHARED

DAY = timedelta(days=1)
LOT = "B2409/17"
SCHEMA = SHARED / "data" / "gs1" / "EPCIS-JSON-Schema.json"
RECORDS: list[r.Record] = [
    r.Supplier(external_id="HM", name="恒美包材"),
    r.Product(external_id="ROSE-30", name="玫瑰精华液 30ml", supplier="HM", barcode="6901234567892"),
    r.Product(external_id="CAP", name="瓶盖"),
    r.Warehouse(external_id="杭州 1 仓", name="杭州 1 仓"),
    r.Lot(
        external_id=LOT, sku="ROSE-30", supplier="HM", made_on=date(2026, 9, 1), expires_on=date(2029, 8, 31),
        quality_status="recalled",
    ),
    r.Lot(external_id="C1", sku="CAP"),
    r.Lot(external_id="B2408", sku="ROSE-30"),
    r.LotPart(lot=LOT, part="C1", quantity=100),
    r.Purchase(external_id="PO-1", supplier="HM"),
    r.PurchaseReceipt(
        external_id="RK-1", purchase="PO-1", lot=LOT, sku="ROSE-30", supplier="HM", warehouse="杭州 1 仓", quantity=100,
        received_at=NOW - 40 * DAY,
    ),
    r.StockMove(
        external_id="M1", kind="to_defective", sku="ROSE-30", lot=LOT, warehouse="杭州 1 仓", quantity=3,
        moved_at=NOW - 9 * DAY,
    ),
    r.StockMove(
        external_id="M2", kind="scrap", sku="ROSE-30", lot=LOT, warehouse="杭州 1 仓", quantity=3, moved_at=NOW - 8 * DAY
    ),
    r.StockMove(external_id="M3", kind="gain", sku="ROSE-30", lot=LOT, quantity=1),
    r.Order(external_id="O1", customer="c1", currency="CNY", placed_at=NOW - 30 * DAY, shipped_at=NOW - 29 * DAY),
    r.Order(external_id="O2", customer="c2", currency="CNY", placed_at=NOW - 30 * DAY, shipped_at=NOW - 28 * DAY),
    r.OrderLine(order="O1", external_id="1", sku="ROSE-30", quantity=2, lot=LOT),
    r.OrderLine(order="O2", external_id="1", sku="ROSE-30", quantity=1),
    r.StockOut(external_id="CK-1", waybill="ZT1", warehouse="杭州 1 仓", shipped_at=NOW - 28 * DAY),
    r.StockOutLine(stock_out="CK-1", external_id="1", shop="douyin", order="O2", line="1", sku="ROSE-30", lot=LOT, quantity=1),
    r.ReturnReceipt(
        external_id="R1", shop="douyin", order="O1", line="1", condition="damaged", outcome="scrapped", received_at=NOW - DAY
    ),
    r.StockBalance(sku="ROSE-30", warehouse="杭州 1 仓", lot=LOT, quantity=94, counted_at=NOW - 2 * DAY),
]  # fmt: skip
Login = Callable[[str], Any]


@pytest.fixture(autouse=True)
def told(app: Flask) -> None:
    """One lot from its making to its recall."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店")
        session.add(shop)
        session.flush()  # the records belong to it
        assert not store(shop.id, RECORDS, now=NOW, by=None, source=("test", 0)).refused


def steps(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the business step and the disposition of every event."""
    return [(one["bizStep"], one.get("disposition", "")) for one in found["epcisBody"]["eventList"]]


def test_the_life_of_a_lot_is_told_in_order() -> None:
    assert steps(lot_document(LOT, now=NOW)) == [
        ("commissioning", "active"), ("receiving", "in_progress"), ("shipping", "in_transit"),
        ("shipping", "in_transit"), ("holding", "non_sellable_other"), ("destroying", "destroyed"),
        ("cycle_counting", "sellable_accessible"), ("receiving", "damaged"), ("destroying", "destroyed"),
        ("holding", "recalled"),
    ]  # fmt: skip


def test_an_event_says_what_where_when_and_why() -> None:
    received = lot_document(LOT, now=NOW)["epcisBody"]["eventList"][1]
    site = "http://127.0.0.1:8000"
    assert received == received | {
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-10-11T10:00:00.000+08:00",
        "eventTimeZoneOffset": "+08:00",
        "quantityList": [{"epcClass": "https://id.gs1.org/01/06901234567892/10/B2409%2F17", "quantity": 100}],
        "readPoint": {"id": f"{site}/places/%E6%9D%AD%E5%B7%9E%201%20%E4%BB%93"},
        "sourceList": [{"type": "possessing_party", "source": f"{site}/parties/HM"}],
    }  # fmt: skip
    assert {"type": "po", "bizTransaction": f"{site}/documents/po/PO-1"} in received["bizTransactionList"]


@pytest.mark.real
@pytest.mark.parametrize("prefix", ["", "6901234", "500000"])
def test_the_document_follows_the_schema(app: Flask, prefix: str) -> None:
    app.config["QTRACE_GS1_PREFIX"] = prefix
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")), validate_formats=True)
    for lot in (LOT, "C1", "B2408"):
        found = json.loads(json.dumps(lot_document(lot, now=NOW)))
        assert [error.message for error in schema.iter_errors(found)] == []
    named = lot_document(LOT, now=NOW)["epcisBody"]["eventList"][1]["quantityList"][0]["epcClass"]
    assert named.startswith("urn:epc:class:lgtin:6901234.056789.") == (prefix == "6901234")
    own = lot_document(LOT, now=NOW)["epcisBody"]["eventList"][0]["inputQuantityList"][0]["epcClass"]
    assert own == "http://127.0.0.1:8000/trace/lot/C1"  # an article without bar code


def test_the_same_fact_is_the_same_event_every_time() -> None:
    first, again = (lot_document(LOT, now=NOW + days * DAY)["epcisBody"]["eventList"] for days in (0, 1))
    ids = [one["eventID"] for one in first]
    assert ids == [one["eventID"] for one in again]
    assert len(set(ids)) == len(ids)


def test_every_door_hands_out_the_same(login: Login) -> None:
    answer = login("quality_lead").get(f"/trace/lot/{LOT}/epcis")
    assert answer.status_code == 200
    assert answer.mimetype == "application/ld+json"
    assert answer.headers["Content-Disposition"] == "attachment; filename=epcis-B2409-17.jsonld"
    assert len(steps(json.loads(answer.data))) == 10
    assert f"/trace/lot/{LOT}/epcis" in login("quality_lead").get(f"/trace/lot/{LOT}").text
    assert login("quality_lead").get("/trace/lot/missing/epcis").status_code == 404


def test_the_statements_do_not_grow_with_the_lot(app: Flask) -> None:
    def statements() -> int:
        seen: list[str] = []

        def note(*args: Any) -> None:
            seen.append(args[2])

        event.listen(db.engine, "before_cursor_execute", note)
        lot_document(LOT, now=NOW)
        event.remove(db.engine, "before_cursor_execute", note)
        return len(seen)

    with app.app_context():
        before = statements()
        more = [
            r.PurchaseReceipt(external_id=f"RK-{n}", lot=LOT, sku="ROSE-30", quantity=1, received_at=NOW)
            for n in range(30)
        ]
        with write() as session:
            store(session.scalars(select(Shop.id)).one(), more, now=NOW, by=None, source=("test", 0))
        assert statements() <= before


def sent(content: bytes, **more: str) -> dict[str, Any]:
    """Return the form that carries a document."""
    return {"file": (io.BytesIO(content), "events.jsonld"), "shop": "partner", **more}


@pytest.fixture
def partner(app: Flask) -> None:
    """A shop that knows nothing yet."""
    with write() as session:
        session.add(Shop(key="partner", name="代工厂"))


@pytest.mark.usefixtures("partner")
def test_what_we_hand_out_comes_back_as_the_same_facts(login: Login) -> None:
    content = json.dumps(lot_document(LOT, now=NOW)).encode()
    browser = login("quality_lead")
    assert "什么都没有保存" in browser.post("/imports/epcis", sent(content, look="1")).text
    shop = select(Shop.id).where(Shop.key == "partner").scalar_subquery()
    receipts = select(Receipt.quantity, Receipt.received_at).where(Receipt.shop_id == shop)
    assert db.session.execute(receipts).all() == []
    page = browser.post("/imports/epcis", sent(content))
    assert page.status_code == 200
    assert "已导入" in page.text
    db.session.rollback()
    assert db.session.execute(receipts).all() == [(100, NOW - 40 * DAY)]
    lot = db.session.scalars(select(Lot).where(Lot.external_id == LOT, Lot.shop_id == shop)).one()
    assert (lot.made_on, lot.quality_status) == (date(2026, 9, 1), "recalled")
    assert db.session.scalar(select(func.count()).select_from(LotPart).where(LotPart.lot_id == lot.id)) == 1
    moves = select(StockMove.kind, StockMove.quantity).where(StockMove.lot_id == lot.id).order_by(StockMove.id)
    assert db.session.execute(moves).all() == [("to_defective", 3), ("scrap", 3), ("scrap", 1)]
    again = browser.post("/imports/epcis", sent(content)).text
    assert "新增 0" in again


@pytest.mark.real
@pytest.mark.usefixtures("partner")
def test_every_example_of_gs1_is_answered(login: Login) -> None:
    browser = login("quality_lead")
    for path in sorted((SHARED / "data" / "gs1" / "epcis_examples").glob("*.jsonld")):
        answer = browser.post("/imports/epcis", sent(path.read_bytes()))
        assert answer.status_code == 200, path.name
        assert "退回 0" in answer.text or "没有可以保存的内容" in answer.text, path.name


@pytest.mark.usefixtures("partner")
def test_a_bad_file_or_shop_is_refused_in_words(login: Login) -> None:
    browser = login("quality_lead")
    for form, word in (
        (sent(b"x"), "不是完整的 JSON"),
        (sent(b"{}"), "没有 EPCIS 事件"),
        ({"shop": "partner"}, "请选择一个文件"),
        (sent(b"{}") | {"shop": "none"}, "哪个店铺"),
    ):
        answer = browser.post("/imports/epcis", form)
        assert (answer.status_code, word in answer.text) == (422, True)
    assert login("customer_service").get("/imports/epcis").status_code == 403
