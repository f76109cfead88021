"""Send a complaint through a flow."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.models import User
from qtrace.complaints.flow import send
from qtrace.complaints.models import Complaint
from qtrace.complaints.queries import visible_complaint
from qtrace.complaints.views import bp
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go


@bp.post("/<number>/flow")
@needs("complaint.handle")
def flow_create(number: str) -> Response:
    """Send the complaint through a flow."""
    found, url = visible_complaint(number, actor()).id, url_for("complaints.show", number=number)
    with write() as session:
        by = session.get_one(User, actor().id)
        send(session.get_one(Complaint, found), request.form.get("flow", ""), by=by, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已交给流程")})
