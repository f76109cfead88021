"""Reads of issues; every one starts from what the reader may see."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask_babel import get_locale
from sqlalchemy import (
    Integer,
    bindparam,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import joinedload, lazyload, selectinload

from qtrace.accounts.access import viewer_values, visible_to
from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, existing, is_sqlite
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.issues.filters import Filters, month_start
from qtrace.issues.list_statements import CAP, FACET_ROWS, Asked, count_statement, facet_statement, page_statement
from qtrace.issues.models import Attachment, Comment, Issue, OpeningRule, SavedView
from qtrace.issues.visibility import visible_issues
from qtrace.orders.models import LineLot, Lot, Order, OrderLine

PAGE = 50
MOST_SHOWN = 20
LABELS: dict[str, tuple[Any, Any]] = {
    "shop": (Shop.id, Shop.name),
    "sku": (Sku.id, Sku.external_id),
    "supplier": (Supplier.id, Supplier.name),
    "lot": (Lot.id, Lot.external_id),
    "order": (Order.id, Order.external_id),
    "owner": (User.id, User.name),
    "rule": (OpeningRule.id, OpeningRule.name_zh),
}
TERMS = (
    select(Term).where(Term.kind.in_(bindparam("kinds", expanding=True))).order_by(Term.kind, Term.position, Term.id)
)
SAVED_VIEWS = (
    select(SavedView)
    .where(
        SavedView.page == "issues",
        or_(SavedView.user_id.is_(None), SavedView.user_id == bindparam("user_id", type_=Integer())),
    )
    .order_by(SavedView.user_id.is_not(None), SavedView.position, SavedView.id)
)


@dataclass(frozen=True)
class Reader:
    """Who asks, and the moment and zone in which "overdue" and "this month" are meant."""

    user: User
    now: datetime
    zone: ZoneInfo

    def values(self) -> dict[str, Any]:
        """Return the values of the parameters of `Asked`."""
        return {"now": self.now, "month": month_start(self.now, self.zone), **viewer_values(self.user)}

    def asked(self) -> Asked:
        """Return what the statements of this reader are built from."""
        return Asked(self.user.scope, self.zone, is_sqlite(), str(get_locale() or "zh").startswith("en"))


@dataclass(frozen=True, slots=True)
class ListRow:
    """An issue as the list shows it; terms are ids, their names come from one table for the whole page."""

    id: int
    number: str
    title: str
    status: str
    stage: str
    due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    type_id: int | None
    severity_id: int | None
    responsible_party_id: int | None
    complaint_count: int
    rule_id: int | None
    sku: str
    lot: str
    owner: str
    shop: str
    rule: str


@dataclass(frozen=True)
class Page:
    """One page of the list and the cursor of the next, empty at the end."""

    rows: Sequence[ListRow]
    next: str


@dataclass(frozen=True)
class Facets:
    """How many of the newest matches have each value; `partial` says that older ones were not counted."""

    stage: Counter[str]
    type: Counter[int]
    severity: Counter[int]
    party: Counter[int]
    partial: bool


def visible_issue(number: str, user: User) -> Issue:
    """Return the issue with everything its page shows beside it; a 404 when the person may not see it."""
    statement = visible_issues(user).where(Issue.number == number).options(
        joinedload(Issue.type), joinedload(Issue.severity), joinedload(Issue.responsible_party),
        joinedload(Issue.detection_point), joinedload(Issue.disposition), joinedload(Issue.shop),
        joinedload(Issue.order), joinedload(Issue.sku), joinedload(Issue.supplier),
        joinedload(Issue.lot).options(joinedload(Lot.sku), joinedload(Lot.supplier)),
        joinedload(Issue.owner).options(lazyload(User.roles), lazyload(User.department)),
    )  # fmt: skip
    issue = db.session.scalar(statement)
    if issue is None:
        raise NotFound
    return issue


def issue_page(filters: Filters, reader: Reader, *, after: str = "", size: int = PAGE) -> Page:
    """Return one page, newest first, beginning behind the cursor."""
    cursor = read_cursor(after)
    values = reader.values() | {"size": size + 1}
    if cursor:
        values |= {"after_at": cursor[0], "after_id": cursor[1]}
    statement = page_statement(filters, reader.asked(), continued=cursor is not None)
    found: Sequence[Any] = db.session.execute(statement, values).all()
    rows = [ListRow(*row) for row in found]
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], f"{last.opened_at.isoformat()}_{last.id}" if last else "")


def facets(filters: Filters, reader: Reader) -> Facets:
    """Count stages, types, severities and parties of the newest matches in one grouped query."""
    statement = facet_statement(filters, reader.asked())
    groups: Sequence[Any] = db.session.execute(statement, reader.values()).all()
    found = Facets(Counter(), Counter(), Counter(), Counter(), sum(group[-1] for group in groups) >= FACET_ROWS)
    for status, stage, type_id, severity_id, party_id, count in groups:
        if status == "open":
            found.stage[stage] += count
        found.type[type_id or 0] += count
        found.severity[severity_id or 0] += count
        found.party[party_id or 0] += count
    return found


def counts(wanted: Sequence[Filters], reader: Reader) -> list[int]:
    """Count the matches of several filters in one query, each up to CAP."""
    statement = count_statement(tuple(wanted), reader.asked())
    return [int(n) for n in db.session.execute(statement, reader.values()).one()]


def terms(*kinds: str) -> dict[int, Term]:
    """Return every term of these trees by id, in their order."""
    return {term.id: term for term in db.session.scalars(TERMS, {"kinds": kinds})}


def saved_views(user: User) -> Sequence[SavedView]:
    """Return the shared and the person's own views of the list."""
    return db.session.scalars(SAVED_VIEWS, {"user_id": user.id}).all()


def comments_of(issue_id: int, *, limit: int = 200) -> Sequence[Comment]:
    """Return the newest comments, oldest of them first."""
    author = selectinload(Comment.author).options(lazyload(User.roles), lazyload(User.department))
    newest = (
        select(Comment).where(Comment.issue_id == issue_id).order_by(Comment.id.desc()).limit(limit).options(author)
    )
    return list(reversed(db.session.scalars(newest).all()))


def attachments_of(issue_id: int) -> Sequence[Attachment]:
    """Return the files of an issue in the order they came."""
    return db.session.scalars(select(Attachment).where(Attachment.issue_id == issue_id).order_by(Attachment.id)).all()


def attachment_of(issue_id: int, attachment_id: int) -> Attachment:
    """Return a file of this issue; a 404 for a file of another."""
    attachment = existing(Attachment, attachment_id)
    if attachment.issue_id != issue_id:
        raise NotFound
    return attachment


def complaints_of(issue_id: int) -> Sequence[Complaint]:
    """Return the newest complaints the issue holds."""
    statement = (
        select(Complaint)
        .where(Complaint.issue_id == issue_id)
        .order_by(Complaint.occurred_at.desc(), Complaint.id.desc())
        .limit(MOST_SHOWN)
        .options(joinedload(Complaint.order), joinedload(Complaint.type))
    )
    return db.session.scalars(statement).all()


def free_complaint(complaint_id: int, user: User) -> Complaint | None:
    """Return a complaint the person may see and no issue holds yet."""
    statement = select(Complaint).where(Complaint.id == complaint_id, Complaint.issue_id.is_(None))
    seen: Any = visible_to(cast(Any, statement), Complaint, user)
    found: Complaint | None = db.session.scalar(seen.options(joinedload(Complaint.order)))
    return found


def costs_of(issue_id: int) -> Sequence[tuple[str, int]]:
    """Return what the complaints of an issue cost, per currency."""
    rows = db.session.execute(
        select(Complaint.currency, func.sum(Complaint.amount_minor))
        .where(Complaint.issue_id == issue_id)
        .group_by(Complaint.currency)
    ).all()
    return [(currency, int(total)) for currency, total in rows if total]


def lot_link_of(issue: Issue) -> LineLot | None:
    """Return how it is known that the issue's order was served from the issue's lot."""
    if issue.order_id is None or issue.lot_id is None:
        return None
    statement = (
        select(LineLot)
        .join(OrderLine, OrderLine.id == LineLot.line_id)
        .where(OrderLine.order_id == issue.order_id, LineLot.lot_id == issue.lot_id)
        .order_by(LineLot.confidence.desc(), LineLot.id)
        .limit(1)
    )
    return db.session.scalar(statement)


def open_issues_like(user: User, *, lot_id: int | None, sku_id: int | None, limit: int = 3) -> Sequence[Issue]:
    """Return open issues of the same lot, or of the same article."""
    same = [column == value for column, value in ((Issue.lot_id, lot_id), (Issue.sku_id, sku_id)) if value]
    if not same:
        return []
    statement = visible_issues(user).where(Issue.status == "open", or_(false(), *same))
    return db.session.scalars(statement.order_by(Issue.opened_at.desc(), Issue.id.desc()).limit(limit)).all()


def issues_like(
    user: User, same: Mapping[str, int], *, closed: bool, limit: int, besides: Sequence[str] = ()
) -> Sequence[Issue]:
    """Return the newest issues that share any of these columns, like `lot_id`; those named `besides` are left out."""
    if not same:
        return []
    shared = [getattr(Issue, column) == value for column, value in same.items()]
    statement = visible_issues(user).where(or_(false(), *shared), Issue.number.not_in(besides))
    if not closed:
        statement = statement.where(Issue.status == "open")
    return db.session.scalars(statement.order_by(Issue.opened_at.desc(), Issue.id.desc()).limit(limit)).all()


def recent_complaints(*, lot_id: int | None, sku_id: int | None, now: datetime, days: int = 30) -> int:
    """Count the complaints of the last days about this lot, or about the article when no lot is known, up to CAP."""
    if not lot_id and not sku_id:
        return 0
    same = Complaint.lot_id == lot_id if lot_id else Complaint.sku_id == sku_id
    rows = select(Complaint.id).where(same, Complaint.occurred_at >= now - timedelta(days=days)).limit(CAP).subquery()
    return db.session.scalar(select(func.count()).select_from(rows)) or 0


def row_labels(filters: Filters) -> dict[str, str]:
    """Return what the rows named by the filters are called."""
    found: dict[str, str] = {}
    for name, (id_column, label) in LABELS.items():
        row_id = as_id(getattr(filters, name))
        if row_id is not None:
            found[name] = db.session.scalar(select(label).where(id_column == row_id)) or str(row_id)
    return found


def read_cursor(text: str) -> tuple[datetime, int] | None:
    """Return where the previous page ended; None for a malformed cursor."""
    moment, _mark, row = text.rpartition("_")
    row_id = as_id(row)
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return (at.astimezone(UTC), row_id) if at.tzinfo and row_id is not None else None
