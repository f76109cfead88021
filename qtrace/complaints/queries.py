"""Reads of complaints; every one starts from what the reader may see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, tuple_
from sqlalchemy.orm import joinedload

from qtrace.accounts.access import Viewer, visible_to
from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.complaints.filters import Filters, day_start, read_ids
from qtrace.complaints.models import Complaint, ComplaintPhoto
from qtrace.complaints.platform import SOON
from qtrace.core import clock, search
from qtrace.core.db import UtcDateTime, db, existing
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.tasks.queries import subjects_of

PAGE = 50
CAP = 1001
ROW_FILTERS = {
    "shop": Complaint.shop_id,
    "sku": Complaint.sku_id,
    "supplier": Complaint.supplier_id,
    "lot": Complaint.lot_id,
    "order": Complaint.order_id,
    "issue": Complaint.issue_id,
    "parcel": Complaint.parcel_id,
}
TERM_FILTERS = {"type": Complaint.type_id, "severity": Complaint.severity_id, "party": Complaint.responsible_party_id}


@dataclass(frozen=True)
class Page:
    """One page of the list and where the next one begins."""

    rows: Sequence[Complaint]
    next: str


def visible_complaints(user: Viewer) -> Select[Complaint]:
    """Select what the person may see: by scope, or because an open to-do of theirs is about it."""
    also = None if user.scope == "all" else Complaint.id.in_(subjects_of(user, "complaint"))
    return visible_to(select(Complaint), Complaint, user, also=also)


def visible_complaint(number: str, user: User) -> Complaint:
    """Return one complaint; not found when it is missing or out of the person's reach."""
    statement = visible_complaints(user).where(Complaint.number == number)
    found = db.session.scalar(statement.options(*_shown()))
    if found is None:
        raise NotFound
    return found


def photos_of(complaint_id: int) -> Sequence[ComplaintPhoto]:
    """Return the photos of a complaint in the order they were added."""
    statement = select(ComplaintPhoto).where(ComplaintPhoto.complaint_id == complaint_id)
    return db.session.scalars(statement.order_by(ComplaintPhoto.id)).all()


def photos_held(issue_id: int, user: User) -> Sequence[ComplaintPhoto]:
    """Return the photos of those complaints an issue holds that the person may see."""
    seen = visible_complaints(user).where(Complaint.issue_id == issue_id).with_only_columns(Complaint.id)
    statement = select(ComplaintPhoto).where(ComplaintPhoto.complaint_id.in_(seen))
    return db.session.scalars(statement.options(joinedload(ComplaintPhoto.complaint)).order_by(ComplaintPhoto.id)).all()


def photo_of(complaint_id: int, photo_id: int) -> ComplaintPhoto:
    """Return one photo of a complaint; not found when it belongs to another."""
    photo = existing(ComplaintPhoto, photo_id)
    if photo.complaint_id != complaint_id:
        raise NotFound
    return photo


def complaint_page(filters: Filters, user: User, zone: ZoneInfo, *, after: str = "", size: int = PAGE) -> Page:
    """Return one page, newest first or by the platform's deadline; `after` is where the page before ended."""
    statement = visible_complaints(user).where(*matching(filters, zone)).options(*_shown())
    place, by_due = read_place(after), filters.sort == "due"
    key = tuple_(Complaint.platform_due_at if by_due else Complaint.occurred_at, Complaint.id)
    if by_due:
        statement = statement.where(Complaint.platform_due_at.is_not(None))
    if place is not None:
        at, row_id = place
        here = tuple_(literal(at, UtcDateTime()), literal(row_id))
        statement = statement.where(key > here if by_due else key < here)
    if by_due:
        statement = statement.order_by(Complaint.platform_due_at, Complaint.id)
    else:
        statement = statement.order_by(Complaint.occurred_at.desc(), Complaint.id.desc())
    rows = db.session.scalars(statement.limit(size + 1)).all()
    more = len(rows) > size
    last = rows[size - 1] if more else None
    ended = (last.platform_due_at if by_due else last.occurred_at) if last else None
    return Page(rows[:size], f"{ended.isoformat()}_{last.id}" if last and ended else "")


def count(filters: Filters, user: User, zone: ZoneInfo) -> int:
    """Return how many match, counting no further than CAP."""
    inner = visible_to(select(Complaint.id), Complaint, user).where(*matching(filters, zone)).limit(CAP)
    return db.session.scalar(select(func.count()).select_from(inner.subquery())) or 0


def matching(filters: Filters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    """Return the conditions of the filters."""
    conditions = _state(filters)
    for name, column in ROW_FILTERS.items():
        if value := getattr(filters, name):
            conditions.append(column == as_id(value))
    for name, column in TERM_FILTERS.items():
        if value := getattr(filters, name):
            conditions.append(column.in_(_terms(name, value)))
    if filters.source:
        conditions.append(Complaint.source_kind == filters.source)
    if filters.courier_line:
        conditions.append(Complaint.courier_line == filters.courier_line)
    if filters.stars_max:
        conditions.append(Complaint.stars <= int(filters.stars_max))
    if start := day_start(filters.from_, zone):
        conditions.append(Complaint.occurred_at >= start)
    if end := day_start(filters.to, zone, days=1):
        conditions.append(Complaint.occurred_at < end)
    conditions += _due(filters.due)
    if filters.ids:
        conditions.append(Complaint.id.in_(read_ids(filters.ids)))
    if filters.q:
        conditions.append(search.matching("complaint", filters.q, Complaint.__table__.c.id))
    return conditions


def read_place(text: str) -> tuple[datetime, int] | None:
    """Return the place a page ended at; None when the text is none."""
    at, _sep, row_id = text.rpartition("_")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    number = as_id(row_id)
    return (moment, number) if number is not None and moment.tzinfo is not None else None


def _state(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.status in {"open", "closed"}:
        conditions.append(Complaint.status == filters.status)
    if filters.status == "held":
        conditions.append(Complaint.issue_id.is_not(None))
    if filters.status == "safety" or filters.safety:
        conditions.append(Complaint.safety.is_(True))
    return conditions


def _due(asked: str) -> list[ColumnElement[bool]]:
    """Return what is asked of the platform's deadline; soon is within a day and not over yet."""
    now, due = clock.now(), Complaint.platform_due_at
    match asked:
        case "any":
            return [due.is_not(None)]
        case "soon":
            return [due >= now, due < now + SOON]
        case "late":
            return [due < now]
        case _:
            return []


def _terms(name: str, value: str) -> Select[int]:
    """Select a term and its children, named by id or code."""
    kind = "responsible_party" if name == "party" else name
    named = Term.id == as_id(value) if as_id(value) is not None else Term.code == value
    top = select(Term.id).where(Term.kind == kind, named)
    return select(Term.id).where(Term.kind == kind, or_(named, Term.parent_id.in_(top)))


def _shown() -> tuple[Any, ...]:
    names = ("shop", "order", "sku", "lot", "supplier", "type", "severity", "responsible_party", "handling")
    return tuple(joinedload(getattr(Complaint, name)) for name in names)
