"""Steps of people on what an issue holds: open one from complaints, add, split, give back."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.access import actor, needs
from qtrace.complaints.models import Complaint
from qtrace.complaints.queries import visible_complaints
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.issues.models import Issue
from qtrace.issues.opening_groups import add, give_back, open_by_hand, split
from qtrace.issues.visibility import visible_issues
from qtrace.web.csrf import answer_at, safe_path
from qtrace.web.htmx import go

bp = Blueprint("groups", __name__)
MOST_AT_ONCE = 500


@bp.post("/issues/openings")
@needs("issue.create")
def opening_create() -> Response:
    """Open an issue from the ticked complaints."""
    ids = _ticked()
    with write():
        issue_id = open_by_hand(ids, by=actor().id, now=clock.now())
        number = _number(issue_id)
        answer_at(url_for("issues.show", number=number))
    return go(url_for("issues.show", number=number), trigger={"toast": _("已新建问题 %(number)s", number=number)})


@bp.post("/issues/memberships")
@needs("complaint.handle")
def membership_create() -> Response:
    """Put the ticked complaints into the issue whose number was given."""
    ids, number = _ticked(), request.form.get("issue", "").strip().upper()[:20]
    if not number:
        raise Refused(_("请填写问题编号,例如 QI-2611-0412。"), field="issue")
    issue_id = _visible_issue(number)
    with write():
        add(issue_id, ids, by=actor().id, now=clock.now())
        answer_at(url_for("issues.show", number=number))
    return go(
        url_for("issues.show", number=number),
        trigger={"toast": ngettext("已并入 %(num)s 条客诉", "已并入 %(num)s 条客诉", len(ids))},
    )


@bp.post("/issues/splits")
@needs("issue.edit")
def split_create() -> Response:
    """Move the ticked complaints of an issue into a new one."""
    issue_id, ids = _visible_issue_id(), _ticked()
    with write():
        new_number = _number(split(issue_id, ids, by=actor().id, now=clock.now()))
        answer_at(url_for("issues.show", number=new_number))
    text = ngettext(
        "已拆出 %(num)s 条到新问题 %(number)s", "已拆出 %(num)s 条到新问题 %(number)s", len(ids), number=new_number
    )
    return go(url_for("issues.show", number=new_number), trigger={"toast": text})


@bp.post("/issues/releases")
@needs("issue.edit")
def release_create() -> Response:
    """Take the ticked complaints out of an issue."""
    issue_id, ids = _visible_issue_id(), _ticked()
    with write():
        give_back(issue_id, ids, by=actor().id, now=clock.now())
    target = safe_path(request.form.get("next"), url_for("complaints.index", issue=issue_id, status="all"))
    return go(
        target,
        trigger={"toast": ngettext("已移出 %(num)s 条,不会再自动并入", "已移出 %(num)s 条,不会再自动并入", len(ids))},
    )


def _ticked() -> list[int]:
    """Return the ids of the ticked complaints, every one of which the person may see."""
    ids = {row_id for value in request.form.getlist("ids") if (row_id := as_id(value)) is not None}
    if not ids:
        raise Refused(_("请先勾选客诉。"), field="ids")
    if len(ids) > MOST_AT_ONCE:
        raise Refused(_("一次最多 %(n)d 条,请分几次操作。", n=MOST_AT_ONCE), field="ids")
    statement = visible_complaints(actor()).with_only_columns(Complaint.id).where(Complaint.id.in_(ids))
    seen = set(db.session.scalars(statement))
    if seen != ids:
        raise NotFound
    return sorted(seen)


def _visible_issue(number: str) -> int:
    found = db.session.scalar(visible_issues(actor()).with_only_columns(Issue.id).where(Issue.number == number))
    if found is None:
        raise NotFound(_("没有编号为 %(number)s 的问题,或者您看不到它。", number=number))
    return found


def _visible_issue_id() -> int:
    wanted = as_id(request.form.get("issue_id")) or 0
    found = db.session.scalar(visible_issues(actor()).with_only_columns(Issue.id).where(Issue.id == wanted))
    if found is None:
        raise NotFound
    return found


def _number(issue_id: int) -> str:
    return db.session.get_one(Issue, issue_id).number
