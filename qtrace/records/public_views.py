"""The public form: people without an account fill it in, get a number and see nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from qtrace.accounts.access import public
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.forms.answers import bind, new_sent
from qtrace.forms.definition import FormDefinition
from qtrace.forms.filling import filled_in, note_submission
from qtrace.forms.links import LinkState, asked_of_strangers, find_link, joined, preset_fields, state_of, use_link
from qtrace.forms.models import Form, FormLink
from qtrace.forms.queries import current_definition, form_of, stored_definition
from qtrace.forms.registry import Opening, Sent
from qtrace.forms.remarks import add_remark
from qtrace.forms.uploads import notes, receive
from qtrace.records import queries
from qtrace.records.doors import checked_form
from qtrace.records.flow import asked_at_start
from qtrace.records.service import NewRecord, create_record
from qtrace.rules.doors import Checked, Door
from qtrace.rules.pieces import checked_piece, form_told, told_context
from qtrace.web.csrf import answer_at, csrf_token
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render
from qtrace.web.limits import hit, limited

bp = Blueprint("public_forms", __name__, url_prefix="/f")
SALT = "public-form-done"
GONE = 410


@bp.get("/<token>")
@public
@limited("public-open")
def show(token: str) -> Response:
    """Show the form of a link, or say why it can't be filled in any more."""
    link, form = _link(token)
    state = state_of(link, form, clock.now())
    if state != LinkState.OPEN:
        return _ended(link, form, state)
    version, whole = current_definition(form.key)
    definition, now = asked_at_start(form, whole, preset_fields(link.preset)), clock.now()
    asked = asked_of_strangers(definition, link.preset, link.opened)
    opening = Opening(now, now.astimezone(site_zone()).date())
    return _form_page(token, link, form, asked, version, new_sent(asked, opening), {})


@bp.post("/<token>")
@public
@limited("public-send")
def create(token: str) -> Response:
    """Store a record; a form that breaks a rule comes back with everything that was filled in."""
    link, form = _link(token)
    now = clock.now()
    hit("public-link", str(link.id), now=now)
    state = state_of(link, form, now)
    if state != LinkState.OPEN:
        return _ended(link, form, state)
    version, whole = _version_sent(form)
    definition = asked_at_start(form, whole, preset_fields(link.preset))
    asked = asked_of_strangers(definition, link.preset, link.opened)
    sent, wrong_files = receive(asked, owner=_visitor())
    if sent.rearranges:
        return _form_page(token, link, form, asked, version, sent, wrong_files)
    checked = checked_form(
        form.key,
        joined(definition, link.preset, link.opened),
        _with_preset(sent, link),
        wrong_files,
        door=Door.PUBLIC,
        by=None,
        now=now,
    )
    if not checked.ok:
        return _form_page(token, link, form, asked, version, sent, checked.page_errors, checked=checked)
    new = NewRecord(
        form.id, version, checked.answers.answers, checked.answers.files, source="public",
        department_id=link.department_id, form_link_id=link.id, notes=checked.notes,
    )  # fmt: skip
    link_id, opening = link.id, Opening(now, now.astimezone(site_zone()).date())
    try:
        with write():
            use_link(link_id, now=now)
            number = create_record(new, by=None, now=now)
            note_submission(new.form_id, asked, sent, filled_in(asked, checked.answers), opening=opening)
            url = url_for("public_forms.done", token=token, note=_note(token, number))
            answer_at(url)
    except Refused as refused:
        link, form = _link(token)
        state = state_of(link, form, clock.now())
        if state != LinkState.OPEN:
            return _ended(link, form, state)
        # the message of the office names the record that has the value; a stranger must not learn of it
        gated = refused.field == "gates"
        wrong = {
            "" if gated else refused.field or "": refused.message if gated else _("这里的内容已经有人提交过。请核对。")
        }
        return _form_page(token, link, form, asked, version, sent, wrong)
    return go(url)


@bp.post("/<token>/check")
@public
@limited("public-check")
def check_create(token: str) -> Response:
    """Say what the rules make of a form that is being filled in; stores nothing."""
    link, form = _link(token)
    if state_of(link, form, clock.now()) != LinkState.OPEN:
        raise NotFound
    definition = asked_at_start(form, _version_sent(form)[1], preset_fields(link.preset))
    sent = _with_preset(Sent(request.form.to_dict(flat=False)), link)
    checked = checked_form(
        form.key, joined(definition, link.preset, link.opened), sent, {}, door=Door.PUBLIC, by=None, now=clock.now()
    )
    return _private(checked_piece(checked, asked_of_strangers(definition, link.preset, link.opened), sent))


@bp.get("/<token>/remarks/new")
@public
@limited("public-open")
def remark_new(token: str) -> Response:
    """Ask what is awkward about the form, or thank for having said it."""
    link, form = _open_link(token)
    return _remark_page(token, link, form)


@bp.post("/<token>/remarks")
@public
@limited("public-send")
def remark_create(token: str) -> Response:
    """Keep what somebody without an account says of the form."""
    link, form = _open_link(token)
    hit("public-link", str(link.id), now=clock.now())
    text, field = request.form.get("text", ""), request.form.get("remark_field", "")
    asked = asked_of_strangers(current_definition(form.key)[1], link.preset)
    url = url_for("public_forms.remark_new", token=token, sent=1)
    try:
        with write():
            add_remark(form_of(form.key), text, field=field if asked.field(field) else "", by=None, now=clock.now())
            answer_at(url)
    except Refused as refused:
        link, form = _open_link(token)
        return _remark_page(token, link, form, text=text, error=refused.message)
    return go(url)


@bp.get("/<token>/done/<note>")
@public
@limited("public-open")
def done(token: str, note: str) -> Response:
    """Thank the person and tell the record's number; nothing else of it is shown."""
    link, form = _link(token)
    try:
        number = str(URLSafeSerializer(str(current_app.secret_key), salt=f"{SALT}-{link.id}").loads(note))
    except BadSignature:
        raise NotFound from None
    again = state_of(link, form, clock.now()) == LinkState.OPEN
    return _private(render("public/done.html", link=link, record_form=form, number=number, again=again, token=token))


def _link(token: str) -> tuple[FormLink, Form]:
    found = find_link(token)
    if found is None:
        raise NotFound
    return found


def _open_link(token: str) -> tuple[FormLink, Form]:
    link, form = _link(token)
    if state_of(link, form, clock.now()) != LinkState.OPEN:
        raise NotFound
    return link, form


def _remark_page(token: str, link: FormLink, form: Form, *, text: str = "", error: str = "") -> Response:
    asked = asked_of_strangers(current_definition(form.key)[1], link.preset)
    context: dict[str, Any] = {
        "definition": asked,
        "text": text,
        "error": error,
        "sent": "sent" in request.args and not error,
    }
    status = 422 if error else 200
    return _private(render("public/remark.html", status=status, token=token, link=link, record_form=form, **context))


def _note(token: str, number: str) -> str:
    """Return the sealed number, which the address of the thanks carries: nobody can ask for another one."""
    link, _form = _link(token)
    return str(URLSafeSerializer(str(current_app.secret_key), salt=f"{SALT}-{link.id}").dumps(number))


def _visitor() -> int:
    """Return a number of this visitor's browser, whose photos survive a form that comes back; no person has it."""
    return -int(csrf_token()[:12], 16)


def _version_sent(form: Form) -> tuple[int, FormDefinition]:
    """Return the version the form was shown in: a publication interrupts nobody who is filling it in."""
    sent = as_id(request.form.get("form_version", ""))
    if sent is not None and queries.is_version_of(form.id, sent):
        return sent, stored_definition(form.key, sent)
    return current_definition(form.key)


def _with_preset(sent: Sent, link: FormLink) -> Sent:
    """Return what was sent with the values the link brings along; nobody outside can change those."""
    held = preset_fields(link.preset)
    values = {name: texts for name, texts in sent.values.items() if name.split(".")[0] not in held}
    return Sent({**values, **link.preset}, sent.files)


def _form_page(
    token: str, link: FormLink, form: Form, asked: FormDefinition, version: int, sent: Sent, errors: Mapping[str, str], *,
    checked: Checked | None = None,
) -> Response:  # fmt: skip
    told = form_told(form.key, version, asked, sent, by=None, now=clock.now(), checked=checked)
    check_url = told.check_url and url_for("public_forms.check_create", token=token)
    context: dict[str, Any] = {
        "form": bind(asked, sent, errors), "kept": notes(sent, owner=_visitor()), "errors": errors,
        "refused": errors.get("", ""), **told_context(replace(told, check_url=check_url)),
    }  # fmt: skip
    status = 422 if errors or checked else 200
    return _private(
        render("public/form.html", status=status, token=token, link=link, record_form=form, version=version, **context)
    )


def _ended(link: FormLink, form: Form, state: LinkState) -> Response:
    return _private(render("public/ended.html", status=GONE, link=link, record_form=form, state=state))


def _private(response: Response) -> Response:
    """Keep the secret address out of caches, other sites' logs and search engines."""
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
