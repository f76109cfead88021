"""Verbs of people on what an issue holds: open one from complaints, add, split, give back."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update

from qtrace.complaints.models import Complaint
from qtrace.core import events
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.issues.models import Issue
from qtrace.issues.opening import CHUNK, GIVEN_BACK, hold, open_issue_from, recount

SPLIT = "complaints_split"


def open_by_hand(complaints: Sequence[int], *, by: int, now: datetime) -> int:
    """Open an issue that holds these free complaints and return its id."""
    rows = _rows(complaints)
    _refuse_held(rows)
    return open_issue_from(rows, by=by, now=now)


def add(issue_id: int, complaints: Sequence[int], *, by: int, now: datetime) -> None:
    """Put these free complaints into an open issue."""
    issue = _issue(issue_id)
    if issue.status != "open":
        raise Refused(_("%(number)s 已经结束,不能再并入客诉。请先重新打开它,或新建问题。", number=issue.number))
    rows = _rows(complaints)
    _refuse_held(rows)
    hold(issue_id, [row.id for row in rows], by=by, now=now)


def split(issue_id: int, complaints: Sequence[int], *, by: int, now: datetime) -> int:
    """Move some of an issue's complaints into a new issue and return its id; at least one stays."""
    issue = _issue(issue_id)
    rows = _rows(complaints)
    if len(rows) >= issue.complaint_count:
        raise Refused(_("拆分后原来的问题至少要留下一条客诉。"))
    ids = _release(issue, rows)
    new_id = open_issue_from(rows, by=by, now=now)
    recount(issue_id)
    body = {"complaints": ids, "count": len(ids), "into": _issue(new_id).number}
    events.record(SPLIT, subject=("issue", issue_id), by=by, now=now, body=body)
    return new_id


def give_back(issue_id: int, complaints: Sequence[int], *, by: int, now: datetime) -> None:
    """Take complaints out of an issue; the rules leave them to people from then on."""
    issue = _issue(issue_id)
    ids = _release(issue, _rows(complaints))
    recount(issue_id)
    body = {"complaints": ids, "count": len(ids)}
    events.record(GIVEN_BACK, subject=("issue", issue_id), by=by, now=now, body=body)


def _rows(complaints: Sequence[int]) -> list[Complaint]:
    wanted = sorted(set(complaints))[:CHUNK]
    if not wanted:
        raise Refused(_("请先勾选客诉。"), field="ids")
    statement = select(Complaint).where(Complaint.id.in_(wanted)).order_by(Complaint.occurred_at, Complaint.id)
    rows = list(require_write().scalars(statement.with_for_update()))
    if len(rows) != len(wanted):
        raise NotFound
    return rows


def _refuse_held(rows: Sequence[Complaint]) -> None:
    held = [row.number for row in rows if row.issue_id is not None]
    if held:
        raise Conflict(
            _("%(numbers)s 已经并入别的问题,没有改动。请刷新页面,或先从那个问题里移出。", numbers="、".join(held[:5]))
        )


def _release(issue: Issue, rows: Sequence[Complaint]) -> list[int]:
    ids = [row.id for row in rows]
    statement = update(Complaint).where(Complaint.id.in_(ids), Complaint.issue_id == issue.id)
    freed = sorted(require_write().execute(statement.values(issue_id=None).returning(Complaint.id)).scalars())
    if len(freed) != len(ids):
        raise Conflict(_("有客诉已经不在 %(number)s 里,没有改动。请刷新页面。", number=issue.number))
    return freed


def _issue(issue_id: int) -> Issue:
    return existing(Issue, issue_id, fresh=True)
