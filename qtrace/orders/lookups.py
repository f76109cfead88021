"""What can be looked up in orders, lots and scanned GS1 codes."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

from flask import Flask

from qtrace.catalog.lookups import of
from qtrace.core.money import Money
from qtrace.forms.controls.compute import Taken, register_lookup
from qtrace.forms.registry import Value
from qtrace.orders.models import Lot, Order


def register_lookups(app: Flask) -> None:
    """Register what forms can take from these."""
    register_lookup(app, "order_ref", {
        "number": Taken("订单号", "Order number", "text", of(Order, lambda order: order.external_id)),
        "amount": Taken("实付金额", "Amount paid", "number", of(Order, lambda order: f"{Money(order.paid_minor, order.currency).amount:f}")),
        "placed_at": Taken("下单时间", "Placed at", "datetime", of(Order, lambda order: moment(order.placed_at))),
        "shipped_at": Taken("发货时间", "Shipped at", "datetime", of(Order, lambda order: moment(order.shipped_at))),
        "region": Taken("收货地区", "Region", "text", of(Order, lambda order: order.customer.region if order.customer else None), private=True),
        "shop": Taken("店铺", "Shop", "text", of(Order, lambda order: order.shop.name)),
    })  # fmt: skip
    register_lookup(app, "lot_no", {
        "article": Taken("商品", "Article", "text", of(Lot, lambda lot: lot.sku.label if lot.sku else None)),
        "supplier": Taken("供应商", "Supplier", "text", of(Lot, lambda lot: lot.supplier.name if lot.supplier else None), private=True),
        "made_on": Taken("生产日期", "Made on", "date", of(Lot, lambda lot: day(lot.made_on))),
        "expires_on": Taken("有效期至", "Expires on", "date", of(Lot, lambda lot: day(lot.expires_on))),
    })  # fmt: skip
    parts = {
        "gtin": ("商品条码", "GTIN", "text"),
        "lot": ("批号", "Lot", "text"),
        "expiry": ("有效期", "Expiry", "date"),
        "serial": ("序列号", "Serial", "text"),
    }
    register_lookup(app, "gs1_scan", {name: Taken(*words, part(name)) for name, words in parts.items()})


def part(name: str) -> Callable[[Value], Value]:
    """Return how to read one part of a scanned code."""
    return lambda value: value.get(name) if isinstance(value, Mapping) else None


def moment(at: datetime | None) -> str | None:
    """Return a moment as answers keep it."""
    return at.isoformat() if at else None


def day(on: date | None) -> str | None:
    """Return a day as answers keep it."""
    return on.isoformat() if on else None
