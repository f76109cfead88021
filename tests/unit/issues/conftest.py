"""The cast and the goods of the issue tests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.issues.models import Issue
from qtrace.issues.service import NewIssue, create_issue
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Parcel
from tests.conftest import NOW, user_id

TERMS = (
    ("type", "t_leak", "测试漏液", 900), ("type", "t_broken", "测试破损", 901),
    ("severity", "s_severe", "测试重大", 900), ("severity", "s_minor", "测试轻微", 901),
    ("responsible_party", "p_supplier", "测试供应商责任", 900), ("detection_point", "d_receipt", "测试到货", 900),
)  # fmt: skip


@dataclass(frozen=True)
class Goods:
    """The ids of one order with its article, lot, supplier and parcel, and of the terms."""

    shop: int
    supplier: int
    sku: int
    lot: int
    order: int
    terms: dict[str, int]


@pytest.fixture
def goods(app: Flask) -> Goods:
    """One order of one serum from a known lot."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        supplier = Supplier(shop_id=shop.id, external_id="HM", name="恒美包材")
        session.add(supplier)
        session.flush()
        sku = Sku(shop_id=shop.id, external_id="ROSE-30", name="玫瑰精华液 30ml", supplier_id=supplier.id)
        order = Order(shop_id=shop.id, external_id="6919000045", currency="CNY", placed_at=NOW)
        session.add_all([sku, order])
        session.flush()
        lot = Lot(shop_id=shop.id, external_id="B2409-17", sku_id=sku.id, supplier_id=supplier.id)
        line = OrderLine(order_id=order.id, external_id="1", sku_id=sku.id, supplier_id=supplier.id)
        parcel = Parcel(
            shop_id=shop.id, external_id="75302210", order_id=order.id, courier="中通", line="中通·杭州→四川"
        )
        session.add_all([lot, line, parcel])
        session.flush()
        session.add(LineLot(line_id=line.id, lot_id=lot.id, method="fifo", confidence=92))
        for kind, code, name, position in TERMS:
            session.add(Term(kind=kind, code=code, name_zh=name, name_en=code, position=position))
        found = (shop.id, supplier.id, sku.id, lot.id, order.id)
    terms = {term.code: term.id for term in db.session.scalars(select(Term).where(Term.position >= 900))}
    return Goods(*found, terms)


@pytest.fixture
def open_issue(app: Flask) -> Callable[..., Issue]:
    """Open an issue and return it."""

    def opened(*, by: str = "quality_lead", **values: Any) -> Issue:
        now = values.pop("now", NOW)
        person = user_id(by)
        with write():
            issue_id = create_issue(NewIssue(**{"title": "瓶盖漏液,外包装浸湿"} | values), by=person, now=now).id
        return db.session.get_one(Issue, issue_id)

    return opened
