"""Scan anything and land on the right page."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from qtrace.accounts.models import Department
from qtrace.catalog.models import Shop
from qtrace.complaints.models import Complaint
from qtrace.core.db import write
from qtrace.issues.models import Issue
from qtrace.orders.upsert import store
from qtrace.sdk import records as r
from tests.conftest import NOW, user_id

GTIN = "06901234567892"
RECORDS: list[r.Record] = [
    r.Supplier(external_id="HM", name="恒美包材"),
    r.Product(external_id="ROSE-30", name="玫瑰精华液 30ml", supplier="HM", barcode="6901234567892"),
    r.Lot(external_id="B2409.17", sku="ROSE-30", supplier="HM"),
    r.Lot(external_id="7788", sku="ROSE-30", supplier="HM"),
    r.Order(external_id="O1", customer="c1", currency="CNY", placed_at=NOW),
    r.Order(external_id="7788", customer="c2", currency="CNY", placed_at=NOW),
    r.OrderLine(order="O1", external_id="1", sku="ROSE-30", quantity=1, lot="B2409.17"),
    r.Shipment(external_id="ZT100", order="O1", courier="中通"),
    r.AfterSale(external_id="A1", order="O1", opened_at=NOW, return_waybill="YT9"),
    r.Serial(external_id="SN-1", sku="ROSE-30", lot="B2409.17"),
    r.Serial(external_id="SN-2", sku="ROSE-30", lot="B2409.17", shop="douyin", order="O1"),
]
Login = Callable[[str], Any]


@pytest.fixture(autouse=True)
def told(app: Flask) -> None:
    """A lot, an order that was sent in a parcel, and the numbers of a complaint and of an issue."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店")
        session.add(shop)
        session.flush()  # the records belong to it
        assert not store(shop.id, RECORDS, now=NOW, by=None, source=("test", 0)).refused
        session.add(Issue(number="QI-1", title="瓶盖漏液", opened_at=NOW, created_by=user_id("admin")))
        session.add(Complaint(number="KS-1", source_kind="staff", occurred_at=NOW, created_at=NOW, stars=1, text="漏"))


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("B2409.17", "/trace/lot/B2409.17"),
        ("Ｂ２４０９。１７", "/trace/lot/B2409.17"),
        (" 批号:B2409.17\r", "/trace/lot/B2409.17"),
        (f"(01){GTIN}(10)B2409.17", "/trace/lot/B2409.17"),
        (f"（01）{GTIN}（10）B2409。17", "/trace/lot/B2409.17"),
        (f"01{GTIN}10B2409.17\x1d17271231", "/trace/lot/B2409.17"),
        (f"]d201{GTIN}10B2409.17\x1d17271231", "/trace/lot/B2409.17"),
        (f"01{GTIN}10B2409.17", "/trace/lot/B2409.17"),
        (f"https://id.gs1.org/01/{GTIN}/10/B2409.17?17=271231", "/trace/lot/B2409.17"),
        (f"01{GTIN}10NOT-OURS", "/trace/sku/ROSE-30"),
        (f"01{GTIN}21SN-1", "/trace/lot/B2409.17"),
        ("SN-2", "/trace/order/O1"),
        ("6901234567892", "/trace/sku/ROSE-30"),
        (GTIN, "/trace/sku/ROSE-30"),
        ("订单号:O1", "/trace/order/O1"),
        ("ZT100", "/trace/parcel/ZT100"),
        ("YT9", "/trace/order/O1"),
        ("QI-1", "/issues/QI-1"),
        ("KS-1", "/complaints/KS-1"),
        ("http://127.0.0.1:8000/trace/lot/B2409.17", "/trace/lot/B2409.17"),
        ("http://127.0.0.1:8000/issues/QI-1?x=1", "/issues/QI-1"),
    ],
)
def test_one_scan_leads_straight_to_its_page(text: str, page: str, login: Login) -> None:
    answer = login("quality_lead").get("/scan", query_string={"text": text})
    assert (answer.status_code, answer.location) == (303, page)


def test_a_number_of_several_things_is_a_short_choice(login: Login) -> None:
    page = login("quality_lead").get("/scan?text=7788")
    assert page.status_code == 200
    assert 'href="/trace/order/7788"' in page.text
    assert 'href="/trace/lot/7788"' in page.text


def test_a_number_nobody_knows_says_what_was_read_and_what_to_do(login: Login) -> None:
    page = login("quality_lead").get("/scan", query_string={"text": "01095212345432131725063010X9"}).text
    assert "系统里没有这个号码" in page
    for word in ("有效期至", "2025-06-30", "批号", "X9", "09521234543213", "/issues/new?source=", "/imports"):
        assert word in page
    assert "应当是 2" in login("quality_lead").get("/scan?text=6901234567893").text


def test_the_box_of_the_trace_reads_the_same_texts(login: Login) -> None:
    browser = login("quality_lead")
    label = f"01{GTIN}10B2409.17"
    assert browser.get("/trace", query_string={"q": label}).location == "/trace/lot/B2409.17"
    assert browser.get("/trace?q=http://127.0.0.1:8000/issues/QI-1").location == "/issues/QI-1"
    assert "应当是 2" in browser.get("/trace?q=6901234567893").text


@pytest.mark.parametrize(
    "text",
    [
        "http://evil.example/trace/lot/B2409.17",
        "http://127.0.0.1:8000//evil.example/trace",
        "http://127.0.0.1:8000/users",
        "http://127.0.0.1:8000@evil.example/trace/lot/x",
        "http://[",
        "javascript:alert(1)",
    ],
)
def test_a_label_leads_nowhere_else(text: str, login: Login) -> None:
    assert login("quality_lead").get("/scan", query_string={"text": text}).status_code == 200


def test_a_number_one_may_not_see_is_unknown(login: Login) -> None:
    with write() as session:
        department = Department(name="别的部门")
        session.add(department)
        session.flush()  # the issue names it
        session.add(
            Issue(number="QI-2", title="别处", opened_at=NOW, created_by=user_id("admin"), department_id=department.id)
        )
    page = login("inspector").get("/scan?text=QI-2")
    assert page.status_code == 200
    assert "系统里没有这个号码" in page.text
    assert login("quality_lead").get("/scan?text=QI-2").location == "/issues/QI-2"
