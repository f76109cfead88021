"""The one name by which a record is known within its kind and shop."""

from collections.abc import Callable, Mapping
from typing import Any

from qtrace.sdk.records import (
    KitPart,
    Listing,
    LotPart,
    OrderLine,
    ParcelItem,
    ParcelScan,
    Payment,
    Place,
    PurchaseLine,
    Record,
    Review,
    StockBalance,
    StockOutLine,
)

SEPARATOR = "|"
# Records that a number alone does not tell apart, with what does.
JOINED: Mapping[type, Callable[[Any], tuple[object, ...]]] = {
    Place: lambda one: (one.postal_code, one.latitude, one.longitude, one.city),
    OrderLine: lambda one: (one.order, one.external_id),
    Payment: lambda one: (one.order, one.external_id),
    Review: lambda one: (one.external_id, one.order),
    PurchaseLine: lambda one: (one.purchase, one.external_id),
    StockOutLine: lambda one: (one.stock_out, one.external_id),
    KitPart: lambda one: (one.kit, one.part, one.valid_from or ""),
    LotPart: lambda one: (one.lot, one.part),
    StockBalance: lambda one: (one.warehouse, one.sku, one.lot, one.condition),
    ParcelItem: lambda one: (one.waybill, one.order, one.line),
    ParcelScan: lambda one: (one.waybill, one.scanned_at.isoformat(), one.status),
    Listing: lambda one: (one.offer, one.sku, one.seen_at.isoformat()),
}


def key_of(record: Record) -> str:
    """Return what tells this record from every other of its kind in the shop."""
    parts = JOINED.get(type(record))
    if parts is not None:
        return SEPARATOR.join(str(part) for part in parts(record))
    key: str = getattr(record, "external_id")  # noqa: B009 - every record without an entry above has one
    return key
