"""What a complaint can be linked to without guessing: only where all its order's lines agree."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select

from qtrace.core.db import db
from qtrace.orders.models import LineLot, OrderLine, Parcel

CHUNK = 500
SURE_ENOUGH = 60  # percent: a lot inferred with less is not taken over


@dataclass(frozen=True)
class Line:
    """One line of an order with the lot it most likely came from."""

    id: int
    sku_id: int | None
    supplier_id: int | None
    kind: str
    lot_id: int | None


@dataclass(frozen=True)
class Links:
    """Everything a complaint's order leads to, None where it is not unambiguous."""

    line_id: int | None = None
    sku_id: int | None = None
    supplier_id: int | None = None
    lot_id: int | None = None
    parcel_id: int | None = None
    courier_line: str = ""


@dataclass
class OrderFacts:
    """The lines and parcels of one order."""

    lines: list[Line] = field(default_factory=list)
    parcels: list[tuple[int, str]] = field(default_factory=list)


def facts_of(order_ids: Iterable[int]) -> dict[int, OrderFacts]:
    """Return the lines and parcels of these orders in a handful of queries."""
    facts: dict[int, OrderFacts] = defaultdict(OrderFacts)
    wanted = sorted(set(order_ids))
    for begin in range(0, len(wanted), CHUNK):
        chunk = wanted[begin : begin + CHUNK]
        lots = _lots(chunk)
        statement = select(
            OrderLine.order_id, OrderLine.id, OrderLine.sku_id, OrderLine.supplier_id, OrderLine.kind
        ).where(OrderLine.order_id.in_(chunk))
        for order_id, line_id, sku_id, supplier_id, kind in db.session.execute(statement.order_by(OrderLine.id)):
            facts[order_id].lines.append(Line(line_id, sku_id, supplier_id, kind, lots.get(line_id)))
        parcels = select(Parcel.order_id, Parcel.id, Parcel.line).where(Parcel.order_id.in_(chunk)).order_by(Parcel.id)
        for owner, parcel_id, line in db.session.execute(parcels):
            facts[owner or 0].parcels.append((parcel_id, line))
    return facts


def links_of(facts: OrderFacts, *, sku_id: int | None = None, line_id: int | None = None) -> Links:
    """Return the links of a complaint about this order, or about one article or line of it."""
    lines = _candidates(facts, sku_id, line_id)
    parcel_id, courier_line = facts.parcels[0] if len(facts.parcels) == 1 else (None, "")
    if len({line for _parcel, line in facts.parcels}) == 1:
        courier_line = facts.parcels[0][1]
    sku = _same(line.sku_id for line in lines)
    return Links(
        line_id=lines[0].id if len(lines) == 1 else None,
        sku_id=sku if lines else sku_id,
        supplier_id=_same(line.supplier_id for line in lines),
        lot_id=_same(line.lot_id for line in lines) if sku else None,
        parcel_id=parcel_id,
        courier_line=courier_line,
    )


def _candidates(facts: OrderFacts, sku_id: int | None, line_id: int | None) -> list[Line]:
    if line_id is not None:
        return [line for line in facts.lines if line.id == line_id]
    if sku_id is not None:
        return [line for line in facts.lines if line.sku_id == sku_id]
    return [line for line in facts.lines if line.kind in {"item", "kit"}]


def _same(values: Iterable[int | None]) -> int | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _lots(order_ids: list[int]) -> dict[int, int]:
    """Return the surest lot of each line, if it is sure enough."""
    statement = (
        select(LineLot.line_id, LineLot.lot_id)
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .where(OrderLine.order_id.in_(order_ids), LineLot.confidence >= SURE_ENOUGH)
        .order_by(LineLot.line_id, LineLot.confidence, LineLot.lot_id.desc())
    )
    return dict(db.session.execute(statement).all())
