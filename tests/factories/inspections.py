"""Inspections of the serum: plans, lots one after another, and what is found in them."""

from typing import Any

from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.inspections.checks import Said
from qtrace.inspections.models import Inspection, InspectionPlan, SwitchingSeries
from qtrace.inspections.series import Goods as Inspected
from qtrace.inspections.service import Findings, NewInspection, judge, save_findings, start_inspection
from qtrace.orders.models import Lot
from tests.conftest import NOW, user_id
from tests.factories.issues import Goods, anew

TODAY = NOW.date()


def make_plan(**values: Any) -> int:
    """Add a standing plan for every incoming lot and return its id."""
    given = {"name": "通用来料", "kind": "incoming", "level": "II", "aql_major": "2.5", "aql_minor": "4.0", "consequence": "stop",
             "items": []} | values  # fmt: skip
    with write() as session:
        plan = InspectionPlan(**given, created_at=NOW)
        session.add(plan)
        session.flush()
        return plan.id


def inspected(goods: Goods, **values: Any) -> Inspected:
    """Return the lot of the serum as an inspection names it."""
    known = {"shop_id": goods.shop, "sku_id": goods.sku, "supplier_id": goods.supplier, "lot_id": goods.lot}
    return Inspected(**(known | values))


def next_lot(goods: Goods, number: str) -> int:
    """Add another lot of the serum and return its id."""
    with write() as session:
        lot = Lot(shop_id=goods.shop, external_id=number, sku_id=goods.sku, supplier_id=goods.supplier)
        session.add(lot)
        session.flush()
        return lot.id


def start(goods: Goods, *, by: str = "inspector", quantity: int = 500, kind: str = "incoming", previous: int | None = None,
          **values: Any) -> Inspection:  # fmt: skip
    """Begin an inspection of the serum's lot and return it."""
    new = NewInspection(kind=kind, goods=inspected(goods, **values), quantity=quantity, previous_id=previous)
    with write() as session:
        found = start_inspection(new, by=session.get_one(User, user_id(by)), now=NOW, on=TODAY).id
    return anew(Inspection, found)


def finish(inspection: Inspection, found: dict[str, int] | None = None, *, said: dict[int, Said] | None = None,
           by: str = "inspector") -> Inspection:  # fmt: skip
    """Record what was found, give the verdict and return the inspection."""
    findings = Findings(found=found or {}, said=said or {})
    with write():
        judge(
            save_findings(inspection.id, findings, seen=inspection.version, by=user_id(by), now=NOW),
            by=user_id(by),
            now=NOW,
        )
    return anew(Inspection, inspection.id)


def lots(goods: Goods, verdicts: str, **values: Any) -> list[Inspection]:
    """Inspect lots one after another, + accepted and - refused by their major defects."""
    return [finish(start(goods, **values), {"major": 0 if verdict == "+" else 50}) for verdict in verdicts]


def series_of(key: str = "major", kind: str = "incoming") -> SwitchingSeries:
    """Return the one series of a class as it is now."""
    db.session.remove()
    return db.session.scalars(
        select(SwitchingSeries).where(SwitchingSeries.key == key, SwitchingSeries.kind == kind)
    ).one()
