"""How the records of goods, stock and parcels become rows, as `rows` does it for sales.

Orders and lines that a warehouse names belong to shops of which it may know only a key, so those numbers are kept as
they are written; `crossing` finds the rows they mean, now or when the order comes in.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from qtrace.catalog import goods_models as goods
from qtrace.orders import stock_models as stock
from qtrace.orders.facts import Column, Facts, UnfitError
from qtrace.orders.fields import label
from qtrace.orders.shapes import Shape, shape

LOT_METHODS = {"scanned", "serial", "fifo", "manual", "unknown"}
PART_KINDS = {"component", "gift"}
CONDITIONS = {"good", "defective"}
# What enters or leaves the company's stock, and what only changes its place or state.
MOVES_IN = {"gain", "rework_in", "other_in"}
MOVES_OUT = {"loss", "scrap", "supplier_return", "rework_out", "other_out"}
MOVES_WITHIN = {"transfer", "to_defective", "to_good"}
MOVE_KINDS = MOVES_IN | MOVES_OUT | MOVES_WITHIN
SCAN_STATES = {"collected", "in_transit", "delivering", "delivered", "exception", "returned"}
RETURN_CONDITIONS = {"good", "used", "damaged", "missing", "swapped"}
RETURN_OUTCOMES = {"restocked", "defective", "scrapped", "waiting"}


def sure(_value: int) -> str:
    """Return why a confidence is refused."""
    return _("「%(field)s」必须是 0 到 100。", field=label("lines", "lot_confidence"))


def _purchases(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.names("supplier"), f.text("status"), f.times("ordered_at"),
        f.days("expected_on"),
    )  # fmt: skip


def _purchase_lines(f: Facts) -> tuple[Column, ...]:
    return (
        f.keys("purchase"), f.keys(), f.names("sku"), f.counts("quantity"),
        f.money("price", [f.scope.currency] * f.size),
    )  # fmt: skip


def _kit_parts(f: Facts) -> tuple[Column, ...]:
    kits, parts, first = f.keys("kit"), f.keys("part"), f.days("valid_from")
    last = f.days("valid_until")
    f.each(_days_in_order, first, last)
    f.each(_not_itself, kits, parts)
    return (
        f.all(f.scope.shop_id), _joined(kits, parts, first), kits, parts, f.choices("kind", PART_KINDS),
        f.counts("quantity", least=1), first, last,
    )  # fmt: skip


def _days_in_order(first: date | None, last: date | None) -> None:
    if first and last and last < first:
        raise UnfitError(_("结束日期 %(last)s 早于开始日期 %(first)s。", last=last, first=first))


def _not_itself(whole: str, part: str) -> None:
    if whole == part:
        raise UnfitError(_("%(one)s 不能包含它自己。", one=whole))


def _lot_parts(f: Facts) -> tuple[Column, ...]:
    lots, parts = f.keys("lot"), f.keys("part")
    f.each(_not_itself, lots, parts)
    return f.all(f.scope.shop_id), _joined(lots, parts), lots, parts, f.counts("quantity")


def _stock_moves(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.choices("kind", MOVE_KINDS), f.names("sku"), f.names("lot"), f.names("into_lot"),
        f.names("warehouse"), f.names("to_warehouse"), f.counts("quantity"), f.times("moved_at"), f.text("document"),
        f.text("reason"),
    )  # fmt: skip


def _stock_balances(f: Facts) -> tuple[Column, ...]:
    houses, skus, lots = f.names("warehouse"), f.keys("sku"), f.names("lot")
    states = [state or "good" for state in f.choices("condition", CONDITIONS)]
    quantities, allocated = f.counts("quantity"), f.counts("allocated")
    f.each(_no_more_than, quantities, allocated)
    return (
        f.all(f.scope.shop_id), _joined(houses, skus, lots, states), houses, skus, lots, states, quantities, allocated,
        f.times("counted_at"),
    )  # fmt: skip


def _no_more_than(quantity: int | None, allocated: int | None) -> None:
    if (allocated or 0) > (quantity or 0):
        raise UnfitError(
            _("占用 %(allocated)s 件,比在库 %(quantity)s 件还多。", allocated=allocated, quantity=quantity)
        )


def _stock_outs(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.text("trade"), f.text("orders"), f.text("print_batch"), f.names("waybill"),
        f.text("courier"), f.names("warehouse"), f.text("status"), f.times("shipped_at"),
    )  # fmt: skip


def _stock_out_lines(f: Facts) -> tuple[Column, ...]:
    return (
        f.keys("stock_out"), f.keys(), f.text("shop"), f.names("order"), f.names("line"), f.names("sku"),
        f.names("lot"), f.choices("lot_method", LOT_METHODS), f.counts("quantity"),
    )  # fmt: skip


def _parcel_items(f: Facts) -> tuple[Column, ...]:
    orders, lines = f.keys("order"), f.names("line")
    return f.keys("waybill"), _joined(orders, lines), f.text("shop"), orders, lines, f.counts("quantity")


def _parcel_scans(f: Facts) -> tuple[Column, ...]:
    times, states = f.times("scanned_at"), f.choices("status", SCAN_STATES)
    return (
        f.keys("waybill"), _joined(times, states), states, f.text("place"), f.text("text"), times,
    )  # fmt: skip


def _serials(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.names("sku"), f.names("lot"), f.text("shop"), f.names("order"),
        f.names("line"),
    )  # fmt: skip


def _returns(f: Facts) -> tuple[Column, ...]:
    return (
        f.all(f.scope.shop_id), f.keys(), f.names("waybill"), f.text("shop"), f.names("order"), f.names("line"),
        f.names("sku"), f.names("lot"), f.names("warehouse"), f.counts("quantity", least=1),
        f.choices("condition", RETURN_CONDITIONS), f.choices("outcome", RETURN_OUTCOMES), f.text("note"),
        f.times("received_at"),
    )  # fmt: skip


def _listings(f: Facts) -> tuple[Column, ...]:
    offers, skus, times = f.keys("offer"), f.names("sku"), f.times("seen_at")
    return (
        f.all(f.scope.shop_id), _joined(offers, skus, times), offers, skus, f.text("title"), f.text("pictures"),
        f.text("attributes"), f.money("price", [f.scope.currency] * f.size), times,
    )  # fmt: skip


def _joined(*columns: Sequence[Any]) -> list[str]:
    """Return the key of rows that are known by several fields together."""
    return ["|".join(map(_written, values)) for values in zip(*columns, strict=True)]


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "" if value is None else str(value)


STOCK_SHAPES: tuple[Shape, ...] = (
    shape("purchases", stock.Purchase, _purchases, "shop_id external_id supplier_id status ordered_at expected_on",
          (None, "", None, "", None, None), names=((2, "suppliers"),)),
    shape("purchase_lines", stock.PurchaseLine, _purchase_lines, "purchase_id external_id sku_id quantity price_minor",
          (None, "", None, 0, 0), names=((0, "purchases"), (2, "products")), owner="purchase_id"),
    shape("kit_parts", goods.KitPart, _kit_parts,
          "shop_id external_id kit_id part_id kind quantity valid_from valid_until",
          (None, "", None, None, "component", 1, None, None), names=((2, "products"), (3, "products"))),
    shape("lot_parts", stock.LotPart, _lot_parts, "shop_id external_id lot_id part_id quantity",
          (None, "", None, None, 0), names=((2, "lots"), (3, "lots"))),
    shape("stock_moves", stock.StockMove, _stock_moves,
          "shop_id external_id kind sku_id lot_id into_lot_id warehouse_id to_warehouse_id quantity moved_at document "
          "reason", (None, "", "", None, None, None, None, None, 0, None, "", ""),
          names=((3, "products"), (4, "lots"), (5, "lots"), (6, "warehouses"), (7, "warehouses"))),
    shape("stock_balances", stock.StockBalance, _stock_balances,
          "shop_id external_id warehouse_id sku_id lot_id condition quantity allocated counted_at",
          (None, "", None, None, None, "good", 0, 0, None),
          names=((2, "warehouses"), (3, "products"), (4, "lots"))),
    shape("stock_outs", stock.StockOut, _stock_outs,
          "shop_id external_id trade orders_text print_batch parcel_id courier warehouse_id status shipped_at",
          (None, "", "", "", "", None, "", None, "", None), names=((5, "shipments"), (7, "warehouses"))),
    shape("stock_out_lines", stock.StockOutLine, _stock_out_lines,
          "stock_out_id external_id shop_key order_number line_number sku_id lot_id lot_method quantity",
          (None, "", "", "", "", None, None, "scanned", 0),
          names=((0, "stock_outs"), (5, "products"), (6, "lots")), owner="stock_out_id"),
    shape("parcel_items", stock.ParcelItem, _parcel_items,
          "parcel_id external_id shop_key order_number line_number quantity", (None, "", "", "", "", 0),
          names=((0, "shipments"),), owner="parcel_id"),
    shape("parcel_scans", stock.ParcelScan, _parcel_scans, "parcel_id external_id status place text scanned_at",
          (None, "", "", "", "", None), names=((0, "shipments"),), owner="parcel_id"),
    shape("serials", stock.Serial, _serials, "shop_id external_id sku_id lot_id shop_key order_number line_number",
          (None, "", None, None, "", "", ""), names=((2, "products"), (3, "lots"))),
    shape("returns", stock.ReturnReceipt, _returns,
          "shop_id external_id waybill shop_key order_number line_number sku_id lot_id warehouse_id quantity condition "
          "outcome note received_at", (None, "", "", "", "", "", None, None, None, 1, "", "", "", None),
          names=((6, "products"), (7, "lots"), (8, "warehouses"))),
    shape("listings", goods.Listing, _listings,
          "shop_id external_id offer sku_id title pictures attributes price_minor seen_at",
          (None, "", "", None, "", "", "", None, None), names=((3, "products"),)),
)  # fmt: skip
