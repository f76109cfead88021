"""The statements of the issue list, built once for each set of filters and kept.

Building them costs several times what running them costs, so who asks and when are parameters of the run.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    bindparam,
    false,
    func,
    or_,
    select,
    tuple_,
)

from qtrace.accounts.access import BoundViewer, Viewer
from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku
from qtrace.classification.models import Term
from qtrace.core import search
from qtrace.core.db import UtcDateTime
from qtrace.core.ids import as_id
from qtrace.issues.filters import Filters, day_start, read_ids
from qtrace.issues.models import Issue, OpeningRule
from qtrace.issues.visibility import seen
from qtrace.orders.models import Lot

Statement = Select[*tuple[Any, ...]]

CAP = 1001
# Facets count the newest matches only, so that a table of a million rows costs no more than one of ten thousand.
FACET_ROWS = 2000
TERM_FILTERS = {
    "type": ("type", Issue.type_id),
    "severity": ("severity", Issue.severity_id),
    "party": ("responsible_party", Issue.responsible_party_id),
    "detection": ("detection_point", Issue.detection_point_id),
}
ROW_FILTERS = {
    "shop": Issue.shop_id,
    "sku": Issue.sku_id,
    "supplier": Issue.supplier_id,
    "lot": Issue.lot_id,
    "order": Issue.order_id,
    "rule": Issue.rule_id,
}


@dataclass(frozen=True)
class Asked:
    """What a statement is built from once and kept: who asks and when are parameters of its run."""

    scope: str
    zone: ZoneInfo
    sqlite: bool  # a search is written differently for each database
    english: bool  # names come in the reader's language

    @property
    def viewer(self) -> BoundViewer:
        """Return the parameters that stand for the person."""
        return BoundViewer(self.scope)

    @property
    def now(self) -> BindParameter[datetime]:
        """Return the parameter of the moment of asking."""
        return bindparam("now", type_=UtcDateTime())

    @property
    def month(self) -> BindParameter[datetime]:
        """Return the parameter of the moment the running month began."""
        return bindparam("month", type_=UtcDateTime())


@lru_cache(maxsize=64)
def page_statement(filters: Filters, asked: Asked, *, continued: bool) -> Statement:
    """Select the rows of a page, newest first: `size` of them, behind `after_at` and `after_id` when continued."""
    columns = (
        Issue.id, Issue.number, Issue.title, Issue.status, Issue.stage, Issue.due_at, Issue.opened_at, Issue.closed_at,
        Issue.type_id, Issue.severity_id, Issue.responsible_party_id, Issue.complaint_count, Issue.rule_id,
        func.coalesce(Sku.name, Sku.external_id, ""), func.coalesce(Lot.external_id, ""), func.coalesce(User.name, ""),
        func.coalesce(Shop.name, ""), func.coalesce(OpeningRule.name_en if asked.english else OpeningRule.name_zh, ""),
    )  # fmt: skip
    statement: Statement = (
        seen(select(*columns), asked.viewer)
        .outerjoin(Sku, Sku.id == Issue.sku_id)
        .outerjoin(Lot, Lot.id == Issue.lot_id)
        .outerjoin(User, User.id == Issue.owner_id)
        .outerjoin(Shop, Shop.id == Issue.shop_id)
        .outerjoin(OpeningRule, OpeningRule.id == Issue.rule_id)
        .where(*matching(filters, asked))
        .order_by(Issue.opened_at.desc(), Issue.id.desc())
        .limit(bindparam("size", type_=Integer()))
    )
    if continued:
        cursor = tuple_(bindparam("after_at", type_=UtcDateTime()), bindparam("after_id", type_=Integer()))
        statement = statement.where(tuple_(Issue.opened_at, Issue.id) < cursor)
    return statement


@lru_cache(maxsize=64)
def facet_statement(filters: Filters, asked: Asked) -> Statement:
    """Count the newest matches by status, stage, type, severity and party."""
    columns = (Issue.status, Issue.stage, Issue.type_id, Issue.severity_id, Issue.responsible_party_id)
    newest = (
        seen(select(*columns), asked.viewer)
        .where(*matching(filters, asked))
        .order_by(Issue.opened_at.desc(), Issue.id.desc())
        .limit(FACET_ROWS)
        .subquery()
    )
    return select(*newest.c, func.count()).group_by(*newest.c)


@lru_cache(maxsize=64)
def count_statement(wanted: tuple[Filters, ...], asked: Asked) -> Statement:
    """Count the matches of several filters, each up to CAP."""
    return select(*(_count(filters, asked) for filters in wanted))


def _count(filters: Filters, asked: Asked) -> ScalarSelect[int]:
    rows = seen(select(Issue.id), asked.viewer)
    capped = rows.where(*matching(filters, asked)).limit(CAP).subquery()
    return select(func.count()).select_from(capped).scalar_subquery()


def matching(filters: Filters, asked: Asked) -> list[ColumnElement[bool]]:
    """Return the conditions of the filters."""
    found: list[ColumnElement[bool]] = []
    if filters.status and filters.status != "all":
        found.append(Issue.status == filters.status)
    if filters.stage:
        found += [Issue.stage == filters.stage, Issue.status == "open"]
    for name, (kind, column) in TERM_FILTERS.items():
        value = getattr(filters, name)
        if value:
            found.append(column.is_(None) if value == "none" else column.in_(_terms(kind, value)))
    found += [column == as_id(getattr(filters, name)) for name, column in ROW_FILTERS.items() if getattr(filters, name)]
    if filters.courier_line:
        found.append(Issue.courier_line == filters.courier_line)
    if filters.owner:
        found.append(_owned(filters.owner, asked.viewer))
    if filters.overdue:
        found += [Issue.status == "open", Issue.due_at < asked.now]
    if filters.ids:
        found.append(Issue.id.in_(read_ids(filters.ids)))
    if filters.q:
        found.append(or_(Issue.number == filters.q.upper(), search.matching("issue", filters.q, Issue.__table__.c.id)))
    return found + _spans(filters, asked)


def _terms(kind: str, value: str) -> Select[int]:
    """Select the ids of a term, named by code or id, and of its children."""
    named = Term.id == as_id(value) if as_id(value) is not None else Term.code == value
    chosen = select(Term.id).where(Term.kind == kind, named)
    return select(Term.id).where(Term.kind == kind, or_(named, Term.parent_id.in_(chosen)))


def _owned(value: str, user: Viewer) -> ColumnElement[bool]:
    if value == "me":
        mine: ColumnElement[bool] = Issue.owner_id == user.id
        return mine
    if value == "none":
        return Issue.owner_id.is_(None)
    owner = as_id(value)
    return false() if owner is None else Issue.owner_id == owner


def _spans(filters: Filters, asked: Asked) -> list[ColumnElement[bool]]:
    bounds = (
        (Issue.opened_at, filters.opened_from, filters.opened_to),
        (Issue.closed_at, filters.closed_from, filters.closed_to),
    )
    found: list[ColumnElement[bool]] = []
    for column, first, last in bounds:
        start, end = day_start(first, asked.zone), day_start(last, asked.zone, days=1)
        found += [column >= start] if start else []
        found += [column < end] if end else []
    if filters.closed:
        found.append(Issue.closed_at >= asked.month)
    return found
