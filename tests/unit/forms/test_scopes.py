"""Where a form is offered, and how much of the business that covers."""

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.models import Category, Shop, Sku
from qtrace.catalog.scopes import category_of
from qtrace.complaints.scopes import complaint_share
from qtrace.core.db import db, write
from qtrace.forms.scopes import Setting, fits, scope_kinds
from qtrace.orders.models import Order, OrderLine
from qtrace.orders.scopes import order_share
from tests.conftest import NOW

SHOPS = frozenset({"1", "2"})


@pytest.mark.parametrize(
    ("chosen", "setting", "expected"),
    [
        ({}, Setting(shop_id=9), True),
        ({"shop": SHOPS}, Setting(shop_id=2), True),
        ({"shop": SHOPS}, Setting(shop_id=3), False),
        ({"shop": SHOPS}, Setting(), True),  # nothing is known of the shop yet
        ({"shop": SHOPS, "category": frozenset({"5"})}, Setting(shop_id=2, category_id=6), False),
        ({"platform": frozenset({"douyin"})}, Setting(platform="douyin"), True),
        ({"department": frozenset({"4"})}, Setting(department_id=5), False),
    ],
)
def test_values_of_a_kind_widen_and_kinds_must_all_fit(
    chosen: dict[str, frozenset[str]],
    setting: Setting,
    expected: bool,
) -> None:
    assert fits(chosen, setting) is expected


def test_a_pilot_says_which_share_of_the_orders_it_covers(app: Flask) -> None:
    with write() as session:
        douyin, taobao = Shop(key="dy", name="抖店", platform="douyin"), Shop(key="tb", name="淘宝", platform="taobao")
        session.add_all([douyin, taobao])
        session.flush()
        creams = Category(shop_id=douyin.id, external_id="C1", name="面霜")
        cream = Sku(shop_id=douyin.id, external_id="CREAM", name="面霜", category="C1")
        soap = Sku(shop_id=douyin.id, external_id="SOAP", name="香皂", category="C2")
        session.add_all([creams, cream, soap])
        session.flush()
        for number, (shop, sku) in enumerate([(douyin, cream), (douyin, soap), (taobao, soap), (taobao, soap)]):
            order = Order(shop_id=shop.id, external_id=str(number), currency="CNY", placed_at=NOW)
            session.add(order)
            session.flush()
            session.add(OrderLine(order_id=order.id, external_id="1", sku_id=sku.id))
        shop_id, category_id = str(douyin.id), str(creams.id)
    with app.test_request_context():
        assert {"category", "shop", "platform", "department"} == set(scope_kinds())
        assert (category_id, "面霜 · 抖店") in scope_kinds()["category"].options()
        assert [category_of(sku) for sku in db.session.scalars(select(Sku).order_by(Sku.id))] == [
            int(category_id),
            None,
        ]
        counted = [
            order_share(chosen, NOW).covered
            for chosen in (
                {}, {"shop": frozenset({shop_id})}, {"platform": frozenset({"taobao"})},
                {"category": frozenset({category_id})}, {"shop": frozenset({shop_id}), "category": frozenset({"0"})},
            )
        ]  # fmt: skip
        assert counted == [4, 2, 2, 1, 0]
        assert complaint_share({"shop": frozenset({shop_id})}, NOW).total == 0
