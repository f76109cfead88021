"""Goods are held and called back, and a drill shows in time that everything is found both ways."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from qtrace.catalog.models import Warehouse
from qtrace.catalog.service import ensure_shop
from qtrace.core.db import db, write
from qtrace.core.models import EventRow
from qtrace.orders.upsert import store
from qtrace.recalls.models import Hold, HoldCount, Recall, RecallLetter, RecallOrder
from qtrace.recalls.preview import recall_json
from qtrace.recalls.queries import open_holds, places_of
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
    assert all(text in page for text in ("冻结在库", "恒美包材", "还没有确认", "另有推断 1 件"))
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


def stocked() -> None:
    """Six pieces of the lot lie in Hangzhou, none were counted in Chengdu."""
    with write():
        shop = ensure_shop("erp", name="ERP", platform="erp")
        records: list[r.Record] = [
            r.Warehouse(external_id="HZ", name="杭州仓"), r.Warehouse(external_id="CD", name="成都仓"),
            r.PurchaseReceipt(external_id="RK2", lot="B1", sku="ROSE", supplier="HM", quantity=5, warehouse="CD",
                              received_at=NOW - 40 * DAY),
            r.StockBalance(warehouse="HZ", sku="ROSE", lot="B1", quantity=6, counted_at=NOW),
        ]  # fmt: skip
        assert not store(shop, records, now=NOW, by=None, source=("test", 0)).refused
    db.session.remove()


def test_every_warehouse_with_goods_of_the_lot_is_asked(login: Login) -> None:
    stocked()
    browser = login("quality_lead")
    browser.post("/holds", data={"lot": "B1", "reason": "漏液"})
    hold = only(Hold)
    assert [(place.name, place.expected) for place in places_of(open_holds())[hold.id]] == [
        ("成都仓", None), ("杭州仓", 6),
    ]  # fmt: skip
    page = browser.get("/holds").text
    assert all(text in page for text in ("0/2 个仓库已确认", "账上 6 件"))
    store_id = db.session.scalars(select(Warehouse.id).where(Warehouse.name == "杭州仓")).one()
    browser.post(f"/holds/{hold.id}/counts", data={"pieces": "5", "warehouse": str(store_id)})
    page = browser.get("/holds").text
    assert all(text in page for text in ("1/2 个仓库已确认", "差 1 件"))
    assert "这个批次已冻结,不许发货" in browser.get("/trace/lot/B1").text


def taken(browser: Any, address: str) -> str:
    """Take a file along as CSV."""
    with browser.post(address, data={"format": "csv"}) as answer:
        return str(answer.data.decode("utf-8-sig"))


def test_buyers_are_told_in_words_another_person_approved(login: Login) -> None:
    browser, owner = login("quality_lead"), login("owner")
    begin(browser)
    number = only(Recall).number
    page = browser.get(f"/recalls/{number}/letters").text
    assert "还没有写通知" in page
    refused = browser.post(f"/recalls/{number}/letters", data={"kind": "message", "body": "您好{姓名}"})
    assert (refused.status_code, "不认识 {姓名}" in refused.text, "您好{姓名}" in refused.text) == (422, True, True)
    words = {"kind": "message", "body": "{店铺}的{商品}({订单号},批号 {批号},{pieces} 件)请停用"}
    assert browser.post(f"/recalls/{number}/letters", data=words).status_code == 303
    letter = only(RecallLetter)
    decide = f"/recalls/{number}/letters/{letter.id}/decision"
    assert "自己写的通知要请另一个人批准" in browser.post(decide, data={"verdict": "approve"}).text
    assert "退回要写明改什么" in owner.post(decide, data={"verdict": "refuse"}).text
    export = f"/export/recall_messages?number={number}&kind=message"
    assert "通知还没有批准" in browser.post(export, data={"format": "csv"}).text
    assert owner.post(decide, data={"verdict": "approve"}).status_code == 303
    assert owner.post(decide, data={"verdict": "approve"}).status_code == 409
    assert "ERP的玫瑰精华液(T1,批号 B1,2 件)请停用" in browser.get(f"/recalls/{number}/letters").text
    file = taken(browser, export)
    assert [line.count("请停用") for line in file.splitlines()] == [0, 1, 1, 1]
    first = db.session.scalars(select(RecallOrder.id).order_by(RecallOrder.id)).first()
    browser.post(f"/recalls/{number}/orders", data={"ids": [first], "state": "notified"})
    assert "T1" not in taken(browser, export)


def test_letters_are_printed_one_a_sheet(login: Login) -> None:
    browser, owner = login("quality_lead"), login("owner")
    begin(browser)
    number = only(Recall).number
    assert browser.get(f"/recalls/{number}/letters/paper").status_code == 404
    browser.post(f"/recalls/{number}/letters", data={"kind": "letter", "body": "第一稿"})
    browser.post(f"/recalls/{number}/letters", data={"kind": "letter", "body": "订单 {订单号} 请停用\n\n抱歉"})
    db.session.remove()
    rows = db.session.scalars(select(RecallLetter).order_by(RecallLetter.id)).all()
    assert [row.state for row in rows] == ["replaced", "waiting"]
    owner.post(f"/recalls/{number}/letters/{rows[1].id}/decision", data={"verdict": "approve"})
    page = browser.get(f"/recalls/{number}/letters/paper").text
    assert [page.count(f"订单 {order} 请停用") for order in ("T1", "T2", "T3")] == [1, 1, 1]
    assert page.count("new-page") == 2
    assert browser.get(f"/recalls/{number}/letters/paper.pdf").data.startswith(b"%PDF")


def test_a_drill_tells_no_buyer(login: Login) -> None:
    browser = login("quality_lead")
    begin(browser, "drill")
    assert browser.get(f"/recalls/{only(Recall).number}/letters").status_code == 404
