"""Shops are opened once; master data is found by its codes."""

from datetime import UTC, datetime

from flask import Flask

from qtrace.catalog.queries import category_names, shop_by_key, shops, skus_by_code, suppliers_by_code
from qtrace.catalog.service import ensure_shop
from qtrace.core.db import write
from qtrace.orders.upsert import store
from qtrace.sdk import records as r

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


def test_a_shop_is_opened_once_and_stays_as_it_is(app: Flask) -> None:
    with write():
        first = ensure_shop("olist", name="Olist", currency="BRL", zone="America/Sao_Paulo")
    with write():
        assert ensure_shop("olist", name="别的名字") == first
    shop = shop_by_key("olist")
    assert shop is not None
    assert (shop.name, shop.currency, len(shops())) == ("Olist", "BRL", 1)


def test_articles_and_suppliers_are_found_by_code_or_name(app: Flask) -> None:
    with write():
        shop = ensure_shop("taobao", name="淘宝店")
        facts: list[r.Record] = [
            r.Product(external_id="S1", barcode="690"),
            r.Supplier(external_id="V1", name="广州某日化厂"),
            r.Category(external_id="skin", name="护肤"),
        ]
        store(shop, facts, now=NOW, by=None, source=("import_run", 1))
    assert [sku.external_id for sku in (*skus_by_code("S1"), *skus_by_code("690"))] == ["S1", "S1"]
    assert [one.external_id for one in (*suppliers_by_code("V1"), *suppliers_by_code("广州某日化厂"))] == ["V1", "V1"]
    assert category_names(shop) == {"skin": "护肤"}
