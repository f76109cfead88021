"""Where a pasted number leads."""

import pytest
from flask import Flask

from qtrace.catalog.models import Shop, Sku
from qtrace.core.db import db, write
from qtrace.issues.origin import complete, origin_of
from qtrace.orders.models import LineLot, Order, OrderLine
from tests.unit.issues.conftest import Goods


@pytest.mark.parametrize("text", ["6919000045", "订单号:6919000045", "75302210"])
def test_an_order_or_waybill_leads_to_everything(app: Flask, goods: Goods, text: str) -> None:
    assert origin_of(text).columns() == {
        "shop_id": goods.shop, "order_id": goods.order, "sku_id": goods.sku, "lot_id": goods.lot,
        "supplier_id": goods.supplier, "courier_line": "中通·杭州→四川",
    }  # fmt: skip


def test_a_lot_leads_to_article_and_supplier(app: Flask, goods: Goods) -> None:
    found = origin_of("B2409-17")
    assert (found.sku.id if found.sku else None, found.supplier_id) == (goods.sku, goods.supplier)


def test_an_article_leads_to_its_supplier(app: Flask, goods: Goods) -> None:
    assert origin_of("ROSE-30").supplier_id == goods.supplier


def test_an_unsure_lot_is_only_suggested(app: Flask, goods: Goods) -> None:
    with write() as session:
        session.query(LineLot).update({LineLot.confidence: 55})
    found = origin_of("6919000045")
    assert found.lot is None
    assert found.link is not None


def test_of_several_articles_a_person_chooses(app: Flask, goods: Goods) -> None:
    with write() as session:
        second = Sku(shop_id=goods.shop, external_id="MASK", name="面膜")
        session.add(second)
        session.flush()
        line = OrderLine(order_id=goods.order, external_id="2", sku_id=second.id)
        session.add(line)
        session.flush()
        line_id, second_id = line.id, second.id
    assert origin_of("6919000045").sku is None
    chosen = origin_of("6919000045", line_id=line_id)
    assert chosen.sku is not None
    assert chosen.sku.id == second_id


def test_a_number_of_two_shops_is_not_guessed(app: Flask, goods: Goods) -> None:
    with write() as session:
        shop = Shop(key="tmall", name="天猫店")
        session.add(shop)
        session.flush()
        session.add(Order(shop_id=shop.id, external_id="6919000045", currency="CNY"))
    found = origin_of("6919000045")
    assert (found.order, found.several) == (None, 2)


def test_an_unknown_number_leads_nowhere(app: Flask, goods: Goods) -> None:
    assert not origin_of("nothing at all").found


def test_what_a_person_typed_wins_over_the_box(app: Flask, goods: Goods) -> None:
    with write() as session:
        other = Sku(shop_id=goods.shop, external_id="MASK", name="面膜")
        session.add(other)
        session.flush()
        other_id = other.id
    filled = complete({"sku_id": other_id}, "6919000045")
    assert filled["sku_id"] == other_id
    assert filled.get("lot_id") is None


def test_an_order_in_its_own_field_fills_the_rest(app: Flask, goods: Goods) -> None:
    filled = complete({"order_id": goods.order})
    assert (filled["sku_id"], filled["lot_id"]) == (goods.sku, goods.lot)
    assert db.session.get(Order, filled["order_id"]) is not None
