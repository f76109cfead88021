"""How each kind of record becomes rows: its table, its key, the rows it names, and what is refused.

Records are read field by field, thousands at once, because that is several times faster than one by one; the columns
that come out stand in the order of `Shape.columns`, and one that names another row still holds its external id.
"""

from datetime import timedelta
from decimal import Decimal
from functools import partial

from flask_babel import gettext as _

from qtrace.catalog import models as catalog
from qtrace.orders import models as orders
from qtrace.orders.facts import Column, Facts, Fields, Scope, UnfitError, fits, storable
from qtrace.orders.fields import label
from qtrace.orders.shapes import Shape, shape
from qtrace.orders.stock_rows import LOT_METHODS, STOCK_SHAPES, sure

SHELF_LIFE = timedelta(days=30 * 366)
DEGREE = Decimal(1_000_000)

LINE_KINDS = {"item", "kit", "component", "gift"}
LOT_STATES = {"good", "hold", "blocked", "recalled"}
LOT_LEVELS = {"finished", "component"}
AFTER_SALE_KINDS = {"refund", "return", "exchange", "reship"}


def shape_of(kind: str) -> Shape:
    """Return how this kind of record is kept."""
    return SHAPES[kind]


def read_columns(shape: Shape, fields: Fields, size: int, scope: Scope) -> tuple[list[Column], dict[int, str]]:
    """Return `size` records as columns, and by position the reason why one cannot be stored."""
    facts = Facts(shape.kind, fields, size, scope)
    columns = list(shape.read(facts))
    for at, longest in shape.texts:
        if not fits(columns[at], longest):
            facts.each(partial(_check_text, shape, at, longest), columns[at])
    return columns, facts.refused


def _check_text(shape: Shape, at: int, longest: int, text: str | None) -> None:
    if text is None or (len(text) <= longest and storable(text)):
        return
    name = label(shape.kind, _field_of(shape, at))
    if len(text) > longest:
        raise UnfitError(_("「%(field)s」有 %(n)s 个字符,最多 %(max)s 个。", field=name, n=len(text), max=longest))
    raise UnfitError(_("「%(field)s」里有无法保存的字符,请清理后重新导入。", field=name))


def _field_of(shape: Shape, at: int) -> str:
    column = shape.columns[at]
    return {"parent_external_id": "parent"}.get(column, column)


def _categories(f: Facts) -> tuple[Column, ...]:
    return f.all(f.scope.shop_id), f.keys(), f.text("name")


def _suppliers(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id),
        f.keys(),
        f.text("name"),
        f.text("region"),
        f.text("contact"),
        f.others("merged_into"),
    )


def _products(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.text("name"), f.text("product_code"), f.text("category"), f.text("barcode"),
        f.names("supplier"), f.counts("weight_g"), f.all(True), f.text("brand"), f.others("replaced_by"),
    )  # fmt: skip


def _warehouses(f: Facts) -> tuple[Column, ...]:
    return f.all(f.scope.shop_id), f.keys(), f.text("name"), f.text("region")


def _customers(f: Facts) -> tuple[Column, ...]:
    return f.all(f.scope.shop_id), f.keys(), f.text("person_id"), f.text("masked_name"), f.text("region")


def _places(f: Facts) -> tuple[Column, ...]:
    codes, cities = f.keys("postal_code"), f.text("city")
    spots = f.each(_spot, f.fields["latitude"], f.fields["longitude"])
    lats, lngs = [spot and spot[0] for spot in spots], [spot and spot[1] for spot in spots]
    keys = [f"{code}|{lat}|{lng}|{city}" for code, lat, lng, city in zip(codes, lats, lngs, cities, strict=True)]
    return f.all(f.scope.shop_id), keys, codes, cities, f.text("region"), lats, lngs


def _spot(latitude: Decimal, longitude: Decimal) -> tuple[int, int]:
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise UnfitError(_("坐标 %(lat)s, %(lng)s 不在地球上。", lat=latitude, lng=longitude))
    return int((latitude * DEGREE).to_integral_value()), int((longitude * DEGREE).to_integral_value())


def _orders(f: Facts) -> tuple[Column, ...]:
    keys = f.keys()
    said = f.currency_codes()
    if "" in said:
        said = [given or known for given, known in zip(said, f.scope.currencies(f.fields["external_id"]), strict=True)]
    return (
        f.all(f.scope.shop_id), keys, f.names("customer"), f.text("status"), said, f.money("paid", said),
        f.times("placed_at"), f.times("shipped_at"), f.times("delivered_at"), f.times("promised_at"), f.all(True),
    )  # fmt: skip


def _lines(f: Facts) -> tuple[Column, ...]:
    currencies = f.scope.currencies(f.fields["order"])
    f.names("lot")
    f.choices("lot_method", LOT_METHODS)
    f.numbers("lot_confidence", range(101), sure)
    return (
        f.keys("order"), f.keys(), f.choices("kind", LINE_KINDS), f.names("parent"), f.names("sku"),
        f.names("supplier"), f.counts("quantity", least=1), f.money("price", currencies),
        f.money("freight", currencies), f.times("ship_by"),
    )  # fmt: skip


def _payments(f: Facts) -> tuple[Column, ...]:
    currencies = f.scope.currencies(f.fields["order"])
    return (
        f.keys("order"), f.keys(), f.text("method"), f.counts("installments"), f.money("amount", currencies), currencies,
    )  # fmt: skip


def _shipments(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.names("order"), f.text("courier"), f.text("line"), f.names("warehouse"),
        f.times("shipped_at"), f.times("delivered_at"), f.times("promised_at"),
    )  # fmt: skip


def _lots(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.names("sku"), f.names("supplier"), f.days("made_on"),
        f.days("expires_on", SHELF_LIFE), f.text("supplier_lot"), f.choices("quality_status", LOT_STATES),
        f.choices("level", LOT_LEVELS),
    )  # fmt: skip


def _receipts(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.names("supplier"), f.names("warehouse"), f.names("lot"), f.names("sku"),
        f.counts("quantity"), f.times("received_at"), f.names("purchase"),
    )  # fmt: skip


def _reviews(f: Facts) -> tuple[Column, ...]:
    stars, orders = f.numbers("stars", range(1, 6), _starred), f.names("order")
    keys = [f"{key}|{order}" if order else key for key, order in zip(f.keys(), orders, strict=True)]
    return (
        f.all(f.scope.shop_id), keys, orders, f.names("sku"), stars, f.text("title"), f.text("text"),
        f.times("reviewed_at"), f.times("answered_at"),
    )  # fmt: skip


def _starred(value: int) -> str:
    return _("「%(field)s」必须是 1 到 5,不能是 %(value)s。", field=label("reviews", "stars"), value=value)


def _after_sales(f: Facts) -> tuple[Column, ...]:
    currencies = f.scope.currencies(f.fields["order"])
    f.each(_has_order, f.fields["line"], f.fields["order"])
    return (
        f.all(f.scope.shop_id), f.keys(), f.names("order"), f.names("line"), f.choices("kind", AFTER_SALE_KINDS),
        f.text("reason_code"), f.text("reason"), f.text("text"), f.money("refund", currencies),
        f.money("freight", currencies), currencies, f.times("opened_at"), f.times("closed_at"),
        f.times("platform_due_at"), f.names("return_waybill"),
    )  # fmt: skip


def _has_order(line: str, order: str) -> None:
    if line and not order:
        raise UnfitError(
            _(
                "有「%(line)s」而没有「%(order)s」。",
                line=label("aftersales", "line"),
                order=label("aftersales", "order"),
            )
        )


# The columns stand in the order in which the reader above returns them; `blank` is a row of which nothing is said.
SHAPES: dict[str, Shape] = {
    one.kind: one
    for one in (
        shape("categories", catalog.Category, _categories, "shop_id external_id name", (None, "", ""), called=2),
        shape("suppliers", catalog.Supplier, _suppliers, "shop_id external_id name region contact merged_into_id",
              (None, "", "", "", "", None), names=((5, "suppliers"),), called=2),
        shape("products", catalog.Sku, _products,
               "shop_id external_id name product_code category barcode supplier_id weight_g known brand replaced_by_id",
              (None, "", "", "", "", "", None, None, False, "", None),
              names=((6, "suppliers"), (10, "products")), stub=(8, False)),
        shape("warehouses", catalog.Warehouse, _warehouses, "shop_id external_id name region",
               (None, "", "", ""), called=2),
        shape("customers", catalog.Customer, _customers, "shop_id external_id person_id masked_name region",
               (None, "", "", "", "")),
        shape("places", catalog.Place, _places,
               "shop_id external_id postal_code city region latitude_e6 longitude_e6", (None, "", "", "", "", 0, 0)),
        shape("orders", orders.Order, _orders,
               "shop_id external_id customer_id status currency paid_minor placed_at shipped_at delivered_at "
               "promised_at known", (None, "", None, "", "", 0, None, None, None, None, False),
               names=((2, "customers"),), stub=(10, False)),
        shape("lines", orders.OrderLine, _lines,
               "order_id external_id kind parent_external_id sku_id supplier_id quantity price_minor freight_minor "
               "ship_by",
               (None, "", "item", "", None, None, 0, 0, 0, None),
               names=((0, "orders"), (4, "products"), (5, "suppliers")), stub=(6, 0), owner="order_id"),
        shape("payments", orders.Payment, _payments,
               "order_id external_id method installments amount_minor currency", (None, "", "", 1, 0, ""),
               names=((0, "orders"),), owner="order_id"),
        shape("shipments", orders.Parcel, _shipments,
               "shop_id external_id order_id courier line warehouse_id shipped_at delivered_at promised_at",
               (None, "", None, "", "", None, None, None, None), names=((2, "orders"), (5, "warehouses"))),
        shape("lots", orders.Lot, _lots,
              "shop_id external_id sku_id supplier_id made_on expires_on supplier_lot quality_status level",
              (None, "", None, None, None, None, "", "", ""), names=((2, "products"), (3, "suppliers"))),
        shape("receipts", orders.Receipt, _receipts,
               "shop_id external_id supplier_id warehouse_id lot_id sku_id quantity received_at purchase_id",
              (None, "", None, None, None, None, 0, None, None),
              names=((2, "suppliers"), (3, "warehouses"), (4, "lots"), (5, "products"), (8, "purchases"))),
        shape("reviews", orders.Review, _reviews,
               "shop_id external_id order_id sku_id stars title text reviewed_at answered_at",
               (None, "", None, None, 0, "", "", None, None), names=((2, "orders"), (3, "products"))),
        shape("aftersales", orders.AfterSale, _after_sales,
               "shop_id external_id order_id line_id kind reason_code reason text refund_minor freight_minor currency "
               "opened_at closed_at platform_due_at return_waybill",
              (None, "", None, None, "refund", "", "", "", 0, 0, "", None, None, None, ""),
               names=((2, "orders"), (3, "lines"))),
        *STOCK_SHAPES,
    )
}  # fmt: skip
