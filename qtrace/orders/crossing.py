"""From the numbers other systems write to the order and the line they mean.

A warehouse knows an order by the platform's number, perhaps with the shop's key. The row is found when its record comes
in or, if the order is not known yet, when the order does. A number that several shops use and whose shop is not said
means none of them: nobody guesses.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, func, literal, or_, select, update
from sqlalchemy.orm import aliased

from qtrace.catalog.models import Shop, Sku
from qtrace.core.db import Base, db, insert_into, table_of
from qtrace.orders.batch import Batch, Key, chunks
from qtrace.orders.bulk import among
from qtrace.orders.models import AfterSale, LineLot, Order, OrderLine
from qtrace.orders.stock_models import ParcelItem, ReturnReceipt, Serial, StockOutLine

CROSSED: Mapping[str, type[Base]] = {
    "stock_out_lines": StockOutLine, "parcel_items": ParcelItem, "serials": Serial, "returns": ReturnReceipt,
}  # fmt: skip
BETWEEN_NUMBERS = re.compile(r"[\s,;，；、|/]+")
SURELY = {"scanned": 100, "serial": 100, "manual": 100, "fifo": 60, "unknown": 30}


@dataclass(frozen=True)
class _Line:
    """A line a number may mean."""

    id: int
    number: str
    codes: frozenset[str]  # its article's code, and the code that replaced it


def cross(batch: Batch, changed: Mapping[Key, int], expanded: Sequence[int]) -> None:
    """Find the orders and lines that the batch's rows mean, or that earlier rows meant and that came in with it."""
    kind = batch.shape.kind
    if kind == "stock_outs":
        _read_headers(batch, changed)
    elif kind in CROSSED:
        _cross(kind, list(changed.values()))
    elif kind == "orders":
        _cross_waiting([number for _shop, number in changed])
    elif kind == "lines":
        _cross_waiting(_numbers_of(order for order, _line in changed))
    elif expanded:
        orders = [order for chunk in chunks(expanded) for order in db.session.scalars(_order_ids(chunk))]
        _cross_waiting(_numbers_of(orders))


def lines_served_by(kind: str, ids: Sequence[int]) -> set[int]:
    """Return the lines whose lots these rows tell, to be served anew when the rows are gone."""
    if kind not in {"stock_out_lines", "serials"}:
        return set()
    rows = table_of(CROSSED[kind]).c
    found = db.session.scalars(select(rows.line_id).where(among(rows.id, ids), rows.line_id.is_not(None)))
    return set(found)


def numbers_in(text: str) -> list[str]:
    """Return the order numbers a header lists, each once."""
    return list(dict.fromkeys(part for part in BETWEEN_NUMBERS.split(text) if part))


def _read_headers(batch: Batch, changed: Mapping[Key, int]) -> None:
    """Put the orders of a header into its parcel: systems that tell no lines still say whom a waybill serves."""
    at = {name: batch.shape.columns.index(name) for name in ("orders_text", "parcel_id")}
    rows = [
        {"parcel_id": entry.row[at["parcel_id"]], "external_id": f"{number}|", "order_number": number,
         "shop_key": "", "line_number": "", "quantity": 0}
        for key, entry in batch.entries.items() if key in changed and entry.row[at["parcel_id"]]
        for number in numbers_in(str(entry.row[at["orders_text"]]))
    ]  # fmt: skip
    if not rows:
        return
    db.session.execute(insert_into(ParcelItem).on_conflict_do_nothing(), rows)
    numbers = {str(row["order_number"]) for row in rows}
    _cross("parcel_items", _waiting(ParcelItem, numbers))


def _order_ids(line_ids: Sequence[int]) -> Select[int]:
    return select(OrderLine.order_id).where(among(OrderLine.id, line_ids)).distinct()


def _numbers_of(order_ids: Iterable[int]) -> list[str]:
    return [
        number
        for chunk in chunks(set(order_ids))
        for number in db.session.scalars(select(Order.external_id).where(among(Order.id, chunk)))
    ]


def _cross_waiting(numbers: Sequence[str]) -> None:
    """Find what rows that came before their order meant."""
    for kind, model in CROSSED.items():
        if db.session.scalar(select(table_of(model).c.id).limit(1)) is not None:
            _cross(kind, _waiting(model, numbers))


def _waiting(model: type[Base], numbers: Iterable[str]) -> list[int]:
    rows = table_of(model).c
    unknown = or_(rows.order_id.is_(None), rows.line_id.is_(None))
    return [
        row_id
        for chunk in chunks(set(numbers))
        for row_id in db.session.scalars(select(rows.id).where(among(rows.order_number, chunk), unknown))
    ]


def _cross(kind: str, ids: Sequence[int]) -> None:
    """Write the order and the line of these rows where they are known, and the lots that follow from it."""
    table = table_of(CROSSED[kind])
    if kind == "returns":
        _orders_of_returns(ids)
    lines: set[int] = set()
    for chunk in chunks(ids):
        lines |= _cross_chunk(table, chunk)
    if kind in {"stock_out_lines", "serials"}:
        serve(lines)


def _cross_chunk(table: Table, ids: Sequence[int]) -> set[int]:
    """Return the lines these rows meant before or mean now."""
    rows = db.session.execute(_named(table).where(among(table.c.id, ids))).all()
    orders = _orders_by_number({row.order_number for row in rows if row.order_number})
    found = {row.id: _one_order(orders.get(row.order_number, ()), row.shop_key) for row in rows}
    lines = _lines_by_order({order for order in found.values() if order})
    news = [(row, found[row.id], _one_line(lines.get(found[row.id] or 0, ()), row)) for row in rows]
    changed = [
        {"row_id": row.id, "new_order": order, "new_line": line}
        for row, order, line in news if (row.order_id, row.line_id) != (order, line)
    ]  # fmt: skip
    if changed:
        statement = update(table).where(table.c.id == bindparam("row_id"))
        statement = statement.values(order_id=bindparam("new_order"), line_id=bindparam("new_line"))
        db.session.execute(statement, changed)
    return {line for row, _order, new in news for line in (row.line_id, new) if line}


def _named(table: Table) -> Select[Any]:
    columns = [table.c[name] for name in ("id", "shop_key", "order_number", "line_number", "order_id", "line_id")]
    if "sku_id" not in table.c:
        return select(*columns, literal("").label("sku"))
    return select(*columns, Sku.external_id.label("sku")).outerjoin(Sku, Sku.id == table.c.sku_id)


def _orders_by_number(numbers: set[str]) -> Mapping[str, Sequence[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    statement = select(Order.id, Order.external_id, Order.known, Shop.key, Shop.name).join(
        Shop, Shop.id == Order.shop_id
    )
    for chunk in chunks(numbers):
        for row in db.session.execute(statement.where(among(Order.external_id, chunk)).order_by(Order.id)):
            found[row.external_id].append(row)
    return found


def _one_order(rows: Sequence[Any], shop: str) -> int | None:
    said = [row.id for row in rows if shop and shop in (row.key, row.name)]
    if said or shop:
        return said[0] if said else None
    known = [row.id for row in rows if row.known] or [row.id for row in rows]
    return known[0] if len(known) == 1 else None


def _lines_by_order(orders: set[int]) -> Mapping[int, Sequence[_Line]]:
    found: dict[int, list[_Line]] = defaultdict(list)
    now = aliased(Sku)
    statement = (
        select(OrderLine.id, OrderLine.order_id, OrderLine.external_id, Sku.external_id.label("code"), now.external_id)
        .outerjoin(Sku, Sku.id == OrderLine.sku_id)
        .outerjoin(now, now.id == Sku.replaced_by_id)
        .order_by(OrderLine.id)
    )
    for chunk in chunks(orders):
        for row_id, order, number, *codes in db.session.execute(statement.where(among(OrderLine.order_id, chunk))):
            found[order].append(_Line(row_id, number, frozenset(code for code in codes if code)))
    return found


def _one_line(lines: Sequence[_Line], row: Any) -> int | None:
    """Return the line with the number, or the only one of the article; a part of a kit beats the kit's own line."""
    named = [line for line in lines if row.line_number and line.number == row.line_number]
    if row.sku:
        parts = [
            line for line in lines
            if row.sku in line.codes and (not named or line in named or line.number.startswith(f"{named[0].number}+"))
        ]  # fmt: skip
        named = [line for line in named if line in parts] or parts or named
    return named[0].id if len(named) == 1 else None


def _orders_of_returns(ids: Sequence[int]) -> None:
    """Give returns that name only a waybill the order whose buyer was to send goods back under it."""
    table = table_of(ReturnReceipt)
    sale = select(Order.external_id).join(AfterSale, AfterSale.order_id == Order.id)
    number = sale.where(AfterSale.return_waybill == table.c.waybill).order_by(AfterSale.id.desc()).limit(1)
    for chunk in chunks(ids):
        statement = update(table).where(among(table.c.id, chunk), table.c.order_number == "", table.c.waybill != "")
        db.session.execute(statement.values(order_number=func.coalesce(number.scalar_subquery(), "")))


def serve(lines: set[int]) -> None:
    """Say of these lines anew which lots the warehouse took for them; what the order itself says stays."""
    for chunk in chunks(lines):
        derived = delete(LineLot).where(among(LineLot.line_id, chunk), LineLot.source != "")
        db.session.execute(derived)
        rows = [*_served_by_stock(chunk), *_served_by_serial(chunk)]
        if rows:
            db.session.execute(insert_into(LineLot).on_conflict_do_nothing(index_elements=["line_id", "lot_id"]), rows)


def _served_by_serial(lines: Sequence[int]) -> list[dict[str, Any]]:
    statement = select(Serial.line_id, Serial.lot_id, func.count().label("quantity"))
    statement = statement.where(among(Serial.line_id, lines), Serial.lot_id.is_not(None))
    rows = db.session.execute(statement.group_by(Serial.line_id, Serial.lot_id))
    return [{**row._mapping, "method": "serial", "confidence": 100, "source": "serial"} for row in rows]


def _served_by_stock(lines: Sequence[int]) -> list[dict[str, Any]]:
    one = StockOutLine
    statement = select(
        one.line_id, one.lot_id, func.sum(one.quantity).label("quantity"), func.min(one.lot_method).label("method")
    )
    statement = statement.where(among(one.line_id, lines), one.lot_id.is_not(None), one.quantity > 0)
    rows = db.session.execute(statement.group_by(one.line_id, one.lot_id))
    return [
        {**row._mapping, "quantity": int(row.quantity), "confidence": SURELY[row.method], "source": "stock_out"}
        for row in rows
    ]
