"""Pages of records: what forms there are, the list of one, a record, and filling in a form."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, Forbidden, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.flows.allowed import Allowed
from qtrace.flows.instances import definition_of
from qtrace.flows.stages import decision_box, stage_steps
from qtrace.forms.answers import bind, new_sent, sent_from
from qtrace.forms.definition import FormDefinition
from qtrace.forms.filling import filled_in, note_submission
from qtrace.forms.held import Differing, compare, drop_draft, find_draft, sent_of
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import Opening, Sent, controls
from qtrace.forms.scopes import forms_offered
from qtrace.forms.uploads import notes, receive
from qtrace.records import queries
from qtrace.records.doors import checked_change, checked_form, given_in, held
from qtrace.records.fields import stage_words
from qtrace.records.flow import asked_at_start, holder_of, refuse_locked
from qtrace.records.in_turn import allowed, title_seen
from qtrace.records.models import Record
from qtrace.records.pages import Cell, list_context, sections_of, told_notes
from qtrace.records.related import related_lists
from qtrace.records.service import (
    KIND,
    NewRecord,
    change_record,
    create_record,
    note_reveal,
    set_state,
    undo_last_change,
)
from qtrace.records.timeline import entries_of, source_words
from qtrace.rules.doors import Checked, Door, missing_to_leave, note_warnings
from qtrace.rules.pieces import Told, form_told, told_context
from qtrace.tasks.looks import look_at_case
from qtrace.web.csrf import answer_at
from qtrace.web.filters import localised, site_zone
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited
from qtrace.web.photos import send_stored

bp = Blueprint("records", __name__, url_prefix="/records")


@bp.get("")
@needs("record.read")
def index() -> Response:
    """Show the forms there are, each with how many records wait in it."""
    offered = {form.id for form in forms_offered(actor())}
    return render(
        "records/index.html", forms=queries.record_forms(), counts=queries.counts_by_form(actor()), offered=offered
    )


@bp.get("/<form_key>")
@needs("record.read")
@limited("search")
def list_show(form_key: str) -> Response:
    """List the records of a form."""
    form, definition, _version = _form(form_key)
    return render("records/list.html", "records/_list.html", **list_context(form, definition, actor()))


@bp.get("/<form_key>/new")
@needs("record.create")
def new(form_key: str) -> Response:
    """Show the form; values in the address fill its fields."""
    form, definition, version = _form(form_key)
    held = find_draft(actor().id, form.id) if "held" in request.args else None
    if held:
        shown_in = held.form_version_id
        return _form_page(form, _asked(form, shown_in), shown_in, sent_of(held), {})
    values = {name: request.args.getlist(name) for name in request.args}
    asked = asked_at_start(form, definition)
    return _form_page(form, asked, version, Sent({**new_sent(asked, _opening()).values, **values}), {})


@bp.post("/<form_key>")
@needs("record.create")
def create(form_key: str) -> Response:
    """Store a record; a form that breaks a rule comes back with everything that was filled in."""
    form, _current, current = _form(form_key)
    version = _version_sent(form, current)
    definition = _asked(form, version)
    sent, wrong_files = receive(definition, owner=actor().id)
    if sent.rearranges:
        return _form_page(form, definition, version, sent, wrong_files)
    by, now = actor().id, clock.now()
    checked = checked_form(form.key, definition, sent, wrong_files, door=Door.PAGE, by=by, now=now)
    if not checked.ok:
        return _form_page(form, definition, version, sent, checked.page_errors, status=422, checked=checked)
    answers, files = checked.answers.answers, checked.answers.files
    new_record = NewRecord(form.id, version, answers, files, department_id=actor().department_id, notes=checked.notes)
    opening = _opening()
    try:
        with write():
            number = create_record(new_record, by=by, now=now)
            filled = filled_in(definition, checked.answers)
            note_submission(new_record.form_id, definition, sent, filled, opening=opening)
            url = url_for("records.show", form_key=form_key, number=number)
            answer_at(url)
    except Refused as refused:
        wrong = _wrong(definition, refused)
        return _form_page(_form(form_key)[0], definition, version, sent, wrong, status=422)
    return go(url, trigger={"toast": _("已提交 %(number)s", number=number)})


@bp.get("/<form_key>/<number>")
@needs("record.read")
def show(form_key: str, number: str) -> Response:
    """Show one record with its files and its history; who has a to-do there has seen it now."""
    return record_shown(form_key, number)


def record_shown(
    form_key: str, number: str, *, revealed: Mapping[str, str] | None = None, refused: Refused | Conflict | None = None,
    note: str = "",
) -> Response:  # fmt: skip
    """Return the page of a record; with what was wrong with a decision and the note that came with it."""
    form, record = _record(form_key, number)
    look_at_case(KIND, record.id, actor(), now=clock.now())
    may, whole = allowed(record, actor()), stored_definition(form.key, record.form_version_id)
    definition = may.readable(whole)
    people = names_of({record.created_by} if record.created_by is not None else set())
    flow, now = definition_of("record", record.id), clock.now()
    return render(
        "records/show.html", stages=stage_words() if record.stage else {}, status=refused.status if refused else 200, form=form, record=record, title=title_seen(record, whole, may.hidden), definition=definition, files=queries.files_of(record.id),
        sections=sections_of(definition, record.answers), history=entries_of(record, whole),
        writer=people.get(record.created_by or 0) or source_words(record) or "—", edited=queries.last_edit(record.id) is not None,
        revealed=revealed or {}, notes=told_notes(definition, _notes_seen(record, may)), may_change=may.changes, part_hidden=bool(may.hidden), steps=stage_steps(flow, now),
        box=None if record.state == "void" else decision_box(flow, actor()), holder=holder_of(record), refused=refused,
        related=related_lists(record, form, actor()), cap=queries.CAP,
        note=note,
    )  # fmt: skip


@bp.get("/<form_key>/<number>/edit")
@needs("record.read")
def edit(form_key: str, number: str) -> Response:
    """Show the form with the record's answers, in the version it was made with."""
    form, record = _record(form_key, number)
    definition = _refuse_change(record).writable(stored_definition(form.key, record.form_version_id))
    now = sent_from(definition, {}, record.answers)
    kept = find_draft(actor().id, form.id, subject=number) if "held" in request.args else None
    if kept is None:
        return _edit_page(form, record, definition, now, {}, record.version)
    sent = sent_of(kept)
    differing = compare(definition, sent, now) if kept.based_on != record.version else []
    return _edit_page(form, record, definition, sent, {}, record.version, differing=differing)


@bp.post("/<form_key>/<number>")
@needs("record.read")
def update(form_key: str, number: str) -> Response:
    """Save the answers unless somebody else was faster; then show both, with the reader's values kept."""
    form, record = _record(form_key, number)
    may, definition = _refuse_change(record), stored_definition(form.key, record.form_version_id)
    sent, wrong_files = receive(definition, owner=actor().id)
    version, by, now = as_id(request.form.get("version", "")) or 0, actor().id, clock.now()
    if sent.rearranges:
        return _edit_page(form, record, definition, sent, wrong_files, version)
    checked, given = _checked_change(form, definition, sent, wrong_files, record, may, now)
    if not checked.ok:
        errors = checked.page_errors
        return _edit_page(form, record, definition, sent, errors, version, status=422, checked=checked)
    task_id = as_id(request.form.get("task"))  # who came from a to-do goes back to it
    url = (
        url_for("cases.decision_show", task_id=task_id)
        if task_id
        else url_for("records.show", form_key=form_key, number=number)
    )
    form_id, record_id, answers, files = form.id, record.id, checked.answers.answers, checked.answers.files
    try:
        with write():
            change_record(
                record_id, answers, files, expected_version=version, by=by, now=now, notes=checked.notes, given=given
            )
            note_warnings("record", record_id, checked, now=now)
            drop_draft(by, form_id, subject=number)
            answer_at(url)
    except Conflict as conflict:
        form, record = _record(form_key, number)
        told = conflict.message
        return _edit_page(form, record, definition, sent, {}, record.version, status=409, conflict=told)
    except Refused as refused:
        form, record = _record(form_key, number)
        wrong = _wrong(may.writable(definition), refused)
        return _edit_page(form, record, definition, sent, wrong, version, status=422)
    return go(url, trigger={"toast": _("已保存")})


@bp.post("/<form_key>/<number>/reveals")
@needs("data.unmask")
def reveal_create(form_key: str, number: str) -> Response:
    """Show one masked value in full, once, and write down who asked and why."""
    form, record = _record(form_key, number)
    asked = stored_definition(form.key, record.form_version_id).field(request.form.get("field", ""))
    if asked is None or asked.id in allowed(record, actor()).hidden or not controls()[asked.control].sensitive:
        raise NotFound
    plain = controls()[asked.control].revealed(asked, record.answers.get(asked.id))
    record_id, by, reason = record.id, actor().id, request.form.get("reason", "")[:500]
    with write():
        note_reveal(record_id, asked.id, reason=reason, by=by, now=clock.now())
        answer_at(url_for("records.show", form_key=form_key, number=number))
    answer = record_shown(form_key, number, revealed={asked.id: plain})
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/<form_key>/<number>/undo")
@needs("record.edit")
def undo_create(form_key: str, number: str) -> Response:
    """Take the last change back."""
    _form_row, record = _record(form_key, number)
    _refuse_change(record)
    record_id, version, by = record.id, as_id(request.form.get("version", "")) or 0, actor().id
    url = url_for("records.show", form_key=form_key, number=number)
    with write():
        undo_last_change(record_id, expected_version=version, by=by, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已撤销上一次修改")})


@bp.post("/<form_key>/<number>/state")
@needs("record.edit")
def state_update(form_key: str, number: str) -> Response:
    """Finish, reopen, void or restore a record."""
    form, record = _record(form_key, number)
    state = request.form.get("state", "")
    if state not in ("open", "done", "void"):
        raise NotFound
    record_id, version, by = record.id, as_id(request.form.get("version", "")) or 0, actor().id
    url, now = url_for("records.show", form_key=form_key, number=number), clock.now()
    if state == "done":
        definition = stored_definition(form.key, record.form_version_id)
        missing = missing_to_leave(form.key, definition, held(record), ["close"], now=now)
        if missing:
            raise Refused("\n".join(missing))
    with write():
        reason = request.form.get("reason", "")[:500]
        set_state(record_id, state, expected_version=version, by=by, now=now, reason=reason)
        answer_at(url)
    return go(url, trigger={"toast": _("已保存")})


@bp.get("/<form_key>/<number>/files/<file_id>")
@needs("record.read")
@limited("file")
def file_show(form_key: str, number: str, file_id: str) -> Response:
    """Send a file of a record."""
    _form_row, record = _record(form_key, number)
    hidden = allowed(record, actor()).hidden
    for field, files in queries.files_of(record.id).items():
        for file in files if field not in hidden else ():
            if file.id == file_id:
                return send_stored(file)
    raise NotFound


def _notes_seen(record: Record, may: Allowed) -> dict[str, str]:
    return {path: text for path, text in (record.notes or {}).items() if path.partition(".")[0] not in may.hidden}


def _asked(form: Form, version: int) -> FormDefinition:
    return asked_at_start(form, stored_definition(form.key, version))


def _form(form_key: str) -> tuple[Form, FormDefinition, int]:
    """Return a form that makes records, with its current definition and version."""
    form, version = current_form(form_key)
    if form.built_in:
        raise NotFound
    return form, stored_definition(form.key, version.id), version.id


def _wrong(definition: FormDefinition, refused: Refused) -> dict[str, str]:
    """Return a refusal as an error of its field; of the whole form, under no name, where it is about none."""
    return {(refused.field or "") if definition.field(refused.field or "") else "": refused.message}


def _refuse_change(record: Record) -> Allowed:
    """Return what the person may change of the record now; refused where that is nothing, and what is locked says so."""
    refuse_locked(record)
    may = allowed(record, actor())
    if not may.changes:
        raise Forbidden
    return may


def _checked_change(
    form: Form, definition: FormDefinition, sent: Sent, wrong_files: Mapping[str, str], record: Record, may: Allowed, now: datetime,
) -> tuple[Checked, list[str]]:  # fmt: skip
    """Return what the rules make of a change, and which fields the person gave.

    Where some fields may not be changed the page has only the others, so what it does not send stays as it is; what was sent
    all the same is refused as it is written, where it differs.
    """
    by = actor().id
    if not may.restricts(definition):
        checked = checked_form(form.key, definition, sent, wrong_files, door=Door.PAGE, by=by, now=now, record=record)
        return checked, given_in(definition, sent, record)
    there = {name.partition(".")[0] for name in (*sent.values, *sent.files)}
    named = {asked.id for asked in definition.fields if may.may_write(asked.id) or asked.id in there}
    return checked_change(form.key, definition, sent, wrong_files, named, door=Door.PAGE, by=by, now=now, record=record)


def _version_sent(form: Form, current: int) -> int:
    """Return the version the form was shown in: a publication interrupts nobody who is filling it in."""
    sent = as_id(request.form.get("form_version", ""))
    return sent if sent is not None and queries.is_version_of(form.id, sent) else current


def _record(form_key: str, number: str) -> tuple[Form, Record]:
    form, _version = current_form(form_key)
    return form, queries.visible_record(form.id, number, actor())


def _opening() -> Opening:
    """Return who opens a form and when, which is what its defaults are read against."""
    now = clock.now()
    return Opening(now, now.astimezone(site_zone()).date(), actor().id, actor().department_id)


def _form_page(
    form: Form, definition: FormDefinition, version: int, sent: Sent, errors: Mapping[str, str], *, status: int = 200,
    checked: Checked | None = None,
) -> Response:  # fmt: skip
    told = form_told(form.key, version, definition, sent, by=actor().id, now=clock.now(), checked=checked)
    return render(
        "records/new.html", "records/_new.html", status=status, record_form=form, version=version,
        **_drawn(form, definition, sent, errors, told),
    )  # fmt: skip


def _edit_page(
    form: Form, record: Record, definition: FormDefinition, sent: Sent, errors: Mapping[str, str], version: int, *,
    status: int = 200, conflict: str = "", checked: Checked | None = None, differing: Sequence[Differing] = (),
) -> Response:  # fmt: skip
    may, whole = allowed(record, actor()), stored_definition(form.key, record.form_version_id)
    asked = may.writable(definition)
    part = may.restricts(whole)  # the rules need every field, so only a whole form is checked while it is filled in
    told = Told() if part else form_told(
        form.key, record.form_version_id, definition, sent, by=actor().id, now=clock.now(),
        record=(record.number, held(record)), checked=checked,
    )  # fmt: skip
    return render(
        "records/edit.html", "records/_edit.html", status=status, record_form=form, record=record, conflict=conflict,
        record_version=version, differing=differing, files=queries.files_of(record.id), part=part,
        title=title_seen(record, whole, may.hidden), read_only=_read_only(whole, record, may) if part else (),
        task_id=as_id(request.values.get("task")),
        **_drawn(form, asked, sent, _errors_shown(errors, asked, whole, may), told),
    )  # fmt: skip


def _read_only(definition: FormDefinition, record: Record, may: Allowed) -> list[Cell]:
    """Return the answers that stand beside a part of the form: shown, and not to be changed."""
    sections = sections_of(may.readable(definition), record.answers)
    return [cell for _section, cells in sections for cell in cells if not may.may_write(cell.field.id)]


def _errors_shown(
    errors: Mapping[str, str], asked: FormDefinition, whole: FormDefinition, may: Allowed
) -> Mapping[str, str]:
    """Return the errors with those of fields that are not on the page above it; of what is hidden only that it is so."""
    found: dict[str, str] = {}
    for path, why in errors.items():
        name = path.partition(".")[0]
        field = whole.field(name)
        if not name or field is None or asked.field(name) is not None:
            found[path] = why
        elif name in may.hidden:
            found[""] = _("有一项您看不到的内容和您填的对不上。请退回给填写的人。")
        else:
            found.setdefault("", _("「%(field)s」:%(why)s", field=localised(field, "label"), why=why))
    return found


def _drawn(form: Form, definition: FormDefinition, sent: Sent, errors: Mapping[str, str], told: Told) -> dict[str, Any]:
    return {
        "form": bind(definition, sent, errors), "kept": notes(sent, owner=actor().id), "errors": errors,
        "asked_key": form.key, **told_context(told),
    }  # fmt: skip
