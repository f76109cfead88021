"""Reads of inspections. They are facts about goods, like lots: who may see inspections sees them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from qtrace.catalog.models import Category, Shop, Sku, Supplier
from qtrace.catalog.queries import skus_by_code
from qtrace.core.db import UtcDateTime, db, existing
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.forms.models import Form
from qtrace.inspections.filters import Filters
from qtrace.inspections.models import (
    Inspection,
    InspectionPhoto,
    InspectionPlan,
    SwitchingSeries,
    SwitchingStep,
)
from qtrace.inspections.sampling import State
from qtrace.inspections.series import Goods
from qtrace.inspections.switching import SCORE_TO_RELAX
from qtrace.orders.models import Lot, Receipt
from qtrace.orders.queries import clean_number

PAGE = 50
MOST_FOUND = 20
MOST_SERIES = 100
MOST_SUPPLIERS = 300


@dataclass(frozen=True)
class Page:
    """One page of the list and where the next one begins."""

    rows: Sequence[Inspection]
    next: str


@dataclass(frozen=True)
class Candidate:
    """Something a scanned number leads to that can be inspected."""

    key: str  # lot-7, receipt-3, sku-9: what the form sends back
    goods: Goods
    sku: Sku | None
    supplier: Supplier | None
    lot: Lot | None = None
    receipt: Receipt | None = None
    quantity: int = 0  # as received, 0 where unknown


def inspection_page(filters: Filters, *, after: str = "", size: int = PAGE) -> Page:
    """Return one page, newest first; `after` is where the page before ended."""
    statement = _with_goods(select(Inspection)).where(*_matching(filters))
    if place := _read_place(after):
        here = tuple_(literal(place[0], UtcDateTime()), literal(place[1]))
        statement = statement.where(tuple_(Inspection.created_at, Inspection.id) < here)
    statement = statement.order_by(Inspection.created_at.desc(), Inspection.id.desc()).limit(size + 1)
    rows = db.session.scalars(statement.options(*_shown())).all()
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], f"{last.created_at.isoformat()}_{last.id}" if last else "")


def verdict_counts() -> dict[str, int]:
    """Return how many inspections are open, refused, undecided and accepted, asked once."""
    undecided = func.sum(case((Inspection.disposition == "", 1), else_=0))
    rows = db.session.execute(select(Inspection.verdict, func.count(), undecided).group_by(Inspection.verdict))
    by_verdict = {verdict: (count, int(rest)) for verdict, count, rest in rows}
    none = (0, 0)
    return {
        "": sum(count for count, _rest in by_verdict.values()), "open": by_verdict.get("", none)[0],
        "refused": by_verdict.get("refused", none)[0], "undecided": by_verdict.get("refused", none)[1],
        "accepted": by_verdict.get("accepted", none)[0],
    }  # fmt: skip


def inspected_suppliers() -> Sequence[Supplier]:
    """Return the suppliers whose goods were inspected, by name."""
    ids = select(Inspection.supplier_id).where(Inspection.supplier_id.is_not(None)).distinct()
    return db.session.scalars(
        select(Supplier).where(Supplier.id.in_(ids)).order_by(Supplier.name, Supplier.id).limit(MOST_SUPPLIERS)
    ).all()


def inspection_by(number: str) -> Inspection:
    """Return one inspection with everything its page shows; not found when there is none."""
    people = (joinedload(Inspection.author), joinedload(Inspection.judge), joinedload(Inspection.decider))
    more = (joinedload(Inspection.issue), joinedload(Inspection.previous), joinedload(Inspection.standard_version))
    statement = select(Inspection).where(Inspection.number == number).options(*_shown(), *people, *more)
    found = db.session.scalar(statement)
    if found is None:
        raise NotFound
    return found


def repeated_by(inspection_id: int) -> Inspection | None:
    """Return the inspection that repeats a refused one."""
    return db.session.scalar(select(Inspection).where(Inspection.previous_id == inspection_id))


def inspections_of_issue(issue_id: int) -> Sequence[Inspection]:
    """Return the inspections that opened an issue."""
    statement = select(Inspection).where(Inspection.issue_id == issue_id).options(selectinload(Inspection.classes))
    return db.session.scalars(statement.order_by(Inspection.id)).all()


def photos_of(inspection_id: int) -> Sequence[InspectionPhoto]:
    """Return the photos of an inspection in the order they were taken."""
    statement = select(InspectionPhoto).where(InspectionPhoto.inspection_id == inspection_id)
    return db.session.scalars(statement.order_by(InspectionPhoto.id)).all()


def photo_of(inspection_id: int, photo_id: int) -> InspectionPhoto:
    """Return one photo of an inspection; not found when it belongs to another."""
    photo = existing(InspectionPhoto, photo_id)
    if photo.inspection_id != inspection_id:
        raise NotFound
    return photo


def candidates(code: str) -> list[Candidate]:
    """Return what a pasted or scanned number leads to: receipts, lots, else articles without a lot."""
    number = clean_number(code)
    if not number:
        return []
    receipts = db.session.scalars(select(Receipt).where(Receipt.external_id == number).limit(MOST_FOUND)).all()
    lots = db.session.scalars(
        select(Lot).where(or_(Lot.external_id == number, Lot.supplier_lot == number)).limit(MOST_FOUND)
    ).all()
    found = [_of_receipt(row) for row in receipts] + [_of_lot(row) for row in lots]
    return found or [_of_sku(row) for row in skus_by_code(number, limit=MOST_FOUND)]


def candidate_again(inspection: Inspection) -> Candidate:
    """Return the goods of an inspection, to be inspected once more."""
    goods = Goods(
        inspection.shop_id, inspection.sku_id, inspection.supplier_id, inspection.lot_id, inspection.receipt_id
    )
    key = f"again-{inspection.id}"
    return Candidate(
        key, goods, inspection.sku, inspection.supplier, inspection.lot, inspection.receipt, inspection.quantity
    )


def plans(*, retired: bool = False) -> Sequence[InspectionPlan]:
    """Return the standing plans with what they are about."""
    gone = InspectionPlan.retired_at
    statement = select(InspectionPlan).where(gone.is_not(None) if retired else gone.is_(None))
    names = ("sku", "category", "supplier", "standard")
    return db.session.scalars(
        statement.options(*(joinedload(getattr(InspectionPlan, name)) for name in names)).order_by(
            InspectionPlan.kind, InspectionPlan.name, InspectionPlan.id
        )
    ).all()


def plan_categories() -> Sequence[tuple[Category, Shop]]:
    """Return every category with its shop, for a choice."""
    statement = select(Category, Shop).join(Shop, Shop.id == Category.shop_id).order_by(Shop.name, Category.name)
    return [(category, shop) for category, shop in db.session.execute(statement)]


def checklist_forms() -> Sequence[Form]:
    """Return the forms in which something is inspected."""
    return db.session.scalars(select(Form).where(Form.kind == "inspection").order_by(Form.key)).all()


def series_page(words: str = "", state: str = "") -> Sequence[SwitchingSeries]:
    """Return the series that ask for attention first: stopped, tightened, ready to be relaxed, the others."""
    rank = case(
        (SwitchingSeries.state == State.DISCONTINUED, 0), (SwitchingSeries.score >= SCORE_TO_RELAX, 1),
        (SwitchingSeries.state == State.TIGHTENED, 2), (SwitchingSeries.state == State.REDUCED, 3), else_=4,
    )  # fmt: skip
    statement = (
        select(SwitchingSeries)
        .join(Sku, Sku.id == SwitchingSeries.sku_id)
        .join(Supplier, Supplier.id == SwitchingSeries.supplier_id)
        .options(joinedload(SwitchingSeries.sku), joinedload(SwitchingSeries.supplier))
    )
    if state:
        statement = statement.where(SwitchingSeries.state == state)
    if words:
        columns = (Sku.name, Sku.external_id, Supplier.name)
        statement = statement.where(or_(*(column.contains(words, autoescape=True) for column in columns)))
    return db.session.scalars(
        statement.order_by(rank, SwitchingSeries.changed_at.desc(), SwitchingSeries.id).limit(MOST_SERIES)
    ).all()


def series_shown(series_id: int) -> SwitchingSeries:
    """Return one series with its article and supplier."""
    names = (joinedload(SwitchingSeries.sku), joinedload(SwitchingSeries.supplier))
    found = db.session.scalar(select(SwitchingSeries).where(SwitchingSeries.id == series_id).options(*names))
    if found is None:
        raise NotFound
    return found


def history(series_id: int, *, most: int = 200) -> Sequence[SwitchingStep]:
    """Return the steps of a series, the newest first."""
    shown = (joinedload(SwitchingStep.inspection), joinedload(SwitchingStep.person))
    statement = select(SwitchingStep).where(SwitchingStep.series_id == series_id).options(*shown)
    return db.session.scalars(statement.order_by(SwitchingStep.id.desc()).limit(most)).all()


def moved_by(inspection_id: int) -> Sequence[tuple[SwitchingStep, SwitchingSeries]]:
    """Return what an inspection did to the series of its classes."""
    statement = select(SwitchingStep, SwitchingSeries).join(
        SwitchingSeries, SwitchingSeries.id == SwitchingStep.series_id
    )
    rows = db.session.execute(statement.where(SwitchingStep.inspection_id == inspection_id).order_by(SwitchingStep.id))
    return [(step, series) for step, series in rows]


def _matching(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    match filters.verdict:
        case "open":
            conditions.append(Inspection.verdict == "")
        case "undecided":
            conditions += [Inspection.verdict == "refused", Inspection.disposition == ""]
        case "refused" | "accepted":
            conditions.append(Inspection.verdict == filters.verdict)
    if filters.kind:
        conditions.append(Inspection.kind == filters.kind)
    for name, column in (("supplier", Inspection.supplier_id), ("sku", Inspection.sku_id), ("lot", Inspection.lot_id)):
        if (row_id := as_id(getattr(filters, name))) is not None:
            conditions.append(column == row_id)
    if filters.q:
        columns = (Inspection.number, Lot.external_id, Sku.name, Sku.external_id)
        conditions.append(or_(*(column.contains(filters.q, autoescape=True) for column in columns)))
    return conditions


def _with_goods(statement: Select[Inspection]) -> Select[Inspection]:
    return statement.outerjoin(Lot, Lot.id == Inspection.lot_id).outerjoin(Sku, Sku.id == Inspection.sku_id)


def _shown() -> tuple[Any, ...]:
    names = ("lot", "sku", "supplier", "receipt", "plan")
    return (*(joinedload(getattr(Inspection, name)) for name in names), selectinload(Inspection.classes))


def _read_place(text: str) -> tuple[datetime, int] | None:
    at, _sep, row_id = text.rpartition("_")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    number = as_id(row_id)
    return (moment, number) if number is not None and moment.tzinfo is not None else None


def _of_receipt(receipt: Receipt) -> Candidate:
    lot = db.session.get(Lot, receipt.lot_id) if receipt.lot_id else None
    sku_id = receipt.sku_id or (lot.sku_id if lot else None)
    sku = db.session.get(Sku, sku_id) if sku_id else None
    supplier = _supplier(receipt.supplier_id or (lot.supplier_id if lot else None), sku)
    goods = Goods(receipt.shop_id, sku_id, supplier.id if supplier else None, receipt.lot_id, receipt.id)
    return Candidate(f"receipt-{receipt.id}", goods, sku, supplier, lot, receipt, receipt.quantity)


def _of_lot(lot: Lot) -> Candidate:
    supplier = _supplier(lot.supplier_id, lot.sku)
    last = db.session.scalar(select(Receipt).where(Receipt.lot_id == lot.id).order_by(Receipt.id.desc()).limit(1))
    goods = Goods(lot.shop_id, lot.sku_id, supplier.id if supplier else None, lot.id, last.id if last else None)
    return Candidate(f"lot-{lot.id}", goods, lot.sku, supplier, lot, last, last.quantity if last else 0)


def _of_sku(sku: Sku) -> Candidate:
    supplier = _supplier(None, sku)
    return Candidate(f"sku-{sku.id}", Goods(sku.shop_id, sku.id, supplier.id if supplier else None), sku, supplier)


def _supplier(supplier_id: int | None, sku: Sku | None) -> Supplier | None:
    found = supplier_id or (sku.supplier_id if sku else None)
    return db.session.get(Supplier, found) if found else None
