"""What lies around one end, in a constant number of queries.

An end (an order, a lot, a supplier, …) becomes conditions over lines, complaints and issues. Sums are counted by the
database over all of them; the graph takes the newest rows only.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import CTE, ColumnElement, Select, and_, case, distinct, false, func, literal, or_, select, true, union
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload

from qtrace.accounts.access import visible_to
from qtrace.accounts.models import User
from qtrace.catalog.models import Customer, Sku, Supplier
from qtrace.complaints.models import Complaint
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.issues.models import Issue
from qtrace.issues.visibility import visible_issues
from qtrace.orders.bulk import among
from qtrace.orders.models import AfterSale, LineLot, Lot, Order, OrderLine, Parcel, Receipt
from qtrace.orders.stock_models import LotPart, ParcelItem, StockMove, StockOut, StockOutLine
from qtrace.trace.lineage import Lineage, Made
from qtrace.trace.lot_pass import LotPass
from qtrace.trace.walk import SURE

NEWEST = 200
MOST_COUNTED = 1000  # parcels of a lot; more are "1,000+"
Condition = ColumnElement[bool]


@dataclass(frozen=True)
class End:
    """Where a trace starts, and what belongs to it; `orders` is None where the lines decide."""

    kind: str
    row: Any
    lines: Condition
    complaints: Condition
    issues: Condition
    orders: Condition | None = None
    shops: int = 1  # how many shops know this number
    skus: frozenset[int] = frozenset()
    lots: frozenset[int] = frozenset()
    suppliers: frozenset[int] = frozenset()
    parcels: frozenset[int] = frozenset()
    holds: frozenset[int] = frozenset()  # the orders of a parcel
    lineage: Lineage = field(default_factory=Lineage)  # what the end's lots were made of, and what was made of them

    @property
    def reach(self) -> frozenset[int]:
        """Return the end's lots and every lot they went into."""
        return self.lots | self.lineage.products(self.lots)


@dataclass(frozen=True)
class Sums:
    """Everything counted exactly."""

    orders: int
    customers: int
    empty_orders: int
    lines: int
    units: int
    skus: int
    no_lot: int
    unknown_sku: int
    inferred_lots: int
    lots: int
    receipts: int
    parcels: int
    complaints: int
    visible_complaints: int
    issues: int
    visible_issues: int


def find_end(kind: str, number: str, user: User | None) -> End:
    """Return the end with this number; not found when it is missing or the person may not see it."""
    if kind == "complaint":
        return _complaint_end(_first(seen_complaints(select(Complaint), user).where(Complaint.number == number)))
    if kind == "issue":
        return _issue_end(_first(seen_issues(user).where(Issue.number == number)))
    if kind not in ROWS:
        raise NotFound
    model, condition = ROWS[kind]
    rows = db.session.scalars(select(model).where(condition(number)).order_by(model.id).limit(20)).all()
    if not rows:
        raise NotFound
    return _row_end(kind, _with_other_names(kind, rows))


def sums(end: End, user: User | None, passed: LotPass | None = None) -> Sums:
    """Return the exact sums of the end; `passed` is the walk over a lot's lines, which counts most of them."""
    if passed is not None:
        return _lot_sums(end, user, passed)
    reached = _reached(end)
    orders, lines = _order_sums(end, reached), _line_sums(end, reached)
    links = select(LineLot.lot_id).join(reached, reached.c.id == LineLot.line_id)
    lots = union(links, select(Lot.id).where(Lot.id.in_(end.lots))).subquery()  # an OR would scan every lot
    held = parcels_with(_order_ids(end, reached), end.parcels)
    seen = seen_complaints(select(Complaint.id), user).where(end.complaints)
    own_issues = seen_issues(user).where(end.issues).with_only_columns(Issue.id)
    row = db.session.execute(
        select(
            *orders.c, *lines.c, _count(_inferred(end, reached)),
            _count(select(lots)), _count(select(Receipt.id).where(Receipt.lot_id.in_(select(lots)))), _count(held),
            _count(select(Complaint.id).where(end.complaints)), _count(seen),
            _count(select(Issue.id).where(end.issues)), _count(own_issues),
        ).select_from(orders.join(lines, true()))
    ).one()  # fmt: skip
    return Sums(*(int(value or 0) for value in row))


def _lot_sums(end: End, user: User | None, passed: LotPass) -> Sums:
    lots = end.reach | end.lineage.sources(end.lots)
    seen = seen_complaints(select(Complaint.id), user).where(end.complaints)
    own_issues = seen_issues(user).where(end.issues).with_only_columns(Issue.id)
    row = db.session.execute(
        select(
            _count(select(Receipt.id).where(Receipt.lot_id.in_(lots))), _count(_parcels_of_lots(end.reach)),
            _count(select(Complaint.id).where(end.complaints)), _count(seen),
            _count(select(Issue.id).where(end.issues)), _count(own_issues),
        )
    ).one()  # fmt: skip
    receipts, parcels, *rest = (int(value or 0) for value in row)
    return Sums(
        passed.orders, passed.customers, 0, passed.lines, passed.units, passed.skus, 0, passed.unknown_sku,
        passed.inferred_lines, len(lots), receipts, parcels, *rest,
    )  # fmt: skip


def _parcels_of_lots(lots: Collection[int]) -> Any:
    """Select some more parcels than are counted: nobody needs to know whether it is 18,000 or 19,000."""
    orders = select(OrderLine.order_id).join(LineLot, LineLot.line_id == OrderLine.id).where(LineLot.lot_id.in_(lots))
    some = orders.order_by(LineLot.line_id.desc()).limit(MOST_COUNTED + 1).subquery()
    return parcels_with(select(some.c.order_id))


def refunds(end: End) -> dict[str, int]:
    """Return what was refunded for the lines, per currency, each after-sale once.

    An after-sale of a whole order, or of a kit, counts for a part of it unless a complaint says which article it was
    about: then it counts for that article alone.
    """
    reached = _reached(end)
    orders = _order_ids(end, reached)
    part = aliased(OrderLine)
    kits = (
        select(OrderLine.id)
        .join(part, and_(part.order_id == OrderLine.order_id, part.parent_external_id == OrderLine.external_id))
        .where(part.id.in_(select(reached.c.id)))
    )
    about = select(Complaint.id).where(
        Complaint.source_kind == "after_sale", Complaint.source_id == AfterSale.id, Complaint.sku_id.is_not(None)
    )
    ours = about.where(Complaint.sku_id.in_(select(OrderLine.sku_id).where(OrderLine.id.in_(select(reached.c.id)))))
    whole = and_(AfterSale.line_id.is_(None), AfterSale.order_id.in_(orders), or_(~about.exists(), ours.exists()))
    lines = AfterSale.line_id.in_(select(reached.c.id))
    rows = db.session.execute(
        select(AfterSale.currency, func.sum(AfterSale.refund_minor))
        .where(or_(lines, whole, and_(AfterSale.line_id.in_(kits), ours.exists())), AfterSale.refund_minor > 0)
        .group_by(AfterSale.currency)
        .order_by(AfterSale.currency)
    )
    return {currency: int(total) for currency, total in rows}


def complaints_of(end: End, user: User | None) -> Sequence[Complaint]:
    """Return the newest complaints the person may see."""
    names = ("order", "line", "sku", "lot", "supplier", "parcel", "type")
    statement = seen_complaints(select(Complaint), user).where(end.complaints)
    newest = statement.order_by(Complaint.occurred_at.desc(), Complaint.id.desc()).limit(NEWEST)
    options = [joinedload(getattr(Complaint, name)) for name in names]
    return cast(Sequence[Complaint], db.session.scalars(newest.options(*options)).all())


def lines_of(end: End, orders: Iterable[int]) -> Sequence[OrderLine]:
    """Return the newest lines of the end, those of the orders complained about first."""
    newest = newest_lines(end, NEWEST).subquery()
    ids = select(newest.c.id)
    named = set(orders)
    if named:
        about = select(OrderLine.id).where(end.lines, among(OrderLine.order_id, named)).limit(NEWEST).subquery()
        wanted = OrderLine.id.in_(union(ids, select(about.c.id)))
    else:
        wanted = OrderLine.id.in_(ids)
    options = [joinedload(getattr(OrderLine, name)) for name in ("order", "sku", "supplier")]
    rows = db.session.scalars(select(OrderLine).where(wanted).order_by(OrderLine.id.desc()).options(*options)).all()
    return sorted(rows, key=lambda row: row.order_id not in named)[:NEWEST]


def newest_lines(end: End, limit: int, *, before: int = 0) -> Select[Any]:
    """Select the ids of the newest lines, older than `before`; a lot's lie in order in the index of its links."""
    if end.lots:
        links = select(LineLot.line_id.label("id")).where(LineLot.lot_id.in_(end.reach)).distinct()
        older = links.where(LineLot.line_id < before) if before else links
        return older.order_by(LineLot.line_id.desc()).limit(limit)
    lines = select(OrderLine.id).where(end.lines)
    older = lines.where(OrderLine.id < before) if before else lines
    return older.order_by(OrderLine.id.desc()).limit(limit)


def empty_orders_of(end: End) -> Sequence[Order]:
    """Return the orders of the end of which no line is known."""
    if end.orders is None:
        return []
    return db.session.scalars(select(Order).where(end.orders, _empty()).order_by(Order.id.desc()).limit(NEWEST)).all()


def links_of(line_ids: Iterable[int]) -> Sequence[LineLot]:
    """Return which lots the lines were served from, the surest first."""
    order = (LineLot.confidence.desc(), LineLot.id)
    return _rows(select(LineLot).order_by(*order), LineLot.line_id, line_ids)


def lots_of(ids: Iterable[int]) -> Sequence[Lot]:
    """Return the lots."""
    return _rows(select(Lot).order_by(Lot.id.desc()).options(joinedload(Lot.sku)), Lot.id, ids)


def receipts_of(lot_ids: Iterable[int]) -> Sequence[Receipt]:
    """Return the newest receipts of the lots."""
    statement = select(Receipt).order_by(Receipt.id.desc()).limit(NEWEST).options(joinedload(Receipt.warehouse))
    return _rows(statement, Receipt.lot_id, lot_ids)


def skus_of(ids: Iterable[int]) -> Sequence[Sku]:
    """Return the articles."""
    return _rows(select(Sku).order_by(Sku.id), Sku.id, ids)


def suppliers_of(ids: Iterable[int]) -> Sequence[Supplier]:
    """Return the suppliers."""
    return _rows(select(Supplier).order_by(Supplier.id), Supplier.id, ids)


def parcels_of(end: End, order_ids: Iterable[int]) -> Sequence[Parcel]:
    """Return the newest parcels of the orders; the parcel a trace starts from is always among them."""
    statement = select(Parcel).order_by(Parcel.id.desc()).limit(NEWEST).options(joinedload(Parcel.order))
    wanted = parcels_with(sorted(set(order_ids)), end.parcels)
    return db.session.scalars(statement.where(Parcel.id.in_(wanted))).all()


def orders_by_parcel(parcel_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the numbers of the orders each parcel holds."""
    ids = sorted(set(parcel_ids))
    held = union(
        select(Parcel.id.label("parcel"), Parcel.order_id.label("of")).where(among(Parcel.id, ids)),
        select(ParcelItem.parcel_id, ParcelItem.order_id).where(among(ParcelItem.parcel_id, ids)),
        select(StockOut.parcel_id, StockOutLine.order_id)
        .join(StockOutLine, StockOutLine.stock_out_id == StockOut.id)
        .where(among(StockOut.parcel_id, ids)),
    ).subquery()
    found: dict[int, list[str]] = {}
    rows = db.session.execute(
        select(held.c.parcel, Order.external_id).join(Order, Order.id == held.c.of).order_by(Order.id)
    )
    for parcel, number in rows:
        found.setdefault(parcel, []).append(number)
    return found


def issues_of(end: End, user: User | None) -> Sequence[Issue]:
    """Return the newest issues the person may see."""
    statement = seen_issues(user).where(end.issues).order_by(Issue.opened_at.desc(), Issue.id.desc())
    return db.session.scalars(statement.limit(NEWEST)).all()


def suppliers_named(text: str, *, limit: int = 20) -> Sequence[Supplier]:
    """Return the suppliers whose number is the text or whose name contains it."""
    matches = or_(Supplier.external_id == text, Supplier.name.contains(text, autoescape=True))
    return db.session.scalars(select(Supplier).where(matches).order_by(Supplier.name, Supplier.id).limit(limit)).all()


def numbers_named(text: str, user: User) -> list[tuple[str, str, str]]:
    """Return the complaint and the issue with this number, as (kind, number, title)."""
    complaint = db.session.scalar(seen_complaints(select(Complaint), user).where(Complaint.number == text))
    issue = db.session.scalar(seen_issues(user).where(Issue.number == text))
    found = [("complaint", complaint.number, complaint.text or complaint.raw_reason)] if complaint else []
    return found + ([("issue", issue.number, issue.title)] if issue else [])


def _supplier_is(number: str) -> Condition:
    return or_(Supplier.external_id == number, Supplier.name == number)


ROWS: dict[str, tuple[Any, Any]] = {
    "order": (Order, Order.external_id.__eq__),
    "sku": (Sku, Sku.external_id.__eq__),
    "lot": (Lot, Lot.external_id.__eq__),
    "supplier": (Supplier, _supplier_is),
    "parcel": (Parcel, Parcel.external_id.__eq__),
}
DIRECT: dict[str, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any]]] = {
    "order": (Complaint.order_id, Issue.order_id),
    "sku": (Complaint.sku_id, Issue.sku_id),
    "lot": (Complaint.lot_id, Issue.lot_id),
    "supplier": (Complaint.supplier_id, Issue.supplier_id),
}


SUCCESSORS: dict[str, tuple[Any, InstrumentedAttribute[Any]]] = {
    "sku": (Sku, Sku.replaced_by_id),
    "supplier": (Supplier, Supplier.merged_into_id),
}


def _with_other_names(kind: str, rows: Sequence[Any]) -> Sequence[Any]:
    """Add what an article was called before and is called now, or the companies a supplier consists of; circles end."""
    if kind not in SUCCESSORS:
        return rows
    model, successor = SUCCESSORS[kind]
    found = {row.id: row for row in rows}
    fresh = set(found)
    while fresh:
        later = {getattr(found[row_id], successor.key) for row_id in fresh} - {None}
        near = or_(model.id.in_(later), successor.in_(fresh))
        others = db.session.scalars(select(model).where(near, model.id.not_in(found)).order_by(model.id)).all()
        found |= {row.id: row for row in others}
        fresh = {row.id for row in others}
    return list(found.values())


def lineage_of(lots: Iterable[int]) -> Lineage:
    """Return what these lots were made of and what was made of them, at every depth; circles end."""
    start = frozenset(lots)
    return Lineage(frozenset(_made(start, forwards=True) | _made(start, forwards=False)))


def _made(start: frozenset[int], *, forwards: bool) -> set[Made]:
    found: set[Made] = set()
    seen, fresh = set(start), set(start)
    while fresh:
        links = MADE.c.of if forwards else MADE.c.into
        rows = db.session.execute(select(MADE).where(links.in_(sorted(fresh)))).all()
        found |= {Made(row.into, row.of, row.how) for row in rows}
        fresh = {row.into if forwards else row.of for row in rows} - seen
        seen |= fresh
    return found


MADE = union(
    select(LotPart.lot_id.label("into"), LotPart.part_id.label("of"), literal("part").label("how")).where(
        LotPart.lot_id.is_not(None), LotPart.part_id.is_not(None)
    ),
    select(StockMove.into_lot_id, StockMove.lot_id, literal("rework")).where(
        StockMove.into_lot_id.is_not(None), StockMove.lot_id.is_not(None)
    ),
).subquery()


def _row_end(kind: str, rows: Sequence[Any]) -> End:
    ids = frozenset(row.id for row in rows)
    lineage = lineage_of(ids) if kind == "lot" else Lineage()
    reach = ids | lineage.products(ids)
    orders = _orders_in(ids) if kind == "parcel" else ids
    if kind == "parcel":
        complaints: Condition = or_(
            Complaint.parcel_id.in_(ids), and_(Complaint.parcel_id.is_(None), Complaint.order_id.in_(orders))
        )
        issues: Condition = Issue.id.in_(_held(complaints))
    else:
        of_complaint, of_issue = DIRECT[kind]
        complaints = of_complaint.in_(reach)
        issues = or_(of_issue.in_(reach), Issue.id.in_(_held(complaints)))
    return End(
        kind, rows[0], _lines_about(kind, reach, orders), complaints, issues,
        orders=Order.id.in_(orders) if kind in {"order", "parcel"} else None,
        shops=len({row.shop_id for row in rows}),
        skus=ids if kind == "sku" else frozenset(row.sku_id for row in rows if kind == "lot" and row.sku_id),
        lots=ids if kind == "lot" else frozenset(),
        suppliers=ids if kind == "supplier" else frozenset(),
        parcels=ids if kind == "parcel" else frozenset(), holds=orders if kind == "parcel" else frozenset(), lineage=lineage,
    )  # fmt: skip


def _orders_in(parcels: frozenset[int]) -> frozenset[int]:
    """Return the orders a parcel holds: the one it names, those it lists, and those whose goods left with it."""
    found = union(
        select(Parcel.order_id).where(Parcel.id.in_(parcels)),
        select(ParcelItem.order_id).where(ParcelItem.parcel_id.in_(parcels)),
        select(StockOutLine.order_id)
        .join(StockOut, StockOut.id == StockOutLine.stock_out_id)
        .where(StockOut.parcel_id.in_(parcels)),
    )
    return frozenset(row for row in db.session.scalars(found) if row)


def parcels_with(orders: Any, also: Collection[int] = ()) -> Any:
    """Select the parcels of these orders (a list or a select of ids) and these parcels: several orders may share one."""
    return union(
        select(Parcel.id).where(Parcel.order_id.in_(orders)),
        select(ParcelItem.parcel_id).where(ParcelItem.order_id.in_(orders)),
        select(StockOut.parcel_id)
        .join(StockOutLine, StockOutLine.stock_out_id == StockOut.id)
        .where(StockOutLine.order_id.in_(orders), StockOut.parcel_id.is_not(None)),
        select(Parcel.id).where(Parcel.id.in_(also)),
    )


def _lines_about(kind: str, ids: frozenset[int], orders: frozenset[int]) -> Condition:
    if kind == "sku":
        return OrderLine.sku_id.in_(ids)
    if kind == "lot":
        return OrderLine.id.in_(select(LineLot.line_id).where(LineLot.lot_id.in_(ids)))
    if kind == "supplier":
        named = aliased(OrderLine)
        lots = select(LineLot.line_id).join(Lot, Lot.id == LineLot.lot_id).where(Lot.supplier_id.in_(ids))
        return OrderLine.id.in_(union(select(named.id).where(named.supplier_id.in_(ids)), lots))  # an OR would scan all
    return OrderLine.order_id.in_(orders)


def _complaint_end(row: Complaint) -> End:
    if row.line_id:
        lines: Condition = OrderLine.id == row.line_id
    elif row.order_id:
        lines = and_(OrderLine.order_id == row.order_id, OrderLine.sku_id == row.sku_id if row.sku_id else true())
    else:
        lines = false()
    return End(
        "complaint", row, lines, Complaint.id == row.id, Issue.id == row.issue_id if row.issue_id else false(),
        orders=Order.id == row.order_id if row.order_id else false(), **_named(row),
        parcels=frozenset([row.parcel_id] if row.parcel_id else []),
    )  # fmt: skip


def _issue_end(row: Issue) -> End:
    held = Complaint.issue_id == row.id
    lines = or_(
        OrderLine.id.in_(select(Complaint.line_id).where(held, Complaint.line_id.is_not(None))),
        OrderLine.id.in_(_lines_of_orders(held)),
        and_(OrderLine.order_id == row.order_id, OrderLine.sku_id == row.sku_id if row.sku_id else true()),
    )  # fmt: skip
    orders = or_(Order.id == row.order_id, Order.id.in_(select(Complaint.order_id).where(held)))
    return End("issue", row, lines, held, Issue.id == row.id, orders=orders, **_named(row))


def _lines_of_orders(held: Condition) -> Select[Any]:
    """Select the lines a complaint without a line may mean; a list of ids, because an EXISTS would scan every line."""
    line = aliased(OrderLine)
    return (
        select(line.id)
        .join(Complaint, Complaint.order_id == line.order_id)
        .where(held, Complaint.line_id.is_(None), or_(Complaint.sku_id.is_(None), Complaint.sku_id == line.sku_id))
    )


def _named(row: Complaint | Issue) -> dict[str, Any]:
    """Return the rows a complaint or an issue names itself."""
    pairs = (("skus", row.sku_id), ("lots", row.lot_id), ("suppliers", row.supplier_id))
    return {name: frozenset([row_id] if row_id else []) for name, row_id in pairs}


def _held(complaints: Condition) -> Select[Any]:
    return select(Complaint.issue_id).where(complaints, Complaint.issue_id.is_not(None))


def _reached(end: End) -> CTE:
    """Return the lines of the end, found once for all that one statement asks of them."""
    return select(OrderLine.id, OrderLine.order_id).where(end.lines).cte("reached")


def _inferred(end: End, reached: CTE) -> Select[Any]:
    """Return the lines whose lot nobody scanned or wrote down."""
    # a join would make SQLite read every link for its bloom filter
    lines = select(LineLot.line_id).distinct().where(LineLot.line_id.in_(select(reached.c.id)))
    lines = lines.where(LineLot.method.not_in(sorted(SURE)))
    return lines.where(LineLot.lot_id.in_(end.lots)) if end.kind == "lot" else lines


def _order_ids(end: End, reached: CTE) -> Select[Any]:
    return select(reached.c.order_id) if end.orders is None else select(Order.id).where(end.orders)


def _empty() -> Condition:
    return ~select(OrderLine.id).where(OrderLine.order_id == Order.id).exists()


def _order_sums(end: End, reached: CTE) -> Any:
    person = case((Customer.person_id != "", Customer.person_id), else_=Customer.external_id)
    return (
        select(
            func.count(Order.id).label("orders"),
            func.count(distinct(person)).label("customers"),
            func.sum(case((and_(Order.known, _empty()), 1), else_=0)).label("empty_orders"),
        )
        .select_from(Order)
        .outerjoin(Customer, Customer.id == Order.customer_id)
        .where(Order.id.in_(_order_ids(end, reached)))
        .subquery()
    )


def _line_sums(end: End, reached: CTE) -> Any:
    has_lot = select(LineLot.id).where(LineLot.line_id == OrderLine.id).exists()
    return (
        select(
            func.count(OrderLine.id).label("lines"),
            func.sum(_units(end)).label("units"),
            func.count(distinct(OrderLine.sku_id)).label("skus"),
            func.sum(case((and_(OrderLine.kind != "kit", ~has_lot), 1), else_=0)).label("no_lot"),
            func.sum(case((or_(OrderLine.sku_id.is_(None), ~Sku.known), 1), else_=0)).label("unknown_sku"),
        )
        .select_from(OrderLine)
        .outerjoin(Sku, Sku.id == OrderLine.sku_id)
        .where(OrderLine.id.in_(select(reached.c.id)))
        .subquery()
    )


def _units(end: End) -> Any:
    """Return what one line counts; parts of a kit count only where the part itself is traced."""
    if end.kind == "lot":
        of_lot = select(func.sum(LineLot.quantity)).where(LineLot.line_id == OrderLine.id, LineLot.lot_id.in_(end.lots))
        return of_lot.correlate(OrderLine).scalar_subquery()
    if end.kind == "sku":
        return OrderLine.quantity
    return case((OrderLine.kind == "component", 0), else_=OrderLine.quantity)


def _count(statement: Any) -> Any:
    return select(func.count()).select_from(statement.subquery()).scalar_subquery()


def seen_complaints(statement: Select[Any], user: User | None) -> Select[Any]:
    """Narrow a select of complaints to what the person may see; without a person all are."""
    return statement if user is None else visible_to(cast(Any, statement), Complaint, user)


def seen_issues(user: User | None) -> Select[Any]:
    """Select the issues the person may see; without a person all of them."""
    return select(Issue) if user is None else cast(Select[Any], visible_issues(user))


def _first(statement: Select[Any]) -> Any:
    row = db.session.scalar(statement)
    if row is None:
        raise NotFound
    return row


def _rows(statement: Select[Any], column: InstrumentedAttribute[Any], ids: Iterable[int]) -> Sequence[Any]:
    wanted = sorted(set(ids))
    return db.session.scalars(statement.where(among(column, wanted))).all() if wanted else []
