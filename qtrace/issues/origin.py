"""Where an issue comes from: one pasted number, and everything the facts know around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.catalog.models import Sku
from qtrace.core.db import db
from qtrace.orders.models import LineLot, Lot, Order, OrderLine
from qtrace.orders.queries import Hits, find_anything

SURE = 80  # an inferred lot is filled in from this confidence on; below it is only suggested
COLUMNS = ("shop_id", "order_id", "sku_id", "lot_id", "supplier_id", "courier_line")


@dataclass(frozen=True)
class Origin:
    """The one order, article, lot and supplier a number leads to, and the lines to choose from when there are several."""

    text: str = ""
    order: Order | None = None
    line: OrderLine | None = None
    sku: Sku | None = None
    lot: Lot | None = None
    supplier_id: int | None = None
    shop_id: int | None = None
    courier_line: str = ""
    link: LineLot | None = None  # how the lot is known
    lines: Sequence[OrderLine] = field(default_factory=tuple)
    several: int = 0  # how many rows the number names when it names more than one

    @property
    def found(self) -> bool:
        """Say whether the number led anywhere."""
        return bool(self.order or self.sku or self.lot or self.several)

    def columns(self) -> dict[str, int | str | None]:
        """Return what the issue's columns become."""
        return {
            "shop_id": self.shop_id, "order_id": self.order.id if self.order else None,
            "sku_id": self.sku.id if self.sku else None, "lot_id": self.lot.id if self.lot else None,
            "supplier_id": self.supplier_id, "courier_line": self.courier_line,
        }  # fmt: skip


def origin_of(text: str, *, line_id: int | None = None) -> Origin:
    """Return where a pasted number leads; `line_id` is the order line a person chose."""
    hits = find_anything(text)
    orders = _orders(hits)
    if len(orders) == 1:
        return replace(order_origin(orders[0], line_id=line_id, waybill=text), text=hits.text)
    if len(orders) > 1:
        return Origin(text=hits.text, several=len(orders))
    if len(hits.lots) == 1:
        return replace(lot_origin(hits.lots[0]), text=hits.text)
    if len(hits.skus) == 1:
        return replace(sku_origin(hits.skus[0]), text=hits.text)
    return Origin(text=hits.text, several=max(len(hits.lots), len(hits.skus)))


def order_origin(order: Order, *, line_id: int | None = None, waybill: str = "") -> Origin:
    """Return what an order tells: its article when there is one only, that line's lot, its courier line."""
    statement = (
        select(OrderLine)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.id)
        .options(joinedload(OrderLine.sku), joinedload(OrderLine.supplier))
    )
    lines = db.session.scalars(statement).all()
    line = next((row for row in lines if row.id == line_id), None)
    skus = {row.sku_id for row in lines if row.sku_id}
    if line is None and len(skus) == 1:
        line = next(row for row in lines if row.sku_id)
    found = Origin(order=order, shop_id=order.shop_id, lines=lines, courier_line=_courier_line(order, waybill))
    if line is None or line.sku is None:
        return found
    link = _lot_of(line.id)
    lot = link.lot if link and link.confidence >= SURE else None
    supplier = line.supplier_id or line.sku.supplier_id or (lot.supplier_id if lot else None)
    return replace(found, line=line, sku=line.sku, lot=lot, link=link, supplier_id=supplier)


def lot_origin(lot: Lot) -> Origin:
    """Return what a lot tells: its article and supplier."""
    supplier = lot.supplier_id or (lot.sku.supplier_id if lot.sku else None)
    return Origin(sku=lot.sku, lot=lot, supplier_id=supplier, shop_id=lot.shop_id)


def sku_origin(sku: Sku) -> Origin:
    """Return what an article tells: its supplier."""
    return Origin(sku=sku, supplier_id=sku.supplier_id, shop_id=sku.shop_id)


def complete(columns: Mapping[str, object], source: str = "", *, line_id: int | None = None) -> dict[str, object]:
    """Fill the columns that are still empty from the pasted number, or from the order, lot or article given."""
    found = origin_of(source, line_id=line_id) if source else _origin_of_columns(columns)
    known = found.columns()
    clash = any(
        columns.get(name) and known[name] and columns[name] != known[name] for name in ("order_id", "sku_id", "lot_id")
    )
    if clash:  # what a person typed into the single fields wins over the box
        known = _origin_of_columns(columns).columns()
    return dict(columns) | {name: known[name] for name in COLUMNS if not columns.get(name) and known[name]}


def _origin_of_columns(columns: Mapping[str, object]) -> Origin:
    order = db.session.get(Order, columns["order_id"]) if columns.get("order_id") else None
    lot = db.session.get(Lot, columns["lot_id"]) if columns.get("lot_id") else None
    sku = db.session.get(Sku, columns["sku_id"]) if columns.get("sku_id") else None
    origin = order_origin(order) if order else Origin()
    if lot:
        by_lot = lot_origin(lot)
        return replace(by_lot, order=order, courier_line=origin.courier_line, shop_id=by_lot.shop_id or origin.shop_id)
    if sku:
        by_sku = sku_origin(sku)
        return replace(by_sku, order=order, courier_line=origin.courier_line, shop_id=by_sku.shop_id or origin.shop_id)
    return origin


def _orders(hits: Hits) -> list[Order]:
    through_parcels = [parcel.order for parcel in hits.parcels if parcel.order]
    return list({order.id: order for order in [*hits.orders, *through_parcels]}.values())


def _courier_line(order: Order, waybill: str) -> str:
    lines = [parcel.line for parcel in order.parcels if parcel.external_id == waybill.strip()] or [
        parcel.line for parcel in order.parcels
    ]
    return lines[0] if len(set(lines)) == 1 else ""


def _lot_of(line_id: int) -> LineLot | None:
    statement = (
        select(LineLot)
        .where(LineLot.line_id == line_id)
        .order_by(LineLot.confidence.desc(), LineLot.id)
        .limit(1)
        .options(joinedload(LineLot.lot))
    )
    return db.session.scalar(statement)
