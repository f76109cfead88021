"""What the documents say of lots: their pieces, the orders that wait, the money they carry, their complaint rates.

Only links somebody scanned, typed or wrote down count; what is inferred is told apart and charged to nobody.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from qtrace.catalog.models import Shop
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.orders.models import LineLot, Lot, Order, OrderLine, Receipt
from qtrace.orders.stock_models import PurchaseLine, ReturnReceipt, StockBalance, StockMove, StockOutLine
from qtrace.trace.balance import Quantities
from qtrace.trace.lot_pass import IS_SURE, LotPass
from qtrace.trace.rates import LotCount

MATURE = timedelta(days=14)  # a buyer has had the goods and has had time to complain
MOST_LOTS = 12
CANCELLED = ("canceled", "cancelled", "已取消", "交易关闭", "closed")


@dataclass(frozen=True)
class Waiting:
    """Orders that are not shipped yet: those this lot is meant for, and those that may get a piece of it."""

    meant: int
    perhaps: int


@dataclass(frozen=True)
class Stake:
    """Money in minor units per currency: what buyers paid for pieces they have, what pieces on the shelf were bought for."""

    sold: dict[str, int]
    stock: dict[str, int]


def quantities(lots: Collection[int], passed: LotPass) -> Quantities:
    """Return the pieces of these lots together, as the documents say them."""
    received, shelf, allocated, defective = db.session.execute(
        select(
            _sum(Receipt.quantity, Receipt.lot_id.in_(lots)),
            _sum(StockBalance.quantity, StockBalance.lot_id.in_(lots), StockBalance.condition == "good"),
            _sum(StockBalance.allocated, StockBalance.lot_id.in_(lots)),
            _sum(StockBalance.quantity, StockBalance.lot_id.in_(lots), StockBalance.condition == "defective"),
        )
    ).one()
    loose = select(func.sum(StockOutLine.quantity)).where(StockOutLine.lot_id.in_(lots), StockOutLine.line_id.is_(None))
    shipped = passed.shipped + int(db.session.scalar(loose) or 0)
    counted = shelf is not None or defective is not None
    moves = _moves(lots)
    return Quantities(
        received=None if received is None else int(received),
        shipped=shipped, on_the_way=passed.on_the_way, returned=_returned(lots), moves=moves,
        shelf=int(shelf or 0) if counted else None, allocated=int(allocated or 0), defective=int(defective or 0),
    )  # fmt: skip


def waiting(lots: Collection[int], skus: Collection[int]) -> Waiting:
    """Return how many orders still to be shipped are meant to get, or may get, a piece of the lots."""
    meant = _count(unshipped_lines().where(_has_lot(lots)))
    perhaps = _count(unshipped_lines().where(OrderLine.sku_id.in_(skus), ~_has_any_lot())) if skus else 0
    return Waiting(meant, perhaps)


def unshipped_lines() -> Select[Any]:
    """Select the lines of orders that are neither shipped nor cancelled; there are few of them at any time."""
    left = select(StockOutLine.id).where(StockOutLine.order_id == Order.id).exists()
    orders = select(Order.id).where(
        Order.shipped_at.is_(None), Order.delivered_at.is_(None), Order.status.not_in(CANCELLED), Order.known, ~left
    )
    return select(OrderLine).where(OrderLine.order_id.in_(orders))


def stake(lots: Collection[int], passed: LotPass, shelf: int) -> Stake:
    """Return the money these lots carry."""
    return Stake(passed.sold or {}, _bought(lots, shelf))


def rate_counts(end_lots: Collection[int], others: ColumnElement[bool], now: datetime) -> Sequence[LotCount]:
    """Return shipped and complained about on matured cohorts: the lots in focus, then the newest of the others."""
    focus = case((Lot.id.in_(end_lots), 0), else_=1)
    rows = db.session.execute(
        select(Lot.id, Lot.external_id)
        .where(or_(Lot.id.in_(end_lots), others))
        .order_by(focus, Lot.id.desc())
        .limit(MOST_LOTS)
    ).all()
    ids = [row.id for row in rows]
    shipped, complaints = _matured(ids, now), _complaints(ids, now)
    found: dict[str, LotCount] = {}  # a number that two shops report is one lot
    for row in rows:
        known = found.get(row.external_id, LotCount(row.external_id, 0, 0))
        found[row.external_id] = LotCount(
            row.external_id, known.shipped + shipped.get(row.id, 0), known.complaints + complaints.get(row.id, 0),
            known.focus or row.id in end_lots,
        )  # fmt: skip
    return list(found.values())


def blind_shops(skus: Collection[int]) -> list[str]:
    """Return the shops that sell these articles and of whose goods nobody reports how they leave.

    A shop that reports no orders at all is blind too: the ERP may serve it without telling.
    """
    sees_line = (
        select(LineLot.id)
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.shop_id == Shop.id)
    )
    named = select(StockOutLine.id).where(
        StockOutLine.shop_key != "", or_(StockOutLine.shop_key == Shop.key, StockOutLine.shop_key == Shop.name)
    )
    resolved = select(StockOutLine.id).join(Order, Order.id == StockOutLine.order_id).where(Order.shop_id == Shop.id)
    sells = (
        select(OrderLine.id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.shop_id == Shop.id, OrderLine.sku_id.in_(skus))
    )
    silent = ~select(Order.id).where(Order.shop_id == Shop.id).exists()
    rows = db.session.scalars(
        select(Shop.name)
        .where(Shop.platform != "erp", or_(sells.exists(), silent))
        .where(~sees_line.exists(), ~named.exists(), ~resolved.exists())
        .order_by(Shop.id)
    )
    return list(rows)


def _sum(column: Any, *conditions: ColumnElement[bool]) -> Any:
    return select(func.sum(column)).where(*conditions).scalar_subquery()


def _returned(lots: Collection[int]) -> dict[str, int]:
    """Return the pieces that came back, by outcome; one without a lot belongs to the only lot its line was served from."""
    other = aliased(LineLot)
    only = ~select(other.id).where(other.line_id == LineLot.line_id, other.id != LineLot.id).exists()
    served = select(LineLot.line_id).where(LineLot.lot_id.in_(lots), IS_SURE, only)
    whose = or_(ReturnReceipt.lot_id.in_(lots), and_(ReturnReceipt.lot_id.is_(None), ReturnReceipt.line_id.in_(served)))
    rows = db.session.execute(
        select(ReturnReceipt.outcome, func.sum(ReturnReceipt.quantity)).where(whose).group_by(ReturnReceipt.outcome)
    )
    return {outcome: int(total) for outcome, total in rows}


def _moves(lots: Collection[int]) -> dict[str, int]:
    """Return the moved pieces by kind; a scrap that names a return's number is that return's own outcome."""
    again = select(ReturnReceipt.id).where(
        ReturnReceipt.external_id == StockMove.document, ReturnReceipt.outcome == "scrapped"
    )
    twice = and_(StockMove.kind == "scrap", StockMove.document != "", again.exists())
    made = and_(StockMove.into_lot_id.in_(lots), or_(StockMove.lot_id.is_(None), StockMove.lot_id.not_in(lots)))
    kind = case((made, "rework_in"), else_=StockMove.kind).label("kind")
    rows = db.session.execute(
        select(kind, func.sum(StockMove.quantity))
        .where(or_(StockMove.lot_id.in_(lots), StockMove.into_lot_id.in_(lots)), ~twice)
        .group_by(kind)
    )
    return {kind: int(total) for kind, total in rows}


def _bought(lots: Collection[int], shelf: int) -> dict[str, int]:
    """Return what the pieces on the shelf were bought for, at the price of the newest order to the supplier."""
    if shelf <= 0:
        return {}
    row = db.session.execute(
        select(Shop.currency, PurchaseLine.price_minor)
        .join(Receipt, and_(Receipt.purchase_id == PurchaseLine.purchase_id, Receipt.lot_id.in_(lots)))
        .join(Lot, and_(Lot.id == Receipt.lot_id, Lot.sku_id == PurchaseLine.sku_id))
        .join(Shop, Shop.id == Receipt.shop_id)
        .where(PurchaseLine.price_minor > 0)
        .order_by(Receipt.id.desc())
        .limit(1)
    ).one_or_none()
    return {row.currency: row.price_minor * shelf} if row else {}


def _has_lot(lots: Collection[int]) -> ColumnElement[bool]:
    return select(LineLot.id).where(LineLot.line_id == OrderLine.id, LineLot.lot_id.in_(lots)).exists()


def _has_any_lot() -> ColumnElement[bool]:
    return select(LineLot.id).where(LineLot.line_id == OrderLine.id).exists()


def _count(statement: Select[Any]) -> int:
    orders = statement.with_only_columns(OrderLine.order_id).distinct().subquery()
    return db.session.scalar(select(func.count()).select_from(orders)) or 0


def _matured(lots: Sequence[int], now: datetime) -> dict[int, int]:
    """Return the surely shipped pieces per lot whose buyers have had the time to complain."""
    rows = db.session.execute(
        select(LineLot.lot_id, func.sum(LineLot.quantity))
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .join(Order, Order.id == OrderLine.order_id)
        .where(LineLot.lot_id.in_(lots), IS_SURE, func.coalesce(Order.shipped_at, Order.placed_at) <= now - MATURE)
        .group_by(LineLot.lot_id)
    )
    return {lot: int(total) for lot, total in rows}


def _complaints(lots: Sequence[int], now: datetime) -> dict[int, int]:
    """Return the complaints per lot about the same orders that `_matured` counts; a guessed lot is charged to nobody."""
    served = select(LineLot.id).where(LineLot.line_id == Complaint.line_id, LineLot.lot_id == Complaint.lot_id, IS_SURE)
    rows = db.session.execute(
        select(Complaint.lot_id, func.count())
        .outerjoin(Order, Order.id == Complaint.order_id)
        .where(Complaint.lot_id.in_(lots), or_(Complaint.line_id.is_(None), served.exists()))
        .where(or_(Complaint.order_id.is_(None), func.coalesce(Order.shipped_at, Order.placed_at) <= now - MATURE))
        .group_by(Complaint.lot_id)
    )
    return {lot or 0: count for lot, count in rows}
