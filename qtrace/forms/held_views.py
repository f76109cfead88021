"""Keeping what is being filled in, and throwing it away."""

from flask import Response, make_response, request
from flask_babel import gettext as _

from qtrace.accounts.access import actor, login_needed
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound
from qtrace.core.ids import as_id
from qtrace.forms.held import drop_draft, find_draft, keep_draft
from qtrace.forms.models import FormDraft, FormVersion
from qtrace.forms.queries import form_of, form_version, version_of
from qtrace.forms.views import bp
from qtrace.web.csrf import answer_at, safe_path
from qtrace.web.htmx import go


@bp.post("/forms/<key>/held")
@login_needed
def held_update(key: str) -> Response:
    """Keep what a person has typed so far."""
    form = form_of(key)
    version = _version(form.id, form.current_version)
    sent = request.form.to_dict(flat=False)
    subject, last = request.args.get("subject", ""), request.form.get("last_field", "")
    based_on = as_id(request.form.get("version")) if subject else None
    with write():
        keep_draft(
            actor().id, form.id, version.id, sent, subject=subject, based_on=based_on, last_field=last, now=clock.now()
        )
    return make_response("", 204)


@bp.post("/forms/<key>/held/removal")
@login_needed
def held_delete(key: str) -> Response:
    """Throw away what was kept."""
    form, back = form_of(key), safe_path(request.form.get("back"))
    with write():
        drop_draft(actor().id, form.id, subject=request.form.get("subject", ""))
        answer_at(back)
    return go(back, trigger={"toast": _("已放弃上次没填完的内容")})


def held_draft(key: str, subject: str = "") -> FormDraft | None:
    """Return what the person asking left unsent in a form, or in changing a record, for the banner above it."""
    return find_draft(actor().id, form_of(key).id, subject=subject)


def _version(form_id: int, current: int) -> FormVersion:
    """Return the version that is being filled in: the one the page names if it is of this form, else the current one."""
    sent = as_id(request.form.get("form_version"))
    version = form_version(sent) if sent else version_of(form_id, current)
    if version is None or version.form_id != form_id:
        raise NotFound
    return version
