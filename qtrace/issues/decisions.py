"""Decide on the stage of an issue, on the issue's own page."""

from typing import cast, get_args

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.ids import as_id
from qtrace.flows.called import go_on_telling
from qtrace.flows.case import Case
from qtrace.flows.deciding import Verdict, decide
from qtrace.issues import queries
from qtrace.issues.models import Issue
from qtrace.issues.views import bp, page_of
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import render


@bp.post("/issues/<number>/decisions")
@needs("issue.read")
def decision_create(number: str) -> Response:
    """Submit, return, end or reopen; what is missing stands beside the note, which is kept."""
    issue = queries.visible_issue(number, actor())
    issue_id, url = issue.id, url_for("issues.show", number=number)
    verdict, note = request.form.get("verdict", ""), request.form.get("note", "").strip()[:2000]
    target = request.form.get("target") if verdict == "return" else None
    if verdict not in get_args(Verdict):
        raise Refused(_("请从页面上的按钮选择一种处理。"), field="verdict")
    try:
        with write() as session:
            decide(
                case_of(issue), verdict=cast(Verdict, verdict), expected_version=as_id(request.form.get("version", "")) or 0,
                by=session.get_one(User, actor().id), now=clock.now(), note=note, target=target or None,
            )  # fmt: skip
            answer_at(url)
    except (Refused, Conflict) as error:
        latest = queries.visible_issue(number, actor())
        return render(
            "issues/show.html", status=error.status, decision_error=error.message, decision_note=note, **page_of(latest)
        )
    return go_on_telling(url, _("已处理"), ("issue", issue_id), note)


def case_of(issue: Issue) -> Case:
    """Return what the flow needs to know of an issue."""
    return Case(("issue", issue.id), issue.title, f"/issues/{issue.number}", issue.created_by, issue.department_id)
