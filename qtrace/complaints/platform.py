"""The platform's own deadline of a complaint: until when it wants a refund, an answer or evidence."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from qtrace.accounts.models import Role, User, user_role
from qtrace.calendars.clocks import Clock
from qtrace.calendars.engine import ClockInterval
from qtrace.complaints.models import Complaint
from qtrace.core import events
from qtrace.core.db import db, require_write, table_of
from qtrace.core.errors import Refused
from qtrace.orders.models import AfterSale
from qtrace.web.filters import site_zone

SOON = timedelta(days=1)
CHUNK = 500
YEARS = range(2000, 2200)  # in which a deadline can lie
SOURCE = "after_sale"
HANDLE = "complaint.handle"
COMPLAINTS, SALES = table_of(Complaint), table_of(AfterSale)


def typed_deadline(text: str) -> datetime | None:
    """Return the time somebody typed as the site's zone has it; nothing for nothing."""
    if not text.strip():
        return None
    try:
        due = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Refused(_("平台处理截止请选择日期和时间。"), field="platform_due_at") from error
    if due.year not in YEARS:
        raise Refused(_("平台处理截止请选择日期和时间。"), field="platform_due_at")
    return due.replace(tzinfo=site_zone())


def take_over_deadlines(after_sales: Sequence[int], *, now: datetime, by: int | None) -> None:
    """Let open complaints follow what the platform says now of these after-sales."""
    moved: list[int] = []
    for begin in range(0, len(after_sales), CHUNK):
        statement = (
            select(COMPLAINTS.c.id, SALES.c.platform_due_at)
            .join(SALES, SALES.c.id == COMPLAINTS.c.source_id)
            .where(
                COMPLAINTS.c.source_kind == SOURCE, COMPLAINTS.c.status == "open",
                SALES.c.id.in_(after_sales[begin : begin + CHUNK]), SALES.c.platform_due_at.is_not(None),
                COMPLAINTS.c.platform_due_at.is_distinct_from(SALES.c.platform_due_at),
            )
        )  # fmt: skip
        for row in require_write().execute(statement).all():
            change = update(COMPLAINTS).where(COMPLAINTS.c.id == row.id)
            require_write().execute(change.values(platform_due_at=row.platform_due_at))
            moved.append(row.id)
    if moved:
        body = {"ids": moved, "count": len(moved)}
        events.record("complaint_deadline_set", subject=("complaint", moved[0]), by=by, now=now, body=body)


def platform_clock(created_at: datetime, due_at: datetime, closed_at: datetime | None) -> Clock:
    """Return the clock of a platform's deadline: it runs day and night until the complaint is closed."""
    minutes = max((due_at - created_at) // timedelta(minutes=1), 1)
    until = max(closed_at, created_at) if closed_at else None
    return Clock(minutes, (ClockInterval("running", created_at, until),))


def nearest_deadline(issue_id: int) -> datetime | None:
    """Return the first deadline among the open complaints of an issue."""
    held = select(func.min(Complaint.platform_due_at)).where(Complaint.issue_id == issue_id)
    return db.session.scalar(held.where(Complaint.status == "open"))


def handlers(complaint_ids: Sequence[int]) -> Mapping[int, Sequence[int]]:
    """Return who handles each of these complaints: the people of its department who may, else all who may."""
    granted = (
        select(User.id, User.department_id, Role.permissions)
        .join(user_role, user_role.c.user_id == User.id)
        .join(Role, Role.id == user_role.c.role_id)
        .where(User.active, Role.key != "admin").order_by(User.id)
    )  # fmt: skip
    able = {row.id: row.department_id for row in db.session.execute(granted) if HANDLE in row.permissions}
    found = select(Complaint.id, Complaint.department_id).where(Complaint.id.in_(complaint_ids))
    return {row.id: _near(able, row.department_id) for row in db.session.execute(found)}


def named_cases(complaint_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return what notices call these complaints, and where they are."""
    columns = select(Complaint.id, Complaint.number, Complaint.text, Complaint.raw_reason)
    rows = db.session.execute(columns.where(Complaint.id.in_(complaint_ids)))
    return {row.id: (row.text or row.raw_reason or row.number, f"/complaints/{row.number}") for row in rows}


def _near(able: Mapping[int, int | None], department_id: int | None) -> list[int]:
    near = [user for user, department in able.items() if department == department_id]
    return near or list(able)
