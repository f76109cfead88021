"""Let a clock of an issue stand still, or go on."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.calendars.clock_service import pause_case_clock, resume_case_clock
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.issues.clock_sync import follow_issue
from qtrace.issues.models import Issue
from qtrace.issues.queries import visible_issue
from qtrace.issues.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go

PLATFORM = "platform"


@bp.post("/issues/<number>/clocks/<kind>/pause")
@needs("issue.decide")
def clock_pause_create(number: str, kind: str) -> Response:
    """Let a clock stand still for a reason; the platform waits for nobody."""
    issue, url = _open(number), url_for("issues.show", number=number, _anchor="clocks")
    if kind == PLATFORM:
        raise Refused(_("平台时限不能暂停。"), field="reason")
    with write():
        follow_issue(issue.id)
        pause_case_clock(("issue", issue.id), kind, request.form.get("reason", ""), by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已暂停计时")})


@bp.post("/issues/<number>/clocks/<kind>/pause/removal")
@needs("issue.decide")
def clock_pause_delete(number: str, kind: str) -> Response:
    """Let a clock go on."""
    issue, url = _open(number), url_for("issues.show", number=number, _anchor="clocks")
    with write():
        follow_issue(issue.id)
        resume_case_clock(("issue", issue.id), kind, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已继续计时")})


def _open(number: str) -> Issue:
    issue = visible_issue(number, actor())
    if issue.status != "open":
        raise Refused(_("%(number)s 已经结束,时限不能再改。", number=number))
    return issue
