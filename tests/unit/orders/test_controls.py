"""Controls that name facts: one text names one row, and every row has a text that names it alone."""

import pytest
from flask import Flask

from qtrace.catalog.models import Shop, Sku
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.forms.registry import FieldDefinition, Sent, controls
from qtrace.orders.controls import read_gs1
from qtrace.orders.models import Lot, Order, OrderLine


def field(key: str, **options: object) -> FieldDefinition:
    """Return a field of this control."""
    return FieldDefinition("f", key, "字段", "Field", options=options)


@pytest.fixture
def ids(app: Flask) -> dict[str, int]:
    """Two shops with an order and a lot of one number each, and an order of two lines."""
    with write() as session:
        shops = [Shop(key="dy", name="抖店"), Shop(key="tb", name="淘宝店")]
        session.add_all(shops)
        session.flush()
        twins = [Order(shop_id=shop.id, external_id="6919", currency="CNY") for shop in shops]
        one = Order(shop_id=shops[0].id, external_id="7000@8", currency="CNY")
        lots = [Lot(shop_id=shop.id, external_id="B24") for shop in shops]
        sku = Sku(shop_id=shops[0].id, external_id="ROSE", name="玫瑰精华液", barcode="6901234567892")
        session.add_all([*twins, one, *lots, sku])
        session.flush()
        lines = [OrderLine(order_id=twins[1].id, external_id=number, sku_id=sku.id) for number in ("1", "2")]
        lines.append(OrderLine(order_id=one.id, external_id="1"))
        session.add_all(lines)
        session.flush()
        rows = {
            "dy": twins[0],
            "tb": twins[1],
            "one": one,
            "lot": lots[1],
            "sku": sku,
            "second": lines[1],
            "only": lines[2],
        }
        return {name: row.id for name, row in rows.items()}


def test_a_number_of_several_shops_needs_its_shop_and_names_it_back(app: Flask, ids: dict[str, int]) -> None:
    with app.test_request_context():
        order = controls()["order_ref"]
        with pytest.raises(Refused) as refused:
            order.parse(field("order_ref"), Sent({"f": ["6919"]}))
        assert "抖店" in refused.value.message and "淘宝店" in refused.value.message
        for text in ("6919@淘宝店", "订单号:6919@淘宝店", "６９１９@tb"):
            assert order.parse(field("order_ref"), Sent({"f": [text]})) == ids["tb"]
        assert order.to_cell(field("order_ref"), ids["dy"]) == "6919@抖店"
        for key, row in (("order_ref", "one"), ("order_ref", "tb"), ("lot_no", "lot")):
            assert controls()[key].from_cell(field(key), controls()[key].to_cell(field(key), ids[row])) == ids[row]


def test_an_article_is_named_by_code_or_bar_code(app: Flask, ids: dict[str, int]) -> None:
    with app.test_request_context():
        for text in ("ROSE", "6901234567892", " SKU:ROSE "):
            sent = Sent({"f": [text.strip().removeprefix("SKU:")]})
            assert controls()["sku"].parse(field("sku"), sent) == ids["sku"]


def test_a_line_is_named_within_its_order(app: Flask, ids: dict[str, int]) -> None:
    with app.test_request_context():
        line = controls()["order_line"]
        for text, row in (("6919@淘宝店/2", "second"), ("7000@8", "only"), ("7000@8/1", "only")):
            assert line.parse(field("order_line"), Sent({"f": [text]})) == ids[row]
        for text in ("6919", "6919/ROSE", "6919/9", "0/1"):
            with pytest.raises(Refused):
                line.parse(field("order_line"), Sent({"f": [text]}))
        assert line.from_cell(field("order_line"), line.to_cell(field("order_line"), ids["second"])) == ids["second"]


def test_only_known_numbers_count_where_the_field_says_so(app: Flask, ids: dict[str, int]) -> None:
    with app.test_request_context():
        parcel = controls()["shipment_tracking"]
        assert parcel.parse(field("shipment_tracking"), Sent({"f": ["SF123"]})) == "SF123"
        with pytest.raises(Refused):
            parcel.parse(field("shipment_tracking", known=True), Sent({"f": ["SF123"]}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("(01)06901234567892(10)B24(17)261231(21)7", {"gtin": "06901234567892", "lot": "B24", "expiry": "2026-12-31", "serial": "7"}),
        ("010690123456789217260200\x1d10B24", {"gtin": "06901234567892", "lot": "B24", "expiry": "2026-02-28"}),
        ("(01)06901234567892(17)240200", {"gtin": "06901234567892", "expiry": "2024-02-29"}),
        ("", {}),
    ],
)  # fmt: skip
def test_one_scan_says_all(sqlite_app: Flask, text: str, says: dict[str, str]) -> None:
    with sqlite_app.test_request_context():
        assert read_gs1(text) == says


def test_a_label_without_what_is_needed_is_refused(sqlite_app: Flask) -> None:
    with sqlite_app.test_request_context(), pytest.raises(Refused) as refused:
        controls()["gs1_scan"].parse(field("gs1_scan", need_lot=True), Sent({"f": ["(01)06901234567892"]}))
    assert "批号" in refused.value.message
