"""Reads over holds and recalls."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from qtrace.catalog.models import Supplier, Warehouse
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.orders.models import Lot, Order, Receipt
from qtrace.orders.stock_models import StockBalance
from qtrace.recalls.models import Hold, HoldCount, Recall, RecallLot, RecallOrder, RecallStep
from qtrace.recalls.steps import Done, Progress, progress
from qtrace.trace.balance import Balance, balance
from qtrace.trace.lot_pass import LotPass, pass_over
from qtrace.trace.lot_queries import quantities
from qtrace.trace.queries import lineage_of

SIZE = 50


@dataclass(frozen=True)
class Place:
    """One warehouse of a hold: what should lie there (None: nobody counted), and its last answer."""

    warehouse_id: int | None
    name: str
    expected: int | None
    count: HoldCount | None


@dataclass(frozen=True)
class Goods:
    """The goods of a recall: its lots, what was made of them, and where the pieces are."""

    lots: Sequence[Lot]
    reach: frozenset[int]
    passed: LotPass
    balance: Balance
    receipts: int
    suppliers: Sequence[str]

    def with_shelf(self, counted: int | None) -> Balance:
        """Return the balance with the shelf counted by hand, where it was."""
        if counted is None:
            return self.balance
        said = quantities([lot.id for lot in self.lots], self.passed)
        return balance(replace(said, shelf=counted))


def recall_by_number(number: str) -> Recall:
    """Return the recall or drill; not found when there is none."""
    recall = db.session.scalar(select(Recall).where(Recall.number == number))
    if recall is None:
        raise NotFound
    return recall


def recalls(*, after: int = 0, size: int = SIZE) -> Sequence[Recall]:
    """Return recalls and drills, newest first."""
    statement = select(Recall).order_by(Recall.id.desc()).limit(size)
    return db.session.scalars(statement.where(Recall.id < after) if after else statement).all()


def lots_by_number(numbers: Collection[str]) -> Sequence[Lot]:
    """Return the lots with these numbers, in every shop that knows them."""
    return db.session.scalars(select(Lot).where(Lot.external_id.in_(numbers)).order_by(Lot.id)).all()


def lots_of(recall: Recall) -> Sequence[Lot]:
    """Return the lots of a recall."""
    ids = select(RecallLot.lot_id).where(RecallLot.recall_id == recall.id)
    return db.session.scalars(select(Lot).where(Lot.id.in_(ids)).options(joinedload(Lot.sku)).order_by(Lot.id)).all()


def goods_of(lots: Sequence[Lot]) -> Goods:
    """Return where the pieces of the lots are, forwards to buyers and backwards to suppliers."""
    ids = [lot.id for lot in lots]
    reach = frozenset(ids) | lineage_of(ids).products(ids)
    passed = pass_over(ids, reach)
    receipts = db.session.scalar(select(func.count(Receipt.id)).where(Receipt.lot_id.in_(ids))) or 0
    named = (
        select(Receipt.supplier_id).where(Receipt.lot_id.in_(ids)).union(select(Lot.supplier_id).where(Lot.id.in_(ids)))
    )
    names = db.session.scalars(select(Supplier.name).where(Supplier.id.in_(named)).order_by(Supplier.name)).all()
    return Goods(lots, reach, passed, balance(quantities(ids, passed)), receipts, names)


def steps_of(recall: Recall) -> dict[str, RecallStep]:
    """Return the steps that are done."""
    rows = db.session.scalars(select(RecallStep).where(RecallStep.recall_id == recall.id).order_by(RecallStep.done_at))
    return {row.key: row for row in rows}


def progress_of(recall: Recall, steps: dict[str, RecallStep], now: datetime) -> Progress:
    """Return how far it is."""
    done = [Done(row.key, row.done_at) for row in steps.values()]
    target = timedelta(minutes=recall.target_minutes)
    return progress(recall.kind, recall.opened_at, target, done, now, recall.closed_at)


def counts_of(recall: Recall) -> dict[str, int]:
    """Return how many orders are in each state."""
    rows = db.session.execute(
        select(RecallOrder.state, func.count().label("orders"))
        .where(RecallOrder.recall_id == recall.id)
        .group_by(RecallOrder.state)
    )
    return {row.state: row.orders for row in rows}


def orders_of(recall: Recall, state: str = "", *, after: int = 0, size: int = SIZE) -> Sequence[RecallOrder]:
    """Return the orders of a recall, in the order they were listed."""
    order = joinedload(RecallOrder.order)
    statement = select(RecallOrder).where(RecallOrder.recall_id == recall.id, RecallOrder.id > after)
    if state:
        statement = statement.where(RecallOrder.state == state)
    options = (order.joinedload(Order.customer), order.joinedload(Order.shop))
    return db.session.scalars(statement.order_by(RecallOrder.id).limit(size).options(*options)).all()


def open_holds(lots: Collection[int] | None = None, *, size: int = 200) -> Sequence[Hold]:
    """Return the holds nobody has released, newest first, of these lots or of all."""
    statement = select(Hold).where(Hold.released_at.is_(None)).order_by(Hold.id.desc()).limit(size)
    if lots is not None:
        statement = statement.where(Hold.lot_id.in_(lots))
    options = (
        joinedload(Hold.lot).joinedload(Lot.sku),
        joinedload(Hold.warehouse),
        selectinload(Hold.counts).joinedload(HoldCount.warehouse),
    )
    return db.session.scalars(statement.options(*options)).all()


def holds_on(number: str) -> Sequence[Hold]:
    """Return the holds nobody has released on lots of this number."""
    lots = select(Lot.id).where(Lot.external_id == number)
    held = select(Hold).where(Hold.lot_id.in_(lots), Hold.released_at.is_(None)).options(joinedload(Hold.warehouse))
    return db.session.scalars(held.order_by(Hold.id)).all()


def places_of(holds: Sequence[Hold]) -> dict[int, list[Place]]:
    """Return per hold the warehouses that have to put goods aside, with what should lie there and what was counted.

    A warehouse is asked when goods of the lot were received or counted there, or when it has answered already;
    where none is known, the hold has one place without a warehouse.
    """
    lots = sorted({hold.lot_id for hold in holds})
    names, expected = _stores_of(lots)
    found: dict[int, list[Place]] = {}
    for hold in holds:
        counts = {count.warehouse_id: count for count in hold.counts}  # the last one stands
        stores = {hold.warehouse_id} if hold.warehouse_id else {*names.get(hold.lot_id, {}), *counts} - {None}
        known = dict(names.get(hold.lot_id, {}))
        known |= {count.warehouse_id: count.warehouse.name for count in hold.counts if count.warehouse}
        if hold.warehouse:
            known[hold.warehouse_id] = hold.warehouse.name
        found[hold.id] = [
            Place(store, known[store], expected.get((hold.lot_id, store)), counts.get(store))
            for store in sorted(stores, key=lambda one: known[one])
        ] or [Place(None, "", None, counts.get(None))]
    return found


def _stores_of(lots: Sequence[int]) -> tuple[dict[int, dict[int | None, str]], dict[tuple[int, int | None], int]]:
    rows = db.session.execute(
        select(Lot.id, StockBalance.warehouse_id, func.sum(StockBalance.quantity))
        .join(Lot, Lot.id == StockBalance.lot_id)
        .where(StockBalance.lot_id.in_(lots), StockBalance.warehouse_id.is_not(None))
        .group_by(Lot.id, StockBalance.warehouse_id)
    ).all()
    expected: dict[tuple[int, int | None], int] = {(lot, store): int(pieces) for lot, store, pieces in rows}
    received = (
        select(Lot.id, Receipt.warehouse_id)
        .join(Lot, Lot.id == Receipt.lot_id)
        .where(Receipt.lot_id.in_(lots), Receipt.warehouse_id.is_not(None))
    )
    pairs = {*expected, *((lot, store) for lot, store in db.session.execute(received.distinct()))}
    titles = select(Warehouse.id, Warehouse.name).where(Warehouse.id.in_({store for _lot, store in pairs}))
    names = {row.id: row.name for row in db.session.execute(titles)}
    found: dict[int, dict[int | None, str]] = {}
    for lot, store in pairs:
        if store is not None:
            found.setdefault(lot, {})[store] = names[store]
    return found, expected


def hold_by_id(hold_id: int) -> Hold:
    """Return the hold; not found when there is none."""
    hold = db.session.get(Hold, hold_id)
    if hold is None:
        raise NotFound
    return hold
