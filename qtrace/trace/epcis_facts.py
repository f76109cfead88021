"""The facts of a lot for its EPCIS document: what the records say with a time, in a constant number of queries."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, time
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import aliased, joinedload

from qtrace.catalog.models import Supplier, Warehouse
from qtrace.core.db import db
from qtrace.core.errors import NotFound, Refused
from qtrace.gs1.digits import is_checked
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Receipt
from qtrace.orders.stock_models import LotPart, Purchase, ReturnReceipt, StockBalance, StockMove, StockOut, StockOutLine
from qtrace.trace.epcis import STEPS, Fact, Goods, Json, Naming, document
from qtrace.trace.lot_pass import IS_SURE

MOST = 20_000
STATES = ("hold", "blocked", "recalled")
DAMAGED = {"damaged", "missing", "swapped"}
Lots = Mapping[int, Goods]


def lot_document(number: str, *, now: datetime) -> Json:
    """Return the EPCIS document of the lots with this number; not found when there is none."""
    config = current_app.config
    naming = Naming(config["QTRACE_BASE_URL"], config["QTRACE_GS1_PREFIX"], ZoneInfo(config["QTRACE_CONFIG"]["TZ"]))
    return document(lot_facts(number, now=now, zone=naming.zone), naming=naming, now=now)


def lot_facts(number: str, *, now: datetime, zone: ZoneInfo) -> list[Fact]:
    """Return what happened to the lots with this number; a record without a time is no event."""
    rows = db.session.scalars(select(Lot).where(Lot.external_id == number).options(joinedload(Lot.sku))).all()
    if not rows:
        raise NotFound
    lots = {lot.id: goods_of(lot) for lot in rows}
    facts = [fact for read in READERS for fact in read(lots)]
    if len(facts) > MOST:
        raise Refused(_("这个批次的事件超过 %(n)s 条,放不进一份文件。请用接口分批取追溯数据。", n=MOST))
    facts += _making(rows, lots, zone)
    for lot in rows:
        if lot.quality_status in STATES:  # the records say that it is so, not since when
            facts.append(Fact(f"lots/{lot.id}/{lot.quality_status}", lot.quality_status, now, lots[lot.id]))
    return facts


def goods_of(lot: Lot) -> Goods:
    """Return a lot as events name it; a bar code that is no article number is left out."""
    barcode = lot.sku.barcode if lot.sku else ""
    return Goods(lot.external_id, barcode.zfill(14) if is_checked(barcode) else "", lot.expires_on)


def _received(lots: Lots) -> Iterator[Fact]:
    statement = (
        select(Receipt, Warehouse.external_id, Supplier.external_id, Purchase.external_id)
        .outerjoin(Warehouse, Warehouse.id == Receipt.warehouse_id)
        .outerjoin(Supplier, Supplier.id == Receipt.supplier_id)
        .outerjoin(Purchase, Purchase.id == Receipt.purchase_id)
        .where(Receipt.lot_id.in_(lots), Receipt.received_at.is_not(None))
    )
    for row, place, supplier, purchase in _rows(statement):
        papers = _papers(po=purchase, recadv=row.external_id)
        yield _fact("receipts", row, "received", row.received_at, lots, place=place, party=supplier, documents=papers)


def _shipped(lots: Lots) -> Iterator[Fact]:
    statement = (
        select(StockOutLine, StockOut.external_id, StockOut.shipped_at, Warehouse.external_id)
        .join(StockOut, StockOut.id == StockOutLine.stock_out_id)
        .outerjoin(Warehouse, Warehouse.id == StockOut.warehouse_id)
        .where(StockOutLine.lot_id.in_(lots), StockOut.shipped_at.is_not(None))
    )
    for row, number, at, place in _rows(statement):
        papers = _papers(po=row.order_number, desadv=number)
        yield _fact("stock_out_lines", row, "shipped", at, lots, place=place, documents=papers)


def _sold(lots: Lots) -> Iterator[Fact]:
    """Yield what orders say was shipped of the lots where no warehouse says it."""
    told = select(StockOutLine.id).where(StockOutLine.line_id == LineLot.line_id, StockOutLine.lot_id == LineLot.lot_id)
    statement = (
        select(LineLot, Order.external_id, Order.shipped_at)
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(LineLot.lot_id.in_(lots), IS_SURE, Order.shipped_at.is_not(None), ~told.exists())
    )
    for row, number, at in _rows(statement):
        yield _fact("line_lots", row, "shipped", at, lots, documents=_papers(po=number))


def _moved(lots: Lots) -> Iterator[Fact]:
    target = aliased(Warehouse)
    statement = (
        select(StockMove, Warehouse.external_id, target.external_id)
        .outerjoin(Warehouse, Warehouse.id == StockMove.warehouse_id)
        .outerjoin(target, target.id == StockMove.to_warehouse_id)
        .where(StockMove.lot_id.in_(lots), StockMove.moved_at.is_not(None), StockMove.kind.in_(list(STEPS)))
    )
    for row, place, to_place in _rows(statement):
        papers = _papers(inv=row.document)
        yield _fact("stock_moves", row, row.kind, row.moved_at, lots, place=place, to_place=to_place, documents=papers)


def _counted(lots: Lots) -> Iterator[Fact]:
    statement = (
        select(StockBalance, Warehouse.external_id)
        .outerjoin(Warehouse, Warehouse.id == StockBalance.warehouse_id)
        .where(StockBalance.lot_id.in_(lots), StockBalance.counted_at.is_not(None))
    )
    for row, place in _rows(statement):
        # counted again, the same row is another event
        key = f"stock_balances/{row.counted_at:%Y%m%d%H%M%S}"
        yield _fact(key, row, f"counted_{row.condition}", row.counted_at, lots, place=place)


def _returned(lots: Lots) -> Iterator[Fact]:
    """Yield what came back; goods without a lot belong to the only lot their line was served from."""
    other = aliased(LineLot)
    only = ~select(other.id).where(other.line_id == LineLot.line_id, other.id != LineLot.id).exists()
    served = and_(LineLot.line_id == ReturnReceipt.line_id, ReturnReceipt.lot_id.is_(None), IS_SURE, only)
    statement = (
        select(ReturnReceipt, Warehouse.external_id, LineLot.lot_id)
        .outerjoin(Warehouse, Warehouse.id == ReturnReceipt.warehouse_id)
        .outerjoin(LineLot, served)
        .where(or_(ReturnReceipt.lot_id.in_(lots), LineLot.lot_id.in_(lots)), ReturnReceipt.received_at.is_not(None))
    )
    for row, place, lot_id in _rows(statement):
        goods, papers = lots[row.lot_id or lot_id], _papers(po=row.order_number, rma=row.external_id)
        kind = "returned_damaged" if row.condition in DAMAGED else "returned"
        yield Fact(f"returns/{row.id}", kind, row.received_at, goods, row.quantity, place or "", documents=papers)
        if row.outcome == "scrapped":
            yield Fact(f"returns/{row.id}/scrap", "scrap", row.received_at, goods, row.quantity, place or "")


READERS: tuple[Callable[[Lots], Iterator[Fact]], ...] = (_received, _shipped, _sold, _moved, _counted, _returned)


def _making(rows: Iterable[Lot], lots: Lots, zone: ZoneInfo) -> Iterator[Fact]:
    """Yield when each lot was made and of what; a day without an hour begins at midnight."""
    statement = select(LotPart).where(LotPart.lot_id.in_(lots), LotPart.part_id.is_not(None)).order_by(LotPart.lot_id)
    with_goods = statement.options(joinedload(LotPart.part).joinedload(Lot.sku)).limit(MOST)
    parts = {
        lot_id: tuple((goods_of(row.part), row.quantity or None) for row in found if row.part)
        for lot_id, found in groupby(db.session.scalars(with_goods), key=lambda row: row.lot_id)
    }
    for lot in rows:
        if lot.made_on:
            at = datetime.combine(lot.made_on, time(), zone)
            yield Fact(f"lots/{lot.id}", "made", at, lots[lot.id], inputs=parts.get(lot.id, ()))


def _rows(statement: Select[*tuple[Any, ...]]) -> Iterable[Any]:
    return db.session.execute(statement.limit(MOST + 1)).all()


def _fact(
    source: str, row: Any, kind: str, at: datetime, lots: Lots, *, place: str | None = "", to_place: str | None = "",
    party: str | None = "", documents: tuple[tuple[str, str], ...] = (),
) -> Fact:  # fmt: skip
    goods, count = lots[row.lot_id], row.quantity or None
    return Fact(f"{source}/{row.id}", kind, at, goods, count, place or "", to_place or "", party or "", documents)


def _papers(**numbers: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((kind, number) for kind, number in numbers.items() if number)
