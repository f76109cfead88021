"""Send a complaint through a flow, and decide on it there."""

from typing import cast

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.models import User
from qtrace.complaints.flow import begin, decide_on
from qtrace.complaints.models import Complaint
from qtrace.complaints.queries import visible_complaint
from qtrace.complaints.views import bp, shown
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.flows.service import Verdict
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go

VERDICTS = ("submit", "reject", "return", "reopen")


@bp.post("/<number>/flow")
@needs("complaint.handle")
def flow_create(number: str) -> Response:
    """Send the complaint through a flow."""
    found, url = visible_complaint(number, actor()).id, url_for("complaints.show", number=number)
    with write() as session:
        by = session.get_one(User, actor().id)
        begin(session.get_one(Complaint, found), request.form.get("flow", ""), by=by, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已交给流程")})


@bp.post("/<number>/decisions")
@needs("complaint.read")
def decision_create(number: str) -> Response:
    """Agree, reject, return or reopen; what is missing stands beside the note, which is kept."""
    found, url = visible_complaint(number, actor()).id, url_for("complaints.show", number=number)
    verdict, note = request.form.get("verdict", ""), request.form.get("note", "").strip()[:2000]
    if verdict not in VERDICTS:
        raise Refused(_("请从页面上的按钮选择一种处理。"), field="verdict")
    try:
        with write() as session:
            decide_on(
                session.get_one(Complaint, found), cast(Verdict, verdict), by=session.get_one(User, actor().id),
                version=as_id(request.form.get("version")) or 0, now=clock.now(), note=note,
                target=request.form.get("target", ""),
            )  # fmt: skip
            answer_at(url)
    except (Refused, Conflict) as error:
        return shown(number, refused=error, note=note)
    return go(url if _still_seen(number) else url_for("tasks.home"), trigger={"toast": _("已处理")})


def _still_seen(number: str) -> bool:
    """Say whether the person still sees the complaint: who only had its to-do does not after deciding."""
    try:
        visible_complaint(number, actor())
    except NotFound:
        return False
    return True
