"""From any end to every other: who complained, what they got, where it came from."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound
from qtrace.issues.models import Issue
from qtrace.orders.models import Lot, Order, OrderLine
from qtrace.orders.upsert import store
from qtrace.sdk import records as r
from qtrace.trace.queries import find_end
from qtrace.trace.service import find_trace, trace_json
from qtrace.trace.tables import line_table
from tests.conftest import NOW, user_id

DAY = timedelta(days=1)
LOT = "B2409/17"  # real lot numbers carry slashes
RECORDS: list[r.Record] = [
    r.Supplier(external_id="HM", name="恒美包材"),
    r.Supplier(external_id="QT", name="别家"),
    r.Product(external_id="ROSE-30", name="玫瑰精华液 30ml", supplier="HM"),
    r.Product(external_id="BOX", name="礼盒", supplier="QT"),
    r.Lot(external_id=LOT, sku="ROSE-30", supplier="HM"),
    r.Lot(external_id="B2408", sku="ROSE-30", supplier="HM"),
    r.PurchaseReceipt(external_id="RK-1", lot=LOT, supplier="HM", quantity=664, received_at=NOW - 40 * DAY),
    r.Order(external_id="O1", customer="c1", currency="CNY", placed_at=NOW - 30 * DAY, shipped_at=NOW - 29 * DAY),
    r.Order(external_id="O2", customer="c2", currency="CNY", placed_at=NOW),
    r.Order(external_id="O3", customer="c3", currency="CNY", placed_at=NOW),
    r.OrderLine(order="O1", external_id="1", sku="ROSE-30", quantity=2, lot=LOT),
    r.OrderLine(order="O2", external_id="1", sku="ROSE-30", lot="B2408", lot_method="fifo", lot_confidence=70),
    r.OrderLine(order="O2", external_id="2", sku="BOX"),
    r.OrderLine(order="O2", external_id="3", sku="NO-SUCH"),
    r.Shipment(external_id="ZT100", order="O1", courier="中通"),
    r.AfterSale(external_id="A1", order="O1", line="1", refund=Decimal("12.34"), opened_at=NOW),
]


@pytest.fixture(autouse=True)
def told(app: Flask) -> None:
    """Two orders of one serum from two lots, and a complaint about the first that an issue holds."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店")
        session.add(shop)
        session.flush()
        assert not store(shop.id, RECORDS, now=NOW, by=None, source=("test", 0)).refused
        issue = Issue(number="QI-1", title="瓶盖漏液", opened_at=NOW, created_by=user_id("admin"))
        line = session.scalars(select(OrderLine).join(Order).where(Order.external_id == "O1")).one()
        lot = session.scalars(select(Lot).where(Lot.external_id == LOT)).one()
        session.add(issue)
        session.flush()
        session.add(
            Complaint(
                number="KS-1", source_kind="staff", occurred_at=NOW, created_at=NOW, order_id=line.order_id,
                line_id=line.id, sku_id=line.sku_id, lot_id=lot.id, supplier_id=lot.supplier_id, stars=1,
                text="漏了一半", issue_id=issue.id,
            )
        )  # fmt: skip


def reached(found: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the nodes that hang together with the first one, over edges in any direction."""
    near: dict[str, set[str]] = {}
    for edge in found["edges"]:
        near.setdefault(edge["from"], set()).add(edge["to"])
        near.setdefault(edge["to"], set()).add(edge["from"])
    todo, seen = [f"{found['nodes'][0]['kind']}:{found['nodes'][0]['id']}"], set[str]()
    while todo:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            todo += near.get(key, ())
    return {(kind, number) for kind, _, number in (key.partition(":") for key in seen)}


WAY = {
    ("complaint", "KS-1"), ("line", "O1/1"), ("sku", "ROSE-30"), ("lot", LOT), ("receipt", "RK-1"), ("supplier", "HM"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("complaint", "KS-1"), ("issue", "QI-1"), ("order", "O1"), ("lot", LOT), ("supplier", "HM"),
        ("supplier", "恒美包材"), ("sku", "ROSE-30"), ("parcel", "ZT100"),
    ],
)  # fmt: skip
def test_every_end_reaches_from_the_complaint_to_the_supplier(kind: str, number: str) -> None:
    assert reached(trace_json(kind, number)) >= WAY


def test_the_sums_are_those_of_the_records() -> None:
    assert trace_json("lot", LOT)["totals"] == {
        "orders": 1, "units": 2, "customers": 1, "issues": 1, "refund": {"CNY": "12.34"},
    }  # fmt: skip
    supplier = trace_json("supplier", "HM")["totals"]
    assert (supplier["orders"], supplier["units"], supplier["customers"]) == (2, 3, 2)


def test_edges_say_how_they_are_known_and_how_surely() -> None:
    found = trace_json("sku", "ROSE-30")
    edges = {(edge["from"], edge["to"]): (edge["method"], edge["confidence"]) for edge in found["edges"]}
    assert edges["line:O1/1", f"lot:{LOT}"] == ("scanned", 100)
    assert edges["line:O2/1", "lot:B2408"] == ("fifo", 70)
    assert edges["sku:ROSE-30", "lot:B2408"] == ("fifo", 70)
    assert edges["complaint:KS-1", "line:O1/1"] == ("recorded", 100)


def test_the_answer_has_exactly_the_promised_keys() -> None:
    found = trace_json("order", "O1")
    assert set(found) == {"nodes", "edges", "gaps", "totals"}
    assert all(set(node) == {"kind", "id", "label"} for node in found["nodes"])
    assert all(set(edge) == {"from", "to", "method", "confidence"} for edge in found["edges"])


def test_gaps_count_what_is_not_known() -> None:
    trace = find_trace(find_end("order", "O2", None), None)
    assert {gap.key: gap.count for gap in trace.gaps} == {
        "no_lot": 2, "inferred_lots": 1, "unknown_sku": 1, "no_receipt": 1, "inferred": 3,
    }  # fmt: skip
    empty = find_trace(find_end("order", "O3", None), None)
    assert {gap.key: gap.count for gap in empty.gaps} == {"empty_orders": 1}
    assert empty.lane("line").nodes[0].label == "O3"


def test_a_lot_without_stock_out_data_shows_no_zero(login: Callable[[str], Any]) -> None:
    with write() as session:
        rose = session.scalars(select(Lot).where(Lot.external_id == LOT)).one()
        session.add(Lot(shop_id=rose.shop_id, external_id="B2407", sku_id=rose.sku_id))
    trace = find_trace(find_end("lot", "B2407", None), None)
    assert {gap.key: gap.count for gap in trace.gaps} == {"no_stock_out": 1, "no_receipt": 1}
    page = login("quality_lead").get("/trace/lot/B2407").text
    assert "没有这个批次的出库记录" in page
    assert "投诉 1 / 已发 2" not in page  # the figures of another lot


def test_inferred_lots_are_counted_over_all_lines_not_only_the_shown_ones() -> None:
    orders = [r.Order(external_id=f"F{n}", customer=f"f{n}", currency="CNY", placed_at=NOW) for n in range(250)]
    lines = [
        r.OrderLine(order=f"F{n}", external_id="1", sku="ROSE-30", lot=LOT, lot_method="fifo", lot_confidence=60)
        for n in range(250)
    ]
    with write() as session:
        store(session.scalars(select(Shop.id)).one(), [*orders, *lines], now=NOW, by=None, source=("test", 0))
    counts = {gap.key: gap.count for gap in find_trace(find_end("lot", LOT, None), None).gaps}
    assert counts["inferred_lots"] == 250
    assert {gap.key: gap.count for gap in find_trace(find_end("supplier", "HM", None), None).gaps}[
        "inferred_lots"
    ] == 251


@pytest.mark.parametrize("kind", ["complaint", "issue", "order", "sku", "lot", "supplier", "parcel", "nonsense"])
def test_a_missing_end_is_not_found(kind: str, login: Callable[[str], Any]) -> None:
    with pytest.raises(NotFound):
        trace_json(kind, "missing")
    assert login("quality_lead").get(f"/trace/{kind}/missing").status_code == 404


def test_the_lot_page_compares_it_with_the_other_lots(login: Callable[[str], Any]) -> None:
    page = login("quality_lead").get(f"/trace/lot/{LOT}")
    assert page.status_code == 200
    assert "664" in page.text
    assert "各批次投诉率" in page.text
    assert "50.0%" in page.text
    assert 'class="node src"' in page.text


def test_an_inferred_link_is_drawn_dashed(login: Callable[[str], Any]) -> None:
    browser = login("quality_lead")
    assert 'class="inferred"' in browser.get("/trace/order/O2").text
    assert 'class="inferred"' not in browser.get("/trace/order/O1").text


@pytest.mark.parametrize("kind", ["complaint", "issue", "order", "sku", "lot", "supplier", "parcel"])
def test_every_kind_has_a_page(kind: str, login: Callable[[str], Any]) -> None:
    numbers = {
        "complaint": "KS-1", "issue": "QI-1", "order": "O1", "sku": "ROSE-30", "lot": LOT, "supplier": "HM",
        "parcel": "ZT100",
    }  # fmt: skip
    page = login("quality_lead").get(f"/trace/{kind}/{numbers[kind]}")
    assert page.status_code == 200
    assert "恒美包材" in page.text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("订单号:O1", "/trace/order/O1"), ("ZT100", "/trace/parcel/ZT100"), ("KS-1", "/trace/complaint/KS-1"),
        ("QI-1", "/trace/issue/QI-1"), ("恒美", "/trace/supplier/HM"), (LOT, f"/trace/lot/{LOT}"),
    ],
)  # fmt: skip
def test_a_text_that_means_one_thing_leads_to_it(text: str, address: str, login: Callable[[str], Any]) -> None:
    answer = login("quality_lead").get("/trace", query_string={"q": text})
    assert answer.status_code == 303
    assert answer.headers["Location"] == address


def test_a_text_that_means_several_things_is_answered_with_a_list(login: Callable[[str], Any]) -> None:
    with write() as session:
        session.add(Lot(shop_id=session.scalars(select(Shop.id)).first(), external_id="O1"))
    browser = login("quality_lead")
    page = browser.get("/trace", query_string={"q": "O1"})
    assert "/trace/order/O1" in page.text
    assert "/trace/lot/O1" in page.text
    assert "没有找到" in browser.get("/trace", query_string={"q": "nothing"}).text


def test_what_a_person_may_not_see_is_only_counted(login: Callable[[str], Any]) -> None:
    with write() as session:
        for role in session.scalars(select(User).where(User.id == user_id("inspector"))).one().roles:
            role.scope = "own"
    browser = login("inspector")
    assert browser.get("/trace/issue/QI-1").status_code == 404
    assert browser.get("/trace/complaint/KS-1").status_code == 404
    page = browser.get(f"/trace/lot/{LOT}").text
    assert "QI-1" not in page
    assert "KS-1" not in page
    assert "1 个你无权查看" in page


def test_a_visitor_sees_nothing(client: Any) -> None:
    assert client.get("/trace").status_code in {302, 303, 401}


@pytest.mark.parametrize(("kind", "number"), [("lot", LOT), ("supplier", "HM"), ("issue", "QI-1"), ("sku", "ROSE-30")])
def test_the_number_of_queries_does_not_grow_with_the_orders(kind: str, number: str) -> None:
    few = queries_of(kind, number)
    more = [r.Order(external_id=f"M{n}", customer=f"m{n}", currency="CNY", placed_at=NOW) for n in range(300)]
    lines = [r.OrderLine(order=f"M{n}", external_id="1", sku="ROSE-30", lot=LOT) for n in range(300)]
    with write() as session:
        shop = session.scalars(select(Shop.id)).one()
        store(shop, [*more, *lines], now=NOW, by=None, source=("test", 0))
    assert queries_of(kind, number) == few <= 19
    if kind == "lot":
        trace = find_trace(find_end(kind, number, None), None)
        assert (trace.totals.orders, trace.totals.units) == (301, 302)
        assert (len(trace.lane("line").nodes), trace.lane("line").more) == (8, 293)
        assert trace.lane("line").nodes[0].id == "O1/1"


def queries_of(kind: str, number: str) -> int:
    """Count the statements one trace takes."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        trace_json(kind, number)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_a_lane_opens_in_the_graph_and_the_rest_is_a_table(login: Callable[[str], Any]) -> None:
    orders = [r.Order(external_id=f"F{n}", customer=f"f{n}", currency="CNY", placed_at=NOW) for n in range(250)]
    lines = [r.OrderLine(order=f"F{n}", external_id="1", sku="ROSE-30", lot=LOT) for n in range(250)]
    with write() as session:
        store(session.scalars(select(Shop.id)).one(), [*orders, *lines], now=NOW, by=None, source=("test", 0))
    browser = login("quality_lead")
    shut = browser.get(f"/trace/lot/{LOT}").text
    assert (shut.count('class="node"'), "展开,还有 243" in shut) == (12, True)
    opened = browser.get(f"/trace/lot/{LOT}?open=line").text
    assert (opened.count('class="node"'), "还有 211,看列表" in opened) == (44, True)
    seen: list[str] = []
    after = 0
    while True:
        table = line_table(find_end("lot", LOT, None), after=after)
        seen += [row.line.order.external_id for row in table.rows]
        after = table.next
        if not after:
            break
    assert len(seen) == len(set(seen)) == 251
    page = browser.get(f"/trace/lot/{LOT}?lane=line").text
    assert (page.count("<tr><td"), "下一页" in page) == (100, True)


@pytest.mark.parametrize("lane", ["complaint", "issue", "sku", "lot", "receipt", "parcel"])
def test_every_lane_has_a_table(lane: str, login: Callable[[str], Any]) -> None:
    numbers = {"complaint": "KS-1", "issue": "QI-1", "sku": "ROSE-30", "lot": LOT, "receipt": "RK-1", "parcel": "ZT100"}
    page = login("quality_lead").get(f"/trace/supplier/HM?lane={lane}")
    assert page.status_code == 200
    assert f">{numbers[lane]}<" in page.text


def test_a_lane_nobody_knows_is_not_found(login: Callable[[str], Any]) -> None:
    assert login("quality_lead").get(f"/trace/lot/{LOT}?lane=nonsense").status_code == 404


def test_the_trace_comes_as_a_sheet(login: Callable[[str], Any]) -> None:
    browser = login("quality_lead")
    answer = browser.post("/export/trace?kind=supplier&number=HM", data={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    answer.close()
    assert {(row["订单号"], row["批次"], row["批号来源"]) for row in rows} == {
        ("O1", LOT, "扫码"), ("O2", "B2408", "先进先出推断"),
    }  # fmt: skip
    assert browser.post("/export/trace?kind=lot&number=NO-SUCH", data={"format": "csv"}).status_code == 404
