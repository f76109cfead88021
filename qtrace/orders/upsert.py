"""The one road by which facts enter: a batch of records is checked, compared with what is stored, and written at once.

Records are known by (shop, external id), lines and payments by (order, external id). A record that names a row nobody
has reported makes that row as a stub, which the row's own record completes later. `rehearse()` walks the same road and
writes nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import bindparam, select, update

from qtrace.catalog.models import Shop
from qtrace.core.db import db, require_write
from qtrace.core.errors import NotFound
from qtrace.core.events import record as record_event
from qtrace.orders.batch import Batch, Entry, Key, Outcome, Rehearsal, chunks
from qtrace.orders.bulk import among, insert_rows, last_ids, written_time
from qtrace.orders.crossing import cross
from qtrace.orders.events import RECORDS_IMPORTED, RecordsImported
from qtrace.orders.facts import Scope, Value, storable
from qtrace.orders.frames import Frame, Frames, framed
from qtrace.orders.kits import expand_kits
from qtrace.orders.line_lots import link_lots, rehearse_lots
from qtrace.orders.models import Order, OrderLine
from qtrace.orders.rows import read_columns, shape_of
from qtrace.orders.shapes import Row, Shape
from qtrace.sdk.records import Record

MASTER_PLATFORM = "erp"
MASTER_KINDS = frozenset({"products", "suppliers", "warehouses", "lots", "categories"})


@dataclass(frozen=True)
class Written:
    """What a batch wrote of one kind: the ids of new rows, and by id what changed of others as (before, after)."""

    kind: str
    made: Sequence[int]
    changed: Mapping[int, Mapping[str, tuple[Value, Value]]]


@dataclass(frozen=True)
class Counts:
    """What became of a batch: an outcome per place, (index, reason) of the records refused, and what was written."""

    outcomes: tuple[Outcome, ...]
    refused: tuple[tuple[int, str], ...]
    written: tuple[Written, ...] = ()

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


def store(
    shop_id: int, records: Sequence[Record] | Frames, *, now: datetime, by: int | None, source: tuple[str, int]
) -> Counts:
    """Store the records inside the open write, record one event per kind with changes, and say what became of each."""
    require_write()
    return _walk(_shop(shop_id), records, now=now, memory=None, told=(by, source))


def rehearse(shop: tuple[int, str], records: Sequence[Record] | Frames, *, now: datetime, memory: Rehearsal) -> Counts:
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
    records: Sequence[Record] | Frames,
    *,
    now: datetime,
    memory: Rehearsal | None,
    told: tuple[int | None, tuple[str, int]] | None,
) -> Counts:
    frames = records if isinstance(records, Frames) else framed(records)
    outcomes: list[Outcome] = ["refused"] * frames.size
    refused: list[tuple[int, str]] = []
    found: dict[str, dict[str | Key, int]] = {}
    currencies: dict[str, str] = {}
    written: list[Written] = []
    for frame in frames.by_kind():
        currencies |= _order_currencies(shop[0], frame, currencies)
        scope = Scope(shop[0], shop[1], now, currencies)
        batch = Batch(shape_of(frame.kind), scope, memory, outcomes, refused, found, frame)
        _check(batch)
        _resolve(batch)
        _load(batch)
        _compare(batch)
        if frame.kind == "orders":
            currencies |= {name: str(entry.row[4]) for (_, name), entry in batch.entries.items()}
        if memory is None:
            changed = _write(batch)
            link_lots(batch, changed)
            cross(batch, changed, expand_kits(batch, changed))
            written += _written(batch, changed)
            if told:
                _tell(batch, changed, frame, told)
        else:
            _remember(batch, memory)
            rehearse_lots(batch)
    return Counts(tuple(outcomes), tuple(sorted(refused)), tuple(written))


def _written(batch: Batch, changed: Mapping[Key, int]) -> list[Written]:
    """Return what the batch wrote: the numbers that were only named, then the rows themselves."""
    columns = batch.shape.columns
    before = {
        changed[key]: {
            column: (old, new) for column, old, new in zip(columns, entry.stored, entry.row, strict=True) if old != new
        }
        for key, entry in batch.entries.items()
        if entry.id is not None and entry.stored is not None and entry.row != entry.stored
    }
    made = [row_id for key, row_id in changed.items() if row_id not in before] if before else list(changed.values())
    named = [Written(kind, ids, {}) for kind, ids in batch.stubs.items()]
    return [*named, Written(batch.shape.kind, made, before)] if made or before else named


def _order_currencies(shop_id: int, frame: Frame, known: Mapping[str, str]) -> dict[str, str]:
    """Return the currencies of stored orders that the records name and that are not known yet."""
    name = {"orders": "external_id", "lines": "order", "payments": "order", "aftersales": "order"}.get(frame.kind)
    if name is None or (frame.kind == "orders" and all(frame.fields["currency"])):
        return {}
    names = [order for order in set(frame.fields[name]) - known.keys() if order and storable(order)]
    statement = select(Order.external_id, Order.currency).where(Order.shop_id == shop_id)
    return {
        row.external_id: row.currency
        for chunk in chunks(names)
        for row in db.session.execute(statement.where(among(Order.external_id, chunk)))
    }


def _check(batch: Batch) -> None:
    """Read the records as columns and go on with those that can be stored."""
    frame = batch.frame
    batch.columns, refused = read_columns(batch.shape, frame.fields, len(frame.index), batch.scope)
    if refused:
        batch.refused += [(frame.index[at], reason) for at, reason in refused.items()]
        kept = [at for at in range(len(frame.index)) if at not in refused]
        batch.frame = frame.only(kept)
        batch.columns = [[column[at] for at in kept] for column in batch.columns]


def _resolve(batch: Batch) -> None:
    """Replace external ids by ids, making stubs of rows that only these records name."""
    for at, kind in batch.shape.names:
        if kind != "lines":
            column = batch.columns[at]
            ids = _find(batch, kind, set(column) - {""})
            batch.columns[at] = [ids[name] if name else None for name in column]
    if batch.shape.kind == "lines":
        _find(batch, "lots", set(batch.frame.fields["lot"]) - {""})
    elif batch.shape.kind == "aftersales":
        _resolve_lines(batch)


def _find(batch: Batch, kind: str, names: set[str]) -> Mapping[str | Key, int]:
    """Return the ids of rows by name, those already looked up for this batch among them."""
    found = batch.found.setdefault(kind, {})
    missing = names - found.keys()
    found |= _ids(batch, kind, missing)
    missing -= found.keys()
    if missing and kind in MASTER_KINDS:
        found |= _master_ids(kind, missing)
        missing -= found.keys()
    if missing and batch.memory is not None:
        found |= {name: batch.memory.invent(kind, name) for name in missing}
        for name in missing:
            key = (batch.scope.shop_id, name)
            batch.memory.rows.setdefault((kind, key), _stub(shape_of(kind), batch.scope, *key))
    elif missing:
        _insert_stubs(batch, kind, missing)
        stubs = _ids(batch, kind, missing)
        batch.stubs.setdefault(kind, []).extend(stubs.values())
        found |= stubs
    return found


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
        for chunk in chunks(names)
        for name, row_id in db.session.execute(statement.where(among(table.c.external_id, chunk))).all()
    }


def _ids(batch: Batch, kind: str, names: Iterable[str]) -> dict[str | Key, int]:
    table = shape_of(kind).table
    statement = select(table.c.external_id, table.c.id).where(table.c.shop_id == batch.scope.shop_id)
    return {
        name: row_id
        for chunk in chunks(names)
        for name, row_id in db.session.execute(statement.where(among(table.c.external_id, chunk))).all()
    }


def _insert_stubs(batch: Batch, kind: str, names: set[str]) -> None:
    shape = shape_of(kind)
    rows = [_stub(shape, batch.scope, batch.scope.shop_id, name) for name in sorted(names)]
    insert_rows(shape.table, shape.columns, rows)


def _resolve_lines(batch: Batch) -> None:
    at, order_at = batch.shape.columns.index("line_id"), batch.shape.columns.index("order_id")
    named = [
        (order, line) if line else None for order, line in zip(batch.columns[order_at], batch.columns[at], strict=True)
    ]
    wanted = {cast(Key, key) for key in named if key}
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
        stubs = _line_ids(missing)
        batch.stubs.setdefault("lines", []).extend(stubs.values())
        found |= stubs
    batch.columns[at] = [found[key] if key else None for key in named]


def _line_ids(keys: set[Key]) -> dict[Key, int]:
    statement = select(OrderLine.order_id, OrderLine.external_id, OrderLine.id)
    return {
        (row.order_id, row.external_id): row.id
        for chunk in chunks({order for order, _ in keys})
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


def _load(batch: Batch) -> None:
    """Read the stored rows that the records are about."""
    shape, table = batch.shape, batch.shape.table
    statement = select(table.c.id, *(table.c[column] for column in shape.columns))
    if shape.owner == "shop_id":
        statement = statement.where(table.c.shop_id == batch.scope.shop_id)
        column, wanted = table.c.external_id, set(batch.columns[1])
    else:
        column, wanted = table.c[shape.owner], set(batch.columns[0])
    for chunk in chunks(wanted):
        for row_id, *cells in db.session.execute(statement.where(among(column, chunk))):
            row = tuple(cells)
            batch.entries[(row[0], row[1])] = Entry(row_id, row, row)


def _compare(batch: Batch) -> None:
    """Merge every record into its row, in order, and note its outcome."""
    shape, entries, outcomes = batch.shape, batch.entries, batch.outcomes
    planned = batch.memory.rows if batch.memory else {}
    given = zip(*batch.columns, strict=True)
    for index, key, said, new in zip(batch.frame.index, batch.keys(), given, _as_new(batch), strict=True):
        entry = entries.get(key)
        if entry is None:
            row = planned.get((shape.kind, key))
            if row is None:
                entries[key] = Entry(None, None, new)
                outcomes[index] = "stored"
                continue
            entry = entries[key] = Entry(None, row, row)
        merged = tuple([old if new is None or new == "" else new for new, old in zip(said, entry.row, strict=True)])
        if shape.stub is not None and entry.row[shape.stub[0]] == shape.stub[1]:
            outcomes[index] = "stored"
        else:
            outcomes[index] = "updated" if merged != entry.row else "unchanged"
        entry.row = merged


def _as_new(batch: Batch) -> Iterable[Row]:
    """Return the records as they are stored when nothing is known before."""
    shape, columns = batch.shape, list(batch.columns)
    for at, blank in enumerate(_stub(shape, batch.scope, 0, "")):
        unsaid = {None, ""} - {blank}
        if any(value in columns[at] for value in unsaid):
            columns[at] = [blank if value is None or value == "" else value for value in columns[at]]
    if shape.called is not None:
        columns[shape.called] = [name or key for name, key in zip(columns[shape.called], columns[1], strict=True)]
    return zip(*columns, strict=True)


def _remember(batch: Batch, memory: Rehearsal) -> None:
    for key, entry in batch.entries.items():
        if entry.row != entry.stored:
            memory.rows[(batch.shape.kind, key)] = entry.row


def _write(batch: Batch) -> dict[Key, int]:
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
    if shape.owner == "shop_id":  # the kinds that come after this one name these rows
        batch.found.setdefault(shape.kind, {}).update({name: row_id for (_, name), row_id in ids.items()})
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
        for chunk in chunks(values)
        for owner, name, row_id in db.session.execute(statement.where(among(column, chunk)))
        if (owner, name) in wanted
    }


def _tell(batch: Batch, changed: dict[Key, int], frame: Frame, told: tuple[int | None, tuple[str, int]]) -> None:
    outcomes = Counter([batch.outcomes[index] for index in frame.index])
    if not (outcomes["stored"] or outcomes["updated"]):
        return
    by, source = told
    imported = RecordsImported(
        kind=batch.shape.kind, shop_id=batch.scope.shop_id, ids=sorted(changed.values()), stored=outcomes["stored"],
        updated=outcomes["updated"], unchanged=outcomes["unchanged"], refused=outcomes["refused"],
        sha256=_digest(frame),
    )  # fmt: skip
    record_event(RECORDS_IMPORTED, subject=source, by=by, now=batch.scope.now, body=imported.body())


def _digest(frame: Frame) -> str:
    """Return the digest of all records of the frame, field by field."""
    digest = hashlib.sha256()
    for name in sorted(frame.fields):
        column = frame.fields[name]
        kinds = set(map(type, column))
        timed = [written_time(value) if value else "" for value in column] if datetime in kinds else None
        texts = timed or (column if kinds == {str} else map(str, column))
        digest.update("\x1f".join([name, *texts]).encode("utf-8", "backslashreplace"))
        digest.update(b"\x1e")
    return digest.hexdigest()
