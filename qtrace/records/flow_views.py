"""The flow of a form's records: chosen among the form's settings, decided on the record's page."""

from collections.abc import Mapping, Sequence
from typing import cast

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.access import actor, needs
from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.flows.called import go_on_telling
from qtrace.flows.deciding import Verdict
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, form_of
from qtrace.records.flow import OWN, choose_flow, decide_on, own_flows, reviewers
from qtrace.records.flow_templates import LEAD, TEMPLATES, chosen_in
from qtrace.records.models import Record
from qtrace.records.queries import visible_record
from qtrace.records.views import record_shown
from qtrace.web.csrf import answer_at
from qtrace.web.filters import localised
from qtrace.web.htmx import go, render

VERDICTS = ("submit", "return", "reopen")

settings = Blueprint("record_flows", __name__)


@settings.get("/forms/<key>/flow")
@needs("config.forms")
def flow_show(key: str) -> Response:
    """Show which flow the form's records go through, and what there is to choose."""
    return _page(_own(key))


@settings.post("/forms/<key>/flow")
@needs("config.forms")
def flow_update(key: str) -> Response:
    """Choose another flow for the records to come."""
    form, url = _own(key), url_for("record_flows.flow_show", key=key)
    template, role = request.form.get("template", ""), request.form.get("role", "")
    try:
        with write():
            choose_flow(form, template, role, by=actor().id, now=clock.now())
            answer_at(url)
    except Refused as error:
        return _page(_own(key), error)
    return go(url, trigger={"toast": _("已保存")})


@settings.post("/records/<form_key>/<number>/decisions")
@needs("record.read")
def decision_create(form_key: str, number: str) -> Response:
    """Approve, return, submit again or reopen; what is missing stands beside the note, which is kept."""
    form, _version = current_form(form_key)
    record = visible_record(form.id, number, actor())
    verdict, note = request.form.get("verdict", ""), request.form.get("note", "").strip()[:2000]
    if verdict not in VERDICTS:
        raise Refused(_("请从页面上的按钮选择一种处理。"), field="verdict")
    versions = [as_id(request.form.get(name, "")) or 0 for name in ("version", "record_version")]
    record_id, url = record.id, url_for("records.show", form_key=form_key, number=number)
    try:
        with write() as session:
            decide_on(
                record_id, session.get_one(Form, form.id), cast(Verdict, verdict), flow_version=versions[0],
                record_version=versions[1], by=session.get_one(User, actor().id), now=clock.now(), note=note,
            )  # fmt: skip
            answer_at(url)
    except (Refused, Conflict) as error:
        return record_shown(form_key, number, refused=error, note=note)
    if not _still_seen(form_key, number):
        url = url_for("records.list_show", form_key=form_key)
    return go_on_telling(url, _("已处理"), ("record", record_id), note)


def describe_tasks(record_ids: Sequence[int]) -> Mapping[int, str]:
    """Return what a to-do about each record says of it: the form, the number and who filled it in."""
    statement = (
        select(Record.id, Form, Record.number, User.name).join(Form, Form.id == Record.form_id)
        .outerjoin(User, User.id == Record.created_by).where(Record.id.in_(record_ids))
    )  # fmt: skip
    return {
        row_id: " · ".join(part for part in (localised(form), number, name) if part)
        for row_id, form, number, name in db.session.execute(statement)
    }


def _still_seen(form_key: str, number: str) -> bool:
    """Say whether the person still sees the record: who only had its to-do does not after deciding."""
    form, _version = current_form(form_key)
    try:
        visible_record(form.id, number, actor())
    except NotFound:
        return False
    return True


def _own(key: str) -> Form:
    form = form_of(key)
    if form.built_in:
        raise NotFound
    return form


def _page(form: Form, error: Refused | None = None) -> Response:
    template, role = chosen_in(form.flow)
    return render(
        "records/flow.html", status=422 if error else 200, form=form, templates=TEMPLATES,
        template=template or (f"{OWN}{form.flow}" if form.flow else ""), own={f"{OWN}{key}": name for key, name in own_flows().items()},
        roles=reviewers(), role=role or LEAD, error=error,
    )  # fmt: skip
