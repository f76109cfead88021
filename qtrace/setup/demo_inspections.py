"""The demonstration's incoming inspections: a standing plan, the newest deliveries, one refused and one begun."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Row, select

from qtrace.accounts.models import User
from qtrace.core.db import db, read, write
from qtrace.inspections.checks import Said
from qtrace.inspections.planning import PlanContent, add_plan
from qtrace.inspections.series import Goods
from qtrace.inspections.service import Findings, NewInspection, judge, save_findings, start_inspection
from qtrace.orders.models import Lot, Receipt

DELIVERIES = 24
LOT_SIZES = (150, 280, 500, 800, 1200)
PLAN = PlanContent(
    name="通用来料", kind="incoming", aql_critical="0", aql_major="2.5", aql_minor="4.0", consequence="stop",
    measured_level="S-2", items=("外箱完好,批号清晰", "净重偏差 | -3 | 3 | %"),
)  # fmt: skip
WORDS = "同一箱里集中出现,已拍照,其余箱正常。"

Delivery = Row[datetime | None, int, int, int | None, int, int | None]


def fill_inspections(people: Mapping[str, int], *, seed: int, now: datetime) -> None:
    """Inspect the newest deliveries: the last but one is refused, the last is still being looked at."""
    chance = random.Random(seed)  # noqa: S311 -- a repeatable demonstration, no secret
    inspector = people["inspector"]
    with write():
        add_plan(PLAN, by=people["quality_lead"], now=now - timedelta(days=200))
    deliveries = _newest()
    for place, delivery in enumerate(deliveries, start=1):
        left = len(deliveries) - place
        at = now - timedelta(hours=1 if not left else 3 + 26 * (left - 1))
        with write() as session:
            goods = Goods(delivery.shop_id, delivery.sku_id, delivery.supplier_id, delivery.lot_id, delivery.id)
            new = NewInspection(kind="incoming", goods=goods, quantity=chance.choice(LOT_SIZES))
            begun = start_inspection(new, by=session.get_one(User, inspector), now=at, on=at.date())
            if left:
                _judge(begun.id, chance, refused=left == 1, by=inspector, at=at + timedelta(minutes=40))


def _newest() -> list[Delivery]:
    with read():
        rows = db.session.execute(
            select(
                Receipt.received_at, Receipt.id, Receipt.shop_id, Receipt.supplier_id, Receipt.lot_id, Receipt.sku_id
            )
            .join(Lot, Lot.id == Receipt.lot_id)
            .where(Receipt.received_at.is_not(None), Receipt.sku_id.is_not(None))
            .order_by(Receipt.received_at.desc(), Receipt.id.desc())
            .limit(DELIVERIES)
        ).all()
    return list(reversed(rows))  # type: ignore[arg-type]  # the lot was joined, so it is there


def _judge(inspection_id: int, chance: random.Random, *, refused: bool, by: int, at: datetime) -> None:
    found = (
        {"major": 7, "minor": 2}
        if refused
        else {"major": chance.choice((0, 0, 0, 1)), "minor": chance.choice((0, 0, 1))}
    )
    weights = " ".join(f"{chance.randint(-20, 20) / 10:.1f}" for _piece in range(5))
    said = {0: Said("pass"), 1: Said(measured=weights)}
    findings = Findings(found=found, said=said, note=WORDS if refused else "")
    kept = save_findings(inspection_id, findings, seen=1, by=by, now=at)
    judge(kept, by=by, now=at)
