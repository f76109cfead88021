"""The one road by which facts enter: a batch of records is checked, compared with what is stored, and written at once.

Records are known by (shop, external id), lines and payments by (order, external id). A record that names a row nobody
has reported makes that row as a stub, which the row's own record completes later. `rehearse()` walks the same road and
writes nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from qtrace.catalog.models import Shop
from qtrace.core.db import db, is_sqlite, require_write
from qtrace.core.errors import NotFound
from qtrace.core.events import record as record_event
from qtrace.orders.bulk import among, insert_rows, last_ids, written_time
from qtrace.orders.events import RECORDS_IMPORTED, RecordsImported
from qtrace.orders.models import LineLot, Lot, Order, OrderLine
from qtrace.orders.rows import Row, Scope, Shape, UnfitError, Value, read_row, shape_of, storable
from qtrace.sdk.records import RECORD_TYPES, Record
from qtrace.sdk.records import OrderLine as LineRecord

MASTER_PLATFORM = "erp"
MASTER_KINDS = frozenset({"products", "suppliers", "warehouses", "lots", "categories"})

Outcome = Literal["stored", "updated", "unchanged", "refused"]
Key = tuple[int, str]

CHUNK = 5000
# Kinds that others name come first, so that a mixed batch makes no stub it would complete a moment later.
ORDER_OF_KINDS = (
    "categories", "suppliers", "products", "warehouses", "customers", "places", "lots", "receipts", "orders", "lines",
    "payments", "shipments", "reviews", "aftersales",
)  # fmt: skip
KIND_OF = {record_type: kind for kind, record_type in RECORD_TYPES.items()}


@dataclass(frozen=True)
class Counts:
    """What became of a batch: an outcome per record, and (index, reason) of those refused."""

    outcomes: tuple[Outcome, ...]
    refused: tuple[tuple[int, str], ...]

    @property
    def stored(self) -> int:
        """Return how many records were new."""
        return self.outcomes.count("stored")

    @property
    def updated(self) -> int:
        """Return how many records changed a row."""
        return self.outcomes.count("updated")

    @property
    def unchanged(self) -> int:
        """Return how many records said nothing new."""
        return self.outcomes.count("unchanged")


@dataclass
class Rehearsal:
    """What a dry run remembers between batches, so that its counts are those of the real run."""

    rows: dict[tuple[str, Key], Row] = field(default_factory=dict)
    ids: dict[tuple[str, str | Key], int] = field(default_factory=dict)
    line_lots: dict[tuple[int, int], tuple[int, str, int]] = field(default_factory=dict)

    def invent(self, kind: str, name: str | Key) -> int:
        """Return a made-up id for a row that a real run would create."""
        return self.ids.setdefault((kind, name), -1 - len(self.ids))


@dataclass
class _Entry:
    """A row in the making: its id once it has one, how it is stored, and how it shall be."""

    id: int | None
    stored: Row | None
    row: Row


@dataclass
class _Batch:
    """Everything one kind's share of a batch works on."""

    shape: Shape
    scope: Scope
    memory: Rehearsal | None
    outcomes: list[Outcome]
    refused: list[tuple[int, str]]
    fit: list[tuple[int, Record, Row]] = field(default_factory=list)
    found: dict[str, dict[str | Key, int]] = field(default_factory=dict)
    entries: dict[Key, _Entry] = field(default_factory=dict)


def store(shop_id: int, records: Sequence[Record], *, now: datetime, by: int | None, source: tuple[str, int]) -> Counts:
    """Store the records inside the open write, record one event per kind with changes, and say what became of each."""
    require_write()
    shop = _shop(shop_id)
    return _walk(shop, records, now=now, memory=None, told=(by, source))


def rehearse(shop: tuple[int, str], records: Sequence[Record], *, now: datetime, memory: Rehearsal) -> Counts:
    """Say what `store` would do in the shop (id, currency), writing nothing; id 0 is a shop still to be opened."""
    return _walk(shop, records, now=now, memory=memory, told=None)


def _shop(shop_id: int) -> tuple[int, str]:
    # the lock keeps two imports of one shop from racing for the same new rows; SQLite has one writer anyway
    statement = select(Shop.id, Shop.currency).where(Shop.id == shop_id).with_for_update()
    row = db.session.execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row.id, row.currency


def _walk(
    shop: tuple[int, str],
    records: Sequence[Record],
    *,
    now: datetime,
    memory: Rehearsal | None,
    told: tuple[int | None, tuple[str, int]] | None,
) -> Counts:
    outcomes: list[Outcome] = ["refused"] * len(records)
    refused: list[tuple[int, str]] = []
    for kind, items in _by_kind(records).items():
        scope = Scope(shop[0], shop[1], now, _order_currencies(shop[0], kind, items))
        batch = _Batch(shape_of(kind), scope, memory, outcomes, refused)
        _check(batch, items)
        _resolve(batch)
        _load(batch)
        _compare(batch)
        if memory is None:
            changed = _write(batch)
            _link_lots(batch, changed)
            if told:
                _tell(batch, changed, items, told)
        else:
            _remember(batch, memory)
            if kind == "lines":
                _new_line_lots(batch, {}, _with_lot(batch))
    return Counts(tuple(outcomes), tuple(sorted(refused)))


def _by_kind(records: Sequence[Record]) -> dict[str, list[tuple[int, Record]]]:
    """Group the records, in the order in which kinds name one another."""
    groups: dict[str, list[tuple[int, Record]]] = {kind: [] for kind in ORDER_OF_KINDS}
    for index, record in enumerate(records):
        groups[KIND_OF[type(record)]].append((index, record))
    return {kind: items for kind, items in groups.items() if items}


def _order_currencies(shop_id: int, kind: str, items: list[tuple[int, Record]]) -> Mapping[str, str]:
    attribute = {"orders": "external_id", "lines": "order", "payments": "order", "aftersales": "order"}.get(kind)
    if attribute is None or (kind == "orders" and all(item.currency for _, item in items)):  # type: ignore[union-attr]  # orders
        return {}
    names = {name for _, item in items if (name := getattr(item, attribute)) and storable(name)}
    statement = select(Order.external_id, Order.currency).where(Order.shop_id == shop_id)
    return {
        row.external_id: row.currency
        for chunk in _chunks(names)
        for row in db.session.execute(statement.where(among(Order.external_id, chunk)))
    }


def _check(batch: _Batch, items: list[tuple[int, Record]]) -> None:
    shape, scope, limits = batch.shape, batch.scope, batch.shape.texts
    for index, record in items:
        try:
            batch.fit.append((index, record, read_row(shape, limits, record, scope)))
        except UnfitError as error:
            batch.refused.append((index, str(error)))


def _resolve(batch: _Batch) -> None:
    """Replace external ids by ids, making stubs of rows that only these records name."""
    for position, kind in batch.shape.names:
        if kind != "lines":
            _find(batch, kind, {str(row[position]) for _, _, row in batch.fit if row[position]})
    if batch.shape.kind == "lines":
        _find(batch, "lots", {record.lot for _, record, _ in _with_lot(batch)})
    positions = [(position, batch.found[kind]) for position, kind in batch.shape.names if kind != "lines"]
    resolved = []
    for index, record, row in batch.fit:
        cells = list(row)
        for position, found in positions:
            cells[position] = found[cells[position]] if cells[position] else None  # type: ignore[index]  # external ids are text
        resolved.append((index, record, tuple(cells)))
    batch.fit = resolved
    if batch.shape.kind == "aftersales":
        _resolve_lines(batch)


def _find(batch: _Batch, kind: str, names: set[str]) -> None:
    found = batch.found.setdefault(kind, {})
    missing = names - found.keys()
    found |= _ids(batch, kind, missing)
    missing -= found.keys()
    if missing and kind in MASTER_KINDS:
        found |= _master_ids(kind, missing)
        missing -= found.keys()
    if not missing:
        return
    if batch.memory is not None:
        found |= {name: batch.memory.invent(kind, name) for name in missing}
        for name in missing:
            key = (batch.scope.shop_id, name)
            batch.memory.rows.setdefault((kind, key), _stub(shape_of(kind), batch.scope, *key))
    else:
        _insert_stubs(batch, kind, missing)
        found |= _ids(batch, kind, missing)


def _master_ids(kind: str, names: Iterable[str]) -> dict[str | Key, int]:
    """Return the ids of master data the ERP holds for every shop; a platform shop names them without owning them."""
    table = shape_of(kind).table
    statement = (
        select(table.c.external_id, table.c.id)
        .join(Shop, Shop.id == table.c.shop_id)
        .where(Shop.platform == MASTER_PLATFORM)
        .order_by(table.c.shop_id.desc())
    )
    return {
        name: row_id
        for chunk in _chunks(names)
        for name, row_id in db.session.execute(statement.where(among(table.c.external_id, chunk)))
    }


def _ids(batch: _Batch, kind: str, names: Iterable[str]) -> dict[str | Key, int]:
    table = shape_of(kind).table
    statement = select(table.c.external_id, table.c.id).where(table.c.shop_id == batch.scope.shop_id)
    return {
        name: row_id
        for chunk in _chunks(names)
        for name, row_id in db.session.execute(statement.where(among(table.c.external_id, chunk)))
    }


def _insert_stubs(batch: _Batch, kind: str, names: set[str]) -> None:
    shape = shape_of(kind)
    rows = [_stub(shape, batch.scope, batch.scope.shop_id, name) for name in sorted(names)]
    insert_rows(shape.table, shape.columns, rows)


def _resolve_lines(batch: _Batch) -> None:
    at = batch.shape.columns.index("line_id")
    order_at = batch.shape.columns.index("order_id")
    wanted = {cast(Key, (row[order_at], row[at])) for _, _, row in batch.fit if row[at]}
    found = _line_ids(wanted)
    missing = wanted - found.keys()
    if missing and batch.memory is not None:
        found |= {key: batch.memory.invent("lines", key) for key in missing}
        for key in missing:
            batch.memory.rows.setdefault(("lines", key), _stub(shape_of("lines"), batch.scope, *key))
    elif missing:
        shape = shape_of("lines")
        rows = [_stub(shape, batch.scope, order, name) for order, name in sorted(missing)]
        insert_rows(shape.table, shape.columns, rows)
        found |= _line_ids(missing)
    batch.fit = [
        (index, record, (*row[:at], found[cast(Key, (row[order_at], row[at]))] if row[at] else None, *row[at + 1 :]))
        for index, record, row in batch.fit
    ]


def _line_ids(keys: set[Key]) -> dict[Key, int]:
    statement = select(OrderLine.order_id, OrderLine.external_id, OrderLine.id)
    return {
        (row.order_id, row.external_id): row.id
        for chunk in _chunks({order for order, _ in keys})
        for row in db.session.execute(statement.where(among(OrderLine.order_id, chunk)))
        if (row.order_id, row.external_id) in keys
    }


def _stub(shape: Shape, scope: Scope, owner: int, name: str) -> Row:
    """Return the row of which only the external id is known."""
    cells: list[Value] = [owner, name, *shape.blank[2:]]
    if shape.called is not None:
        cells[shape.called] = name
    if shape.kind == "orders":
        cells[shape.columns.index("currency")] = scope.currency
    return tuple(cells)


def _load(batch: _Batch) -> None:
    """Read the stored rows that the records are about."""
    shape, table = batch.shape, batch.shape.table
    statement = select(table.c.id, *(table.c[column] for column in shape.columns))
    if shape.owner == "shop_id":
        statement = statement.where(table.c.shop_id == batch.scope.shop_id)
        column, wanted = table.c.external_id, {row[1] for _, _, row in batch.fit}
    else:
        column, wanted = table.c[shape.owner], {row[0] for _, _, row in batch.fit}
    for chunk in _chunks(wanted):
        for row_id, *cells in db.session.execute(statement.where(among(column, chunk))):
            row = tuple(cells)
            batch.entries[(row[0], row[1])] = _Entry(row_id, row, row)


def _compare(batch: _Batch) -> None:
    """Merge every record into its row, in order, and note its outcome."""
    shape, entries, memory = batch.shape, batch.entries, batch.memory
    for index, _record, given in batch.fit:
        key = cast(Key, given[:2])
        entry = entries.get(key)
        if entry is None:
            planned = memory.rows.get((shape.kind, key)) if memory else None
            entry = entries[key] = _Entry(None, planned, planned or _stub(shape, batch.scope, *key))
            fresh = planned is None
        else:
            fresh = False
        if not fresh and shape.stub is not None:
            fresh = entry.row[shape.stub[0]] == shape.stub[1]
        merged = tuple([old if new is None or new == "" else new for new, old in zip(given, entry.row, strict=True)])
        if fresh:
            batch.outcomes[index] = "stored"
        elif merged != entry.row:
            batch.outcomes[index] = "updated"
        else:
            batch.outcomes[index] = "unchanged"
        entry.row = merged


def _remember(batch: _Batch, memory: Rehearsal) -> None:
    for key, entry in batch.entries.items():
        if entry.row != entry.stored:
            memory.rows[(batch.shape.kind, key)] = entry.row


def _write(batch: _Batch) -> dict[Key, int]:
    """Write new and changed rows; return the ids of both."""
    shape, table = batch.shape, batch.shape.table
    new = [entry.row for entry in batch.entries.values() if entry.id is None]
    changed = {key: entry for key, entry in batch.entries.items() if entry.id is not None and entry.row != entry.stored}
    if new:
        insert_rows(table, shape.columns, new)
    if changed:
        statement = update(table).where(table.c.id == bindparam("row_id"))
        statement = statement.values({column: bindparam(f"new_{column}") for column in shape.columns[2:]})
        names = [f"new_{column}" for column in shape.columns[2:]]
        rows = [{"row_id": entry.id, **dict(zip(names, entry.row[2:], strict=True))} for entry in changed.values()]
        db.session.execute(statement, rows)
    ids = {key: cast(int, entry.id) for key, entry in changed.items()}
    if new and shape.kind != "places":
        ids |= _new_ids(shape, batch.scope, [cast(Key, row[:2]) for row in new])
    return ids


def _new_ids(shape: Shape, scope: Scope, keys: list[Key]) -> dict[Key, int]:
    given = last_ids(shape.table, len(keys))
    if given is not None:
        return dict(zip(keys, given, strict=True))
    table, wanted = shape.table, set(keys)
    statement = select(table.c[shape.owner], table.c.external_id, table.c.id)
    if shape.owner == "shop_id":
        statement, column = statement.where(table.c.shop_id == scope.shop_id), table.c.external_id
        values: set[Value] = {name for _, name in keys}
    else:
        column, values = table.c[shape.owner], {owner for owner, _ in keys}
    return {
        (owner, name): row_id
        for chunk in _chunks(values)
        for owner, name, row_id in db.session.execute(statement.where(among(column, chunk)))
        if (owner, name) in wanted
    }


def _link_lots(batch: _Batch, changed: dict[Key, int]) -> None:
    """Keep which lot each line was served from, and complete lots by what lines and receipts say of them."""
    if batch.shape.kind == "lines":
        named = _with_lot(batch)
        _store_line_lots(batch, changed, named)
        lots = batch.found["lots"]
        _complete_lots([(lots[record.lot], row[4], row[5]) for _, record, row in named if record.kind == "item"])
    elif batch.shape.kind == "receipts":
        _complete_lots([(row[4], row[5], row[2]) for _, _, row in batch.fit if row[4]])


def _with_lot(batch: _Batch) -> list[tuple[int, LineRecord, Row]]:
    return [(index, record, row) for index, record, row in batch.fit if isinstance(record, LineRecord) and record.lot]


def _store_line_lots(batch: _Batch, changed: dict[Key, int], named: list[tuple[int, LineRecord, Row]]) -> None:
    news = _new_line_lots(batch, changed, named)
    if news:
        rows = [
            {"line_id": line, "lot_id": lot, "quantity": quantity, "method": method, "confidence": confidence}
            for (line, lot), (quantity, method, confidence) in news.items()
        ]
        statement = (sqlite_insert if is_sqlite() else pg_insert)(LineLot.__table__)  # type: ignore[arg-type]  # a Table
        again = {name: statement.excluded[name] for name in ("quantity", "method", "confidence")}
        db.session.execute(statement.on_conflict_do_update(index_elements=["line_id", "lot_id"], set_=again), rows)


def _new_line_lots(
    batch: _Batch, changed: dict[Key, int], named: list[tuple[int, LineRecord, Row]]
) -> dict[tuple[int, int], tuple[int, str, int]]:
    """Return the links that are new or different; a line with one counts as updated."""
    memory = batch.memory
    line_ids = {key: entry.id for key, entry in batch.entries.items() if entry.id is not None} | changed
    if memory is not None:
        line_ids |= {key: memory.invent("lines", key) for key, entry in batch.entries.items() if entry.id is None}
    known = _stored_line_lots({line_ids[cast(Key, row[:2])] for _, _, row in named})
    news = memory.line_lots if memory is not None else {}
    for index, record, row in named:
        key = cast(Key, row[:2])
        pair = (line_ids[key], batch.found["lots"][record.lot])
        link = (record.quantity, record.lot_method, record.lot_confidence)
        if (news.get(pair) or known.get(pair)) == link:
            continue
        news[pair] = link
        changed[key] = pair[0]
        if batch.outcomes[index] == "unchanged":
            batch.outcomes[index] = "updated"
    return news


def _stored_line_lots(lines: set[int]) -> dict[tuple[int, int], tuple[int, str, int]]:
    statement = select(LineLot.line_id, LineLot.lot_id, LineLot.quantity, LineLot.method, LineLot.confidence)
    return {
        (row.line_id, row.lot_id): (row.quantity, row.method, row.confidence)
        for chunk in _chunks(lines)
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


def _tell(
    batch: _Batch,
    changed: dict[Key, int],
    items: list[tuple[int, Record]],
    told: tuple[int | None, tuple[str, int]],
) -> None:
    outcomes = Counter(batch.outcomes[index] for index, _ in items)
    if not (outcomes["stored"] or outcomes["updated"]):
        return
    by, source = told
    imported = RecordsImported(
        kind=batch.shape.kind, shop_id=batch.scope.shop_id, ids=sorted(changed.values()), stored=outcomes["stored"],
        updated=outcomes["updated"], unchanged=outcomes["unchanged"], refused=outcomes["refused"],
        sha256=_digest(items),
    )  # fmt: skip
    record_event(RECORDS_IMPORTED, subject=source, by=by, now=batch.scope.now, body=imported.body())


def _digest(items: list[tuple[int, Record]]) -> str:
    digest = hashlib.sha256()
    for _, record in items:
        texts = [written_time(value) if type(value) is datetime else str(value) for value in vars(record).values()]
        digest.update("\x1f".join(texts).encode("utf-8", "backslashreplace"))
        digest.update(b"\x1e")
    return digest.hexdigest()


def _chunks(values: Iterable[Value]) -> Iterable[list[Value]]:
    ordered = list(values)
    return (ordered[at : at + CHUNK] for at in range(0, len(ordered), CHUNK))
