"""Let the clocks of an issue stand still, or go on."""

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.access import actor, needs
from qtrace.calendars.clock_service import end_wait, note_wait, pause_case_clock, resume_case_clock
from qtrace.calendars.clock_settings import chosen_reason
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.issues.clock_history import KINDS, Kept
from qtrace.issues.clock_sync import follow_issue, issue_clocks
from qtrace.issues.models import Issue
from qtrace.issues.queries import visible_issue
from qtrace.issues.views import bp
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go


@bp.post("/issues/<number>/clocks/pause")
@needs("issue.decide")
def clock_pause_create(number: str) -> Response:
    """Let the ticked clocks stand still for a reason, or tell what the case waits for while they go on."""
    issue, url, now, by = _open(number), _url(number), clock.now(), actor().id
    reason = chosen_reason(request.form.get("reason", ""))
    note = request.form.get("note", "").strip()
    said = _("%(reason)s:%(note)s", reason=reason.name, note=note) if note else reason.name
    with write():
        follow_issue(issue.id)
        pause = pause_case_clock if reason.stops else note_wait
        kinds = _ticked(issue)
        for kind in kinds:
            pause(("issue", issue.id), kind, said, by=by, now=now)
        answer_at(url)
    told = (
        ngettext("已暂停 %(num)d 项计时", "已暂停 %(num)d 项计时", len(kinds))
        if reason.stops
        else _("已记下在等什么,计时不停")
    )
    return go(url, trigger={"toast": told})


@bp.post("/issues/<number>/clocks/pause/removal")
@needs("issue.decide")
def clock_pause_delete(number: str) -> Response:
    """Let the ticked clocks go on."""
    issue, url, now, by = _open(number), _url(number), clock.now(), actor().id
    with write():
        follow_issue(issue.id)
        found = issue_clocks(issue.id)
        for kind in _ticked(issue):
            resume = end_wait if _only_waits(found.get(kind)) else resume_case_clock
            resume(("issue", issue.id), kind, by=by, now=now)
        answer_at(url)
    return go(url, trigger={"toast": _("已继续计时")})


def _ticked(issue: Issue) -> list[str]:
    kinds = [kind for kind in KINDS if kind in request.form.getlist("clocks")]
    if not kinds:
        raise Refused(_("请勾选要暂停或继续的时限。"), field="clocks")
    known = issue_clocks(issue.id)
    return [kind for kind in kinds if kind in known]


def _only_waits(kept: Kept | None) -> bool:
    return kept is not None and bool(kept.waits_for)


def _url(number: str) -> str:
    return url_for("issues.show", number=number, _anchor="clocks")


def _open(number: str) -> Issue:
    issue = visible_issue(number, actor())
    if issue.status != "open":
        raise Refused(_("%(number)s 已经结束,时限不能再改。", number=number))
    return issue
