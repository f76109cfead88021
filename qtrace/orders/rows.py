"""How each kind of record becomes a row: its table, its key, the rows it names, and what is refused.

A row is a tuple in the order of `Shape.columns`; a column that names another row still holds that row's external id.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import String, Table

from qtrace.catalog import models as catalog
from qtrace.core.money import minor_digits
from qtrace.orders import models as orders
from qtrace.orders.fields import label
from qtrace.sdk import records

Value = str | int | bool | date | datetime | None
Row = tuple[Value, ...]

MAX_ID = 120
MAX_TEXT = 100_000
MAX_COUNT = 2_000_000_000
MAX_MINOR = 10**15
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=5 * 366)
SHELF_LIFE = timedelta(days=30 * 366)
DEGREE = Decimal(1_000_000)

LINE_KINDS = {"item", "kit", "component", "gift"}
LOT_METHODS = {"scanned", "serial", "fifo", "manual", "unknown"}
AFTER_SALE_KINDS = {"refund", "return", "exchange", "reship"}


class UnfitError(Exception):
    """The record cannot be stored; the message says why and what to do."""


@dataclass(frozen=True)
class Scope:
    """What a batch is checked against: the shop, its money, and the moment."""

    shop_id: int
    currency: str
    now: datetime
    order_currency: Mapping[str, str]

    def currency_of(self, order: str) -> str:
        """Return the currency an order's amounts are in."""
        return self.order_currency.get(order, self.currency)


@dataclass(frozen=True)
class Shape:
    """One kind of record as the database keeps it.

    `names` says which columns hold another row's external id and of which kind; `stub` is the column and value that
    mark a row nothing but another record's reference is known of.
    """

    kind: str
    table: Table
    columns: tuple[str, ...]
    blank: Row
    read: Callable[[Any, Scope], Row]
    names: tuple[tuple[int, str], ...] = ()
    stub: tuple[int, Value] | None = None
    owner: str = "shop_id"
    called: int | None = None

    @property
    def texts(self) -> tuple[tuple[int, int], ...]:
        """Return (position, longest length) of every text column."""
        found = []
        for at, column in enumerate(self.columns):
            kind = self.table.c[column].type
            if isinstance(kind, String):
                found.append((at, kind.length or MAX_TEXT))
        return tuple(found)


def shape_of(kind: str) -> Shape:
    """Return how this kind of record is kept."""
    return SHAPES[kind]


def storable(text: str) -> bool:
    """Say whether both databases can keep this text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def read_row(shape: Shape, limits: tuple[tuple[int, int], ...], record: records.Record, scope: Scope) -> Row:
    """Return the record as a row; raise UnfitError with the reason when it cannot be stored."""
    row = shape.read(record, scope)
    for at, longest in limits:
        text = row[at]
        if isinstance(text, str) and (len(text) > longest or not text.isascii() or "\x00" in text):
            _check_text(shape, at, text, longest)
    return row


def _check_text(shape: Shape, at: int, text: str, longest: int) -> None:
    if len(text) <= longest and storable(text):
        return
    name = label(shape.kind, _field_of(shape, at))
    if len(text) > longest:
        raise UnfitError(_("「%(field)s」有 %(n)s 个字符,最多 %(max)s 个。", field=name, n=len(text), max=longest))
    raise UnfitError(_("「%(field)s」里有无法保存的字符,请清理后重新导入。", field=name))


def _field_of(shape: Shape, at: int) -> str:
    column = shape.columns[at]
    return {"parent_external_id": "parent"}.get(column, column)


def _key(kind: str, value: str, field: str = "external_id") -> str:
    if not value:
        raise UnfitError(_("「%(field)s」是空的。", field=label(kind, field)))
    return _name(kind, value, field)


def _name(kind: str, value: str, field: str) -> str:
    if len(value) > MAX_ID:
        raise UnfitError(
            _("「%(field)s」有 %(n)s 个字符,最多 %(max)s 个。", field=label(kind, field), n=len(value), max=MAX_ID)
        )
    if not value.isascii() or "\x00" in value:
        _check_name(kind, value, field)
    return value


def _check_name(kind: str, value: str, field: str) -> None:
    if not storable(value):
        raise UnfitError(_("「%(field)s」里有无法保存的字符,请清理后重新导入。", field=label(kind, field)))


def _money(kind: str, amount: Decimal | None, currency: str, field: str) -> int | None:
    if amount is None:
        return None
    digits = minor_digits(currency)
    if not amount.is_finite() or abs(amount) >= MAX_MINOR:
        raise UnfitError(_("「%(field)s」不是合理的金额:%(value)s。", field=label(kind, field), value=amount))
    minor = amount.scaleb(digits)
    if minor != int(minor):
        raise UnfitError(
            _(
                "「%(field)s」%(value)s 超过 %(digits)s 位小数,%(currency)s 存不下,不会自动四舍五入。",
                field=label(kind, field), value=amount, digits=digits, currency=currency,
            )
        )  # fmt: skip
    return int(minor)


def _count(kind: str, number: int | None, field: str, *, least: int = 0) -> int | None:
    if number is not None and not least <= number <= MAX_COUNT:
        raise UnfitError(
            _(
                "「%(field)s」必须在 %(least)s 以上,不能是 %(value)s。",
                field=label(kind, field),
                least=least,
                value=number,
            )
        )
    return number


def _time(kind: str, at: datetime | None, scope: Scope, field: str) -> datetime | None:
    if at is None:
        return None
    if at.tzinfo is None:
        raise UnfitError(_("「%(field)s」没有时区。", field=label(kind, field)))
    if not EARLIEST <= at <= scope.now + AHEAD:
        raise UnfitError(
            _("「%(field)s」%(value)s 不合理:早于 2000 年或晚于五年后。", field=label(kind, field), value=at.date())
        )
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def _day(kind: str, day: date | None, scope: Scope, field: str, ahead: timedelta = AHEAD) -> date | None:
    if day is not None and not EARLIEST.date() <= day <= (scope.now + ahead).date():
        raise UnfitError(_("「%(field)s」%(value)s 不合理,请检查年份。", field=label(kind, field), value=day))
    return day


def _choice(kind: str, value: str, allowed: set[str], field: str) -> str:
    if value and value not in allowed:
        raise UnfitError(
            _(
                "「%(field)s」不认识「%(value)s」,可用的有:%(allowed)s。",
                field=label(kind, field), value=value, allowed="、".join(sorted(allowed)),
            )
        )  # fmt: skip
    return value


def _currency(kind: str, value: str) -> str:
    if value and not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
        raise UnfitError(
            _(
                "「%(field)s」要写成三个大写字母,例如 CNY,不能是「%(value)s」。",
                field=label(kind, "currency"),
                value=value,
            )
        )
    return value


def _category(r: records.Category, s: Scope) -> Row:
    return s.shop_id, _key("categories", r.external_id), r.name


def _supplier(r: records.Supplier, s: Scope) -> Row:
    return s.shop_id, _key("suppliers", r.external_id), r.name, r.region, r.contact


def _product(r: records.Product, s: Scope) -> Row:
    k = "products"
    return (
        s.shop_id, _key(k, r.external_id), r.name, r.product_code, r.category, r.barcode,
        _name(k, r.supplier, "supplier"), _count(k, r.weight_g, "weight_g"), True,
    )  # fmt: skip


def _warehouse(r: records.Warehouse, s: Scope) -> Row:
    return s.shop_id, _key("warehouses", r.external_id), r.name, r.region


def _customer(r: records.Customer, s: Scope) -> Row:
    return s.shop_id, _key("customers", r.external_id), r.person_id, r.masked_name, r.region


def _place(r: records.Place, s: Scope) -> Row:
    if not (abs(r.latitude) <= 90 and abs(r.longitude) <= 180):
        raise UnfitError(_("坐标 %(lat)s, %(lng)s 不在地球上。", lat=r.latitude, lng=r.longitude))
    lat, lng = int((r.latitude * DEGREE).to_integral_value()), int((r.longitude * DEGREE).to_integral_value())
    key = f"{_key('places', r.postal_code, 'postal_code')}|{lat}|{lng}|{r.city}"
    return s.shop_id, key, r.postal_code, r.city, r.region, lat, lng


def _order(r: records.Order, s: Scope) -> Row:
    k, currency = "orders", _currency("orders", r.currency) or s.currency_of(r.external_id)
    return (
        s.shop_id, _key(k, r.external_id), _name(k, r.customer, "customer"), r.status, currency,
        _money(k, r.paid, currency, "paid"), _time(k, r.placed_at, s, "placed_at"),
        _time(k, r.shipped_at, s, "shipped_at"), _time(k, r.delivered_at, s, "delivered_at"),
        _time(k, r.promised_at, s, "promised_at"), True,
    )  # fmt: skip


def _line(r: records.OrderLine, s: Scope) -> Row:
    k, currency = "lines", s.currency_of(r.order)
    _name(k, r.lot, "lot")
    _choice(k, r.lot_method, LOT_METHODS, "lot_method")
    if not 0 <= r.lot_confidence <= 100:
        raise UnfitError(_("「%(field)s」必须是 0 到 100。", field=label(k, "lot_confidence")))
    return (
        _key(k, r.order, "order"), _key(k, r.external_id), _choice(k, r.kind, LINE_KINDS, "kind"),
        _name(k, r.parent, "parent"), _name(k, r.sku, "sku"), _name(k, r.supplier, "supplier"),
        _count(k, r.quantity, "quantity", least=1), _money(k, r.price, currency, "price"),
        _money(k, r.freight, currency, "freight"), _time(k, r.ship_by, s, "ship_by"),
    )  # fmt: skip


def _payment(r: records.Payment, s: Scope) -> Row:
    k, currency = "payments", s.currency_of(r.order)
    return (
        _key(k, r.order, "order"), _key(k, r.external_id), r.method, _count(k, r.installments, "installments"),
        _money(k, r.amount, currency, "amount"), currency,
    )  # fmt: skip


def _shipment(r: records.Shipment, s: Scope) -> Row:
    k = "shipments"
    return (
        s.shop_id, _key(k, r.external_id), _name(k, r.order, "order"), r.courier, r.line,
        _name(k, r.warehouse, "warehouse"),
        _time(k, r.shipped_at, s, "shipped_at"), _time(k, r.delivered_at, s, "delivered_at"),
        _time(k, r.promised_at, s, "promised_at"),
    )  # fmt: skip


def _lot(r: records.Lot, s: Scope) -> Row:
    k = "lots"
    return (
        s.shop_id, _key(k, r.external_id), _name(k, r.sku, "sku"), _name(k, r.supplier, "supplier"),
        _day(k, r.made_on, s, "made_on"), _day(k, r.expires_on, s, "expires_on", SHELF_LIFE),
    )  # fmt: skip


def _receipt(r: records.PurchaseReceipt, s: Scope) -> Row:
    k = "receipts"
    return (
        s.shop_id, _key(k, r.external_id), _name(k, r.supplier, "supplier"), _name(k, r.warehouse, "warehouse"),
        _name(k, r.lot, "lot"), _name(k, r.sku, "sku"), _count(k, r.quantity, "quantity"),
        _time(k, r.received_at, s, "received_at"),
    )  # fmt: skip


def _review(r: records.Review, s: Scope) -> Row:
    k = "reviews"
    if not 1 <= r.stars <= 5:
        raise UnfitError(_("「%(field)s」必须是 1 到 5,不能是 %(value)s。", field=label(k, "stars"), value=r.stars))
    key = _key(k, r.external_id) + (f"|{_name(k, r.order, 'order')}" if r.order else "")
    return (
        s.shop_id, key, r.order, _name(k, r.sku, "sku"), r.stars, r.title, r.text,
        _time(k, r.reviewed_at, s, "reviewed_at"), _time(k, r.answered_at, s, "answered_at"),
    )  # fmt: skip


def _after_sale(r: records.AfterSale, s: Scope) -> Row:
    k, currency = "aftersales", s.currency_of(r.order)
    if r.line and not r.order:
        raise UnfitError(_("有「%(line)s」而没有「%(order)s」。", line=label(k, "line"), order=label(k, "order")))
    return (
        s.shop_id, _key(k, r.external_id), _name(k, r.order, "order"), _name(k, r.line, "line"),
        _choice(k, r.kind, AFTER_SALE_KINDS, "kind"), r.reason_code, r.reason, r.text,
        _money(k, r.refund, currency, "refund"), _money(k, r.freight, currency, "freight"), currency,
        _time(k, r.opened_at, s, "opened_at"), _time(k, r.closed_at, s, "closed_at"),
    )  # fmt: skip


def _shape(
    kind: str, model: type[Any], read: Callable[[Any, Scope], Row], columns: str, blank: Row, **rest: Any
) -> Shape:
    names = tuple(columns.split())
    return Shape(kind, model.__table__, names, blank, read, **rest)


# The columns stand in the order in which the reader above returns them; `blank` is a row of which nothing is said.
SHAPES: dict[str, Shape] = {
    shape.kind: shape
    for shape in (
        _shape("categories", catalog.Category, _category, "shop_id external_id name", (None, "", ""), called=2),
        _shape("suppliers", catalog.Supplier, _supplier, "shop_id external_id name region contact",
               (None, "", "", "", ""), called=2),
        _shape("products", catalog.Sku, _product,
               "shop_id external_id name product_code category barcode supplier_id weight_g known",
               (None, "", "", "", "", "", None, None, False), names=((6, "suppliers"),), stub=(8, False)),
        _shape("warehouses", catalog.Warehouse, _warehouse, "shop_id external_id name region",
               (None, "", "", ""), called=2),
        _shape("customers", catalog.Customer, _customer, "shop_id external_id person_id masked_name region",
               (None, "", "", "", "")),
        _shape("places", catalog.Place, _place,
               "shop_id external_id postal_code city region latitude_e6 longitude_e6", (None, "", "", "", "", 0, 0)),
        _shape("orders", orders.Order, _order,
               "shop_id external_id customer_id status currency paid_minor placed_at shipped_at delivered_at "
               "promised_at known", (None, "", None, "", "", 0, None, None, None, None, False),
               names=((2, "customers"),), stub=(10, False)),
        _shape("lines", orders.OrderLine, _line,
               "order_id external_id kind parent_external_id sku_id supplier_id quantity price_minor freight_minor "
               "ship_by",
               (None, "", "item", "", None, None, 0, 0, 0, None),
               names=((0, "orders"), (4, "products"), (5, "suppliers")), stub=(6, 0), owner="order_id"),
        _shape("payments", orders.Payment, _payment,
               "order_id external_id method installments amount_minor currency", (None, "", "", 1, 0, ""),
               names=((0, "orders"),), owner="order_id"),
        _shape("shipments", orders.Parcel, _shipment,
               "shop_id external_id order_id courier line warehouse_id shipped_at delivered_at promised_at",
               (None, "", None, "", "", None, None, None, None), names=((2, "orders"), (5, "warehouses"))),
        _shape("lots", orders.Lot, _lot, "shop_id external_id sku_id supplier_id made_on expires_on",
               (None, "", None, None, None, None), names=((2, "products"), (3, "suppliers"))),
        _shape("receipts", orders.Receipt, _receipt,
               "shop_id external_id supplier_id warehouse_id lot_id sku_id quantity received_at",
               (None, "", None, None, None, None, 0, None),
               names=((2, "suppliers"), (3, "warehouses"), (4, "lots"), (5, "products"))),
        _shape("reviews", orders.Review, _review,
               "shop_id external_id order_id sku_id stars title text reviewed_at answered_at",
               (None, "", None, None, 0, "", "", None, None), names=((2, "orders"), (3, "products"))),
        _shape("aftersales", orders.AfterSale, _after_sale,
               "shop_id external_id order_id line_id kind reason_code reason text refund_minor freight_minor currency "
               "opened_at closed_at", (None, "", None, None, "refund", "", "", "", 0, 0, "", None, None),
               names=((2, "orders"), (3, "lines"))),
    )
}  # fmt: skip
