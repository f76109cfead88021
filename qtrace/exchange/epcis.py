"""Events of other companies taken in: read, stored as any import stores, counted event by event."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import or_, select

from qtrace.catalog.models import Shop, Sku
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.gs1.elements import article_numbers
from qtrace.issues.intake import store
from qtrace.orders.bulk import among
from qtrace.orders.models import Lot
from qtrace.orders.upsert import MASTER_PLATFORM, Counts
from qtrace.sdk.records import RECORD_TYPES, Record
from qtrace.trace.epcis_reading import Event, Known, Reading, gtins_of, load_events, lots_of, read_events

CHUNK = 500
KINDS = {make: kind for kind, make in RECORD_TYPES.items()}


@dataclass(frozen=True)
class Taken:
    """What a document holds: every event with its records, their kinds counted, and what the store said of them."""

    readings: tuple[Reading, ...]
    kinds: dict[str, int]
    stored: dict[str, int]
    reasons: tuple[str, ...]

    @property
    def read(self) -> int:
        """Return how many events became records."""
        return sum(1 for one in self.readings if one.records)


def read_file(content: bytes, shop_key: str) -> tuple[int, tuple[Reading, ...]]:
    """Return the shop's id and what each event becomes there; refuse a file that holds nothing we keep."""
    shop_id = db.session.scalar(select(Shop.id).where(Shop.key == shop_key))
    if shop_id is None:
        raise Refused(_("请选择这些记录属于哪个店铺。"), field="shop")
    events = load_events(content)
    return shop_id, tuple(read_events(events, _known(events, shop_id)))


def take(shop_id: int, readings: Sequence[Reading], *, by: int | None, now: datetime) -> Taken:
    """Store what the events became, inside the open write."""
    records = [record for one in readings for record in one.records]
    counts = store(shop_id, records, now=now, by=by, source=("shop", shop_id)) if records else Counts((), (), ())
    return taken(readings, counts)


def taken(readings: Sequence[Reading], counts: Counts | None = None) -> Taken:
    """Return the answer to a document; without counts nothing was stored."""
    records: list[Record] = [record for one in readings for record in one.records]
    kinds = Counter(KINDS[type(record)] for record in records)
    outcomes = Counter[str](counts.outcomes if counts else ())
    reasons = tuple(dict.fromkeys(reason for _at, reason in counts.refused)) if counts else ()
    return Taken(tuple(readings), dict(kinds), dict(outcomes), reasons)


def _known(events: Sequence[Event], shop_id: int) -> Known:
    """Return what the shop, or the ERP for all shops, knows of the goods the events name."""
    site = current_app.config["QTRACE_BASE_URL"]
    ways = {way: gtin for gtin in gtins_of(events) for way in article_numbers(gtin)}
    ours = or_(Shop.id == shop_id, Shop.platform == MASTER_PLATFORM)
    skus: dict[str, str] = {}
    for codes in _chunks(sorted(ways)):
        statement = select(Sku.barcode, Sku.external_id).join(Shop, Shop.id == Sku.shop_id)
        for barcode, code in db.session.execute(
            statement.where(among(Sku.barcode, codes), ours).order_by(Sku.id.desc())
        ):
            skus[ways[barcode]] = code
    lots: dict[str, str] = {}
    for numbers in _chunks(sorted(lots_of(events, site=site))):
        known = select(Lot.external_id, Sku.external_id).join(Sku, Sku.id == Lot.sku_id)
        for lot, code in db.session.execute(known.where(Lot.shop_id == shop_id, among(Lot.external_id, numbers))):
            lots[lot] = code
    return Known(skus, lots, site)


def _chunks(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[at : at + CHUNK] for at in range(0, len(values), CHUNK)]
