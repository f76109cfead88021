"""Goods are held and called back, and a drill shows in time that everything is found both ways."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from qtrace.catalog.service import ensure_shop
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.orders.upsert import store
from qtrace.recalls.models import Hold, HoldCount, Recall, RecallOrder
from qtrace.recalls.preview import recall_json
from qtrace.sdk import records as r
from tests.conftest import NOW

DAY = timedelta(days=1)
Login = Callable[[str], Any]


@pytest.fixture(autouse=True)
def goods(app: Flask) -> None:
    """A lot of ten pieces: three scanned into two orders, one guessed into a third, and what was made of it."""
    with write():
        shop = ensure_shop("erp", name="ERP", platform="erp")
        records: list[r.Record] = [
            r.Supplier(external_id="HM", name="恒美包材"),
            r.Product(external_id="ROSE", name="玫瑰精华液"),
            r.Lot(external_id="B1", sku="ROSE", supplier="HM"),
            r.PurchaseReceipt(
                external_id="RK1", lot="B1", sku="ROSE", supplier="HM", quantity=10, received_at=NOW - 40 * DAY
            ),
            r.Customer(external_id="c1", masked_name="王*", region="浙江"),
        ]
        for number, quantity, method in (("T1", 2, "scanned"), ("T2", 1, "scanned"), ("T3", 1, "fifo")):
            at = NOW - 30 * DAY
            records += [
                r.Order(external_id=number, customer="c1", placed_at=at, shipped_at=at),
                r.OrderLine(order=number, external_id="1", sku="ROSE", quantity=quantity, price=Decimal(20), lot="B1",
                            lot_method=method, lot_confidence=100 if method == "scanned" else 60),
            ]  # fmt: skip
        assert not store(shop, records, now=NOW, by=None, source=("test", 0)).refused
    db.session.remove()


def begin(browser: Any, kind: str = "recall", lots: str = "B1", **more: str) -> Any:
    """Open a recall or a drill."""
    return browser.post("/recalls", data={"kind": kind, "title": "玫瑰精华液漏液", "lots": lots} | more)


def only(model: type[Any]) -> Any:
    """Return the one row of the table."""
    db.session.remove()
    return db.session.scalars(select(model)).one()


def test_a_recall_holds_the_lot_and_lists_who_got_it(login: Login) -> None:
    browser = login("quality_lead")
    answer = begin(browser)
    recall = only(Recall)
    assert answer.headers["Location"].endswith(f"/recalls/{recall.number}")
    rows = db.session.scalars(select(RecallOrder).order_by(RecallOrder.id)).all()
    assert [(row.order.external_id, row.pieces, row.sure, row.state) for row in rows] == [
        ("T1", 2, True, "pending"), ("T2", 1, True, "pending"), ("T3", 1, False, "pending"),
    ]  # fmt: skip
    assert only(Hold).recall_id == recall.id
    page = browser.get(f"/recalls/{recall.number}").text
    assert all(text in page for text in ("冻结在库", "恒美包材", "还没有仓库确认", "另有推断 1 件"))
    assert "批次是推断的" in browser.get(f"/recalls/{recall.number}/orders").text


def test_it_ends_only_when_every_step_is_done_and_every_buyer_is_told(login: Login) -> None:
    browser = login("quality_lead")
    begin(browser)
    number = only(Recall).number
    refused = browser.post(f"/recalls/{number}/closure", data={"conclusion": "好了"})
    assert (refused.status_code, "还有 6 步没有完成" in refused.text) == (422, True)
    for key in ("hold", "scope", "notify", "collect", "dispose", "reconcile"):
        assert (
            browser.post(f"/recalls/{number}/steps/{key}", data={"pieces": "7" if key == "hold" else ""}).status_code
            == 303
        )
    refused = browser.post(f"/recalls/{number}/closure", data={"conclusion": "好了"})
    assert (refused.status_code, "还有 3 个订单的买家没有通知" in refused.text) == (422, True)
    ids = list(db.session.scalars(select(RecallOrder.id)))
    assert browser.post(f"/recalls/{number}/orders", data={"ids": ids, "state": "notified"}).status_code == 303
    assert browser.post(f"/recalls/{number}/closure", data={"conclusion": "全部通知"}).status_code == 303
    assert only(Recall).closed_at is not None
    assert "按时完成" in browser.get(f"/recalls/{number}").text
    assert browser.post(f"/recalls/{number}/orders", data={"ids": ids, "state": "returned"}).status_code == 409


def test_a_drill_holds_nothing_and_its_report_says_how_long_it_took(login: Login) -> None:
    browser = login("quality_lead")
    begin(browser, "drill")
    number = only(Recall).number
    assert number.startswith("DR-")
    assert db.session.scalars(select(Hold)).all() == []
    for key, pieces in (("source", ""), ("scope", ""), ("stock", "6"), ("reconcile", "6")):
        browser.post(f"/recalls/{number}/steps/{key}", data={"pieces": pieces})
    browser.post(f"/recalls/{number}/closure", data={"conclusion": "差 1 件,去查盘点"})
    report = browser.get(f"/recalls/{number}/report").text
    assert all(
        text in report
        for text in ("演练报告", "1 个供应商 · 1 张入库单", "实际清点 6 件", "去向不明 1 件", "找到 90.0%", "按时完成")
    )
    answer = browser.get(f"/recalls/{number}/report.pdf")
    assert answer.data.startswith(b"%PDF")


def test_a_step_done_twice_counts_once(login: Login) -> None:
    browser = login("quality_lead")
    begin(browser, "drill")
    number = only(Recall).number
    assert browser.post(f"/recalls/{number}/steps/source").status_code == 303
    assert browser.post(f"/recalls/{number}/steps/source").status_code == 409
    assert browser.post(f"/recalls/{number}/steps/nonsense").status_code == 404


@pytest.mark.parametrize(
    ("more", "text"),
    [({"lots": "NO-SUCH"}, "没有找到批号:NO-SUCH"), ({"lots": ""}, "没有找到这些批号"), ({"title": " "}, "请写标题"),
     ({"issue": "QI-9"}, "没有编号为 QI-9 的质量问题"), ({"target_minutes": "一天"}, "请填整数"), ({"kind": "x"}, "召回还是演练")],
)  # fmt: skip
def test_bad_input_is_refused_with_what_was_typed(more: dict[str, str], text: str, login: Login) -> None:
    answer = login("quality_lead").post(
        "/recalls", data={"kind": "recall", "title": "漏液", "lots": "B1", "reason": "瓶盖裂"} | more
    )
    assert (answer.status_code, text in answer.text, "瓶盖裂" in answer.text) == (422, True, True)
    assert db.session.scalars(select(Recall)).all() == []


def test_a_warehouse_confirms_a_hold_and_somebody_releases_it_with_a_reason(login: Login) -> None:
    browser = login("inspector")
    assert browser.post("/holds", data={"lot": "B1", "reason": "漏液"}).status_code == 303
    assert "已经冻结了" in browser.post("/holds", data={"lot": "B1", "reason": "又漏"}).text
    hold = only(Hold)
    assert browser.post(f"/holds/{hold.id}/counts", data={"pieces": "6"}).status_code == 303
    assert only(HoldCount).pieces == 6
    assert "已放到一边 6 件" in browser.get("/holds").text
    assert browser.post(f"/holds/{hold.id}/release", data={"why": " "}).status_code == 422
    assert browser.post(f"/holds/{hold.id}/release", data={"why": "复检合格"}).status_code == 303
    assert browser.post(f"/holds/{hold.id}/release", data={"why": "再来"}).status_code == 409
    db.session.remove()
    names = list(db.session.scalars(select(EventRow.name).where(EventRow.subject_kind == "lot").order_by(EventRow.seq)))
    assert names == ["hold_placed", "hold_counted", "hold_released"]


def test_who_may_only_read_can_not_hold_or_recall(login: Login) -> None:
    browser = login("owner")
    assert browser.get("/recalls").status_code == 200
    assert browser.post("/holds", data={"lot": "B1", "reason": "漏液"}).status_code == 403
    assert begin(browser).status_code == 403


def test_the_command_line_says_where_the_pieces_are(app: Flask) -> None:
    with app.test_request_context():
        found = recall_json("B1")
    assert (found["orders"], found["pieces"], found["suppliers"]) == (
        3, {"sure": 3, "inferred": 1, "on_the_way": 3}, ["恒美包材"],
    )  # fmt: skip
    assert found["balance"]["out"] == {"with_buyers": 3, "shelf": 7}


def test_the_orders_of_a_recall_come_in_pages_with_a_constant_number_of_queries(login: Login) -> None:
    with write():
        shop = ensure_shop("erp", name="ERP", platform="erp")
        records: list[r.Record] = []
        for n in range(120):
            records += [
                r.Order(external_id=f"M{n:03}", placed_at=NOW),
                r.OrderLine(order=f"M{n:03}", external_id="1", sku="ROSE", lot="B1"),
            ]
        store(shop, records, now=NOW, by=None, source=("test", 0))
    browser = login("quality_lead")
    begin(browser)
    number = only(Recall).number
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    page = browser.get(f"/recalls/{number}/orders").text
    event.remove(engine, "before_cursor_execute", note)
    assert (page.count('name="ids"'), "下一页" in page, len(seen) <= 14) == (50, True, True), len(seen)
    assert db.session.scalar(select(func.count()).select_from(RecallOrder)) == 123
