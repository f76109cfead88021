"""One platform line that stands for several goods: its parts become lines of their own, as composed on that day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from qtrace.catalog.goods_models import KitPart
from qtrace.catalog.models import Shop, Sku
from qtrace.core.db import db, table_of
from qtrace.orders.batch import Batch, Key, chunks
from qtrace.orders.bulk import among, insert_rows
from qtrace.orders.facts import MAX_ID, Value
from qtrace.orders.models import Order, OrderLine

COLUMNS = [
    "order_id",
    "external_id",
    "kind",
    "parent_external_id",
    "sku_id",
    "quantity",
    "price_minor",
    "freight_minor",
]


@dataclass(frozen=True)
class Part:
    """What a kit holds from one day until another, both included."""

    sku_id: int
    code: str
    kind: str
    quantity: int
    first: date | None
    last: date | None

    def holds_on(self, day: date) -> bool:
        """Say whether the kit holds it on that day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def parts_on(parts: Sequence[Part], day: date | None) -> list[Part]:
    """Return what a kit holds on a day: of two compositions of one part the later one; no day is today's question."""
    held: dict[int, Part] = {}
    for part in sorted(parts, key=lambda one: one.first or date.min):
        if part.holds_on(day) if day else part.last is None:
            held[part.sku_id] = part
    return list(held.values())


def expand_kits(batch: Batch, changed: Mapping[Key, int]) -> list[int]:
    """Give the kit lines that a batch of lines or compositions touches their parts; return the ids of those lines.

    A line whose parts the source names itself, or that has been given parts before, stays as it is.
    """
    if batch.shape.kind == "lines":
        return _expand(OrderLine.id, list(changed.values()))
    if batch.shape.kind == "kit_parts":
        at = batch.shape.columns.index("kit_id")
        kits = {entry.row[at] for entry in batch.entries.values() if entry.row != entry.stored}
        return _expand(OrderLine.sku_id, [kit for kit in kits if isinstance(kit, int)])
    return []


def derived_parts(line_ids: Sequence[int]) -> list[int]:
    """Return the ids of the part lines that were made for these lines."""
    parent = aliased(OrderLine)
    made = OrderLine.external_id.startswith(parent.external_id + "+", autoescape=False)
    statement = (
        select(OrderLine.id)
        .join(parent, parent.order_id == OrderLine.order_id)
        .where(OrderLine.parent_external_id == parent.external_id, made, among(parent.id, line_ids))
    )
    return list(db.session.scalars(statement))


def _expand(column: InstrumentedAttribute[Any], ids: Sequence[int]) -> list[int]:
    if not ids or db.session.scalar(select(KitPart.id).limit(1)) is None:
        return []
    expanded: list[int] = []
    for chunk in chunks(ids):
        rows = db.session.execute(_bare_kits().where(among(column, chunk))).all()
        parts = _parts({row.sku_id for row in rows})
        news = [new for row in rows for new in _part_lines(row, parts[row.sku_id])]
        if news:
            insert_rows(table_of(OrderLine), COLUMNS, news)
            expanded += [row.id for row in rows]
    return expanded


def _bare_kits() -> Any:
    """Select the lines of kits that no part refers to, with what is needed to make the parts."""
    child = aliased(OrderLine)
    has_parts = select(child.id).where(
        child.order_id == OrderLine.order_id, child.parent_external_id == OrderLine.external_id
    )
    return (
        select(
            OrderLine.id, OrderLine.order_id, OrderLine.external_id, OrderLine.sku_id, OrderLine.quantity,
            Order.placed_at, Shop.zone,
        )
        .join(Order, Order.id == OrderLine.order_id)
        .join(Shop, Shop.id == Order.shop_id)
        .where(
            OrderLine.quantity > 0,
            OrderLine.kind.in_(("item", "kit")),
            OrderLine.sku_id.in_(select(KitPart.kit_id)),
            ~has_parts.exists(),
        )
    )  # fmt: skip


def _parts(kits: set[int]) -> Mapping[int, Sequence[Part]]:
    found: dict[int, list[Part]] = {kit: [] for kit in kits}
    statement = select(KitPart, Sku.id, Sku.external_id).join(Sku, Sku.id == KitPart.part_id)
    for row, part, code in db.session.execute(
        statement.where(among(KitPart.kit_id, sorted(kits))).order_by(KitPart.id)
    ):
        found[row.kit_id or 0].append(Part(part, code, row.kind, row.quantity, row.valid_from, row.valid_until))
    return found


def _part_lines(row: Any, parts: Sequence[Part]) -> list[tuple[Value, ...]]:
    day = row.placed_at.astimezone(ZoneInfo(row.zone)).date() if row.placed_at else None
    return [
        (row.order_id, f"{row.external_id}+{part.code}"[:MAX_ID], part.kind, row.external_id, part.sku_id,
         row.quantity * part.quantity, 0, 0)
        for part in parts_on(parts, day)
    ]  # fmt: skip
