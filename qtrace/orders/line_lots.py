"""Which lot each order line was served from, as lines say it, and what lines and receipts tell of the lots."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update

from qtrace.core.db import db, insert_into
from qtrace.orders.batch import Batch, Key, Link, chunks
from qtrace.orders.bulk import among
from qtrace.orders.facts import Value
from qtrace.orders.models import LineLot, Lot
from qtrace.orders.rows import shape_of


@dataclass(frozen=True)
class _Served:
    """What a line says of the lot it was served from; `at` is its place in the frame."""

    at: int
    lot: str
    link: Link


def link_lots(batch: Batch, changed: dict[Key, int]) -> None:
    """Keep which lot each line was served from, and complete lots by what lines and receipts say of them."""
    if batch.shape.kind == "lines":
        served, (skus, suppliers), kinds = _served(batch), batch.columns[4:6], batch.frame.fields["kind"]
        _store_line_lots(batch, changed, served)
        lots = batch.found["lots"]
        _complete_lots([(lots[one.lot], skus[one.at], suppliers[one.at]) for one in served if kinds[one.at] == "item"])
    elif batch.shape.kind == "receipts":
        suppliers, _warehouses, lots_received, skus = batch.columns[2:6]
        _complete_lots([fact for fact in zip(lots_received, skus, suppliers, strict=True) if fact[0]])


def rehearse_lots(batch: Batch) -> None:
    """Say in a dry run what linking the lots would change."""
    if batch.shape.kind == "lines":
        _new_line_lots(batch, {}, _served(batch))


def _served(batch: Batch) -> list[_Served]:
    """Return what the lines say of their lots."""
    said = batch.frame.fields
    links = zip(said["quantity"], said["lot_method"], said["lot_confidence"], strict=True)
    return [_Served(at, lot, link) for at, (lot, link) in enumerate(zip(said["lot"], links, strict=True)) if lot]


def _store_line_lots(batch: Batch, changed: dict[Key, int], served: Sequence[_Served]) -> None:
    news = _new_line_lots(batch, changed, served)
    if news:
        rows = [
            {"line_id": line, "lot_id": lot, "quantity": quantity, "method": method, "confidence": confidence}
            for (line, lot), (quantity, method, confidence) in news.items()
        ]
        statement = insert_into(LineLot)
        again = {name: statement.excluded[name] for name in ("quantity", "method", "confidence")}
        db.session.execute(statement.on_conflict_do_update(index_elements=["line_id", "lot_id"], set_=again), rows)


def _new_line_lots(batch: Batch, changed: dict[Key, int], served: Sequence[_Served]) -> dict[tuple[int, int], Link]:
    """Return the links that are new or different; a line with one counts as updated."""
    if not served:
        return {}
    memory, keys = batch.memory, batch.keys()
    line_ids = {key: entry.id for key, entry in batch.entries.items() if entry.id is not None} | changed
    if memory is not None:
        line_ids |= {key: memory.invent("lines", key) for key, entry in batch.entries.items() if entry.id is None}
    known = _stored_line_lots({line_ids[keys[one.at]] for one in served})
    news = memory.line_lots if memory is not None else {}
    for one in served:
        key, index = keys[one.at], batch.frame.index[one.at]
        pair = (line_ids[key], batch.found["lots"][one.lot])
        if (news.get(pair) or known.get(pair)) == one.link:
            continue
        news[pair] = one.link
        changed[key] = pair[0]
        if batch.outcomes[index] == "unchanged":
            batch.outcomes[index] = "updated"
    return news


def _stored_line_lots(lines: set[int]) -> dict[tuple[int, int], Link]:
    statement = select(LineLot.line_id, LineLot.lot_id, LineLot.quantity, LineLot.method, LineLot.confidence)
    return {
        (row.line_id, row.lot_id): (row.quantity, row.method, row.confidence)
        for chunk in chunks(lines)
        for row in db.session.execute(statement.where(among(LineLot.line_id, chunk)))
    }


def _complete_lots(facts: list[tuple[Value, Value, Value]]) -> None:
    rows = [{"row_id": lot, "new_sku": sku, "new_supplier": supplier} for lot, sku, supplier in dict.fromkeys(facts)]
    if rows:
        table = shape_of("lots").table
        statement = (
            update(table)
            .where(table.c.id == bindparam("row_id"))
            .where((table.c.sku_id.is_(None)) | (table.c.supplier_id.is_(None)))
            .values(
                sku_id=func.coalesce(table.c.sku_id, bindparam("new_sku", type_=Lot.sku_id.type)),
                supplier_id=func.coalesce(table.c.supplier_id, bindparam("new_supplier", type_=Lot.supplier_id.type)),
            )
        )
        db.session.execute(statement, rows)
