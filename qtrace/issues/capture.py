"""Record an issue in half a minute, and correct it later; both are the form's own definition."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.complaints.models import Complaint
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, Forbidden, Refused
from qtrace.core.ids import as_id
from qtrace.flows.allowed import Allowed
from qtrace.forms.answers import Answers, bind, read_answers, sent_from
from qtrace.forms.definition import FormDefinition
from qtrace.forms.filling import filled_in, note_submission
from qtrace.forms.held import Differing, compare, drop_draft, find_draft, sent_of
from qtrace.forms.queries import current_definition, form_of, stored_definition, version_sent
from qtrace.forms.registry import Opening, Sent
from qtrace.forms.seed import ISSUE_FORM
from qtrace.forms.uploads import notes, receive
from qtrace.issues import queries
from qtrace.issues.answering import columns_of, edited_definition, further_answers, pasted_number
from qtrace.issues.controls import MOST_KEPT, find_alike
from qtrace.issues.in_turn import allowed, checked_change
from qtrace.issues.models import Issue
from qtrace.issues.opening import hold
from qtrace.issues.origin import Origin, complete, origin_of
from qtrace.issues.remarks import attach_file
from qtrace.issues.rule_facts import issue_columns
from qtrace.issues.service import NewIssue, create_issue, edit_issue
from qtrace.issues.views import bp
from qtrace.rules.doors import Checked, Door, Held, check_answers, note_warnings
from qtrace.rules.pieces import Told, form_told, reasons_in
from qtrace.web.csrf import answer_at
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited


@bp.get("/issues/new")
@needs("issue.create")
def new() -> Response:
    """Show the form; values in the address fill its fields, so a link can start from an order, a lot or a complaint."""
    version_id, definition = current_definition(ISSUE_FORM)
    values = {name: request.args.getlist(name) for name in request.args}
    held = find_draft(actor().id, form_of(ISSUE_FORM).id) if "held" in request.args else None
    if held:
        shown_in = held.form_version_id
        return _form_page((shown_in, stored_definition(ISSUE_FORM, shown_in)), sent_of(held), {})
    complaint = _complaint(request.args)
    sent = sent_from(definition, _columns_of(complaint), {}) if complaint else Sent()
    return _form_page((version_id, definition), Sent({**sent.values, **values}), {})


@bp.get("/issues/origin")
@needs("issue.create")
@limited("search")
def origin() -> Response:
    """Show what a pasted number leads to, and what is already known of it."""
    box = request.args.get("box", "source")
    return render("issues/_found.html", **_found(request.args.get(box, ""), request.args.get("origin_line", "")))


@bp.get("/issues/alike")
@needs("issue.read")
@limited("search")
def alike_show() -> Response:
    """Show the issues alike to what a form says so far; the address names its fields."""
    typed = {part: request.args.get(request.args.get(f"{part}_field", ""), "")[:400] for part in ("sku", "lot", "text")}
    name = request.args.get("field", "")[:80]
    picked = list(dict.fromkeys(request.args.getlist(name)))[:MOST_KEPT]
    found = [one for one in find_alike(typed) if one.number not in picked]
    return render("issues/_alike.html", found=found, name=name, picked=picked, asked=any(typed.values()))


@bp.post("/issues")
@needs("issue.create")
def create() -> Response:
    """Open an issue from the form; an invalid form comes back with everything that was filled in."""
    version_id, definition = version_sent(ISSUE_FORM, request.form.get("form_version", ""))
    sent, errors = receive(definition, owner=actor().id)
    if sent.rearranges:
        return _form_page((version_id, definition), sent, errors)
    now = clock.now()
    checked = _checked(definition, sent, now)
    if not checked.ok or errors:
        wrong = checked.page_errors | errors
        return _form_page((version_id, definition), sent, wrong, status=422, checked=checked)
    new_issue = _new_issue(checked.answers, version_id, pasted_number(definition, sent))
    complaint = _complaint(request.form)
    form_id, given = form_of(ISSUE_FORM).id, filled_in(definition, checked.answers)
    opening = Opening(now, now.astimezone(site_zone()).date(), actor().id, actor().department_id)
    with write():
        note_submission(form_id, definition, sent, given, opening=opening)
        issue = create_issue(new_issue, by=actor().id, now=now)
        note_warnings("issue", issue.id, checked, now=now)
        for field_id, photos in checked.answers.files.items():
            for photo in photos:
                attach_file(issue.id, photo, by=actor().id, now=now, field_id=field_id.partition(".")[0])
        if complaint:
            hold(issue.id, [complaint.id], now=now, by=actor().id)
        number = issue.number
        url = url_for("issues.show", number=number)
        answer_at(url)
    return go(url, trigger={"toast": _("已登记 %(number)s", number=number)})


@bp.get("/issues/<number>/edit")
@needs("issue.read")
def edit(number: str) -> Response:
    """Show the form with the issue's values, as far as the person may change them now."""
    issue = queries.visible_issue(number, actor())
    definition = _may_change(issue).writable(edited_definition(issue))
    now = sent_from(definition, issue_columns(issue), issue.answers)
    kept = find_draft(actor().id, form_of(ISSUE_FORM).id, subject=number) if "held" in request.args else None
    if kept is None:
        return _edit_page(issue, definition, now, {}, issue.version)
    sent = sent_of(kept)
    differing = compare(definition, sent, now) if kept.based_on != issue.version else []
    return _edit_page(issue, definition, sent, {}, issue.version, differing=differing)


@bp.post("/issues/<number>")
@needs("issue.read")
def update(number: str) -> Response:
    """Save the form unless somebody else was faster; then show who changed what, with the reader's values kept."""
    issue = queries.visible_issue(number, actor())
    may, definition = _may_change(issue), edited_definition(issue)
    sent, errors = receive(definition, owner=actor().id)
    version, now = as_id(request.form.get("version", "")) or 0, clock.now()
    if sent.rearranges:
        return _edit_page(issue, definition, sent, errors, version)
    checked, given = checked_change(issue, definition, sent, may, door=Door.PAGE, by=actor().id, now=now)
    if not checked.ok or errors:
        wrong = checked.page_errors | errors
        return _edit_page(issue, definition, sent, wrong, version, status=422, checked=checked)
    task_id = as_id(request.form.get("task"))  # who came from a to-do goes back to it
    url = url_for("cases.decision_show", task_id=task_id) if task_id else url_for("issues.show", number=number)
    answers, issue_id = checked.answers, issue.id
    form_id = form_of(ISSUE_FORM).id
    changes = columns_of(answers.columns) | {"answers": dict(issue.answers) | further_answers(definition, answers)}
    changes["title"] = changes.get("title") or issue.title
    try:
        with write():
            edit_issue(issue_id, changes, expected_version=version, by=actor().id, now=now, given=given)
            for field_id, photos in answers.files.items():
                for photo in photos:
                    attach_file(issue_id, photo, by=actor().id, now=now, field_id=field_id.partition(".")[0])
            note_warnings("issue", issue_id, checked, now=now)
            drop_draft(actor().id, form_id, subject=number)
            answer_at(url)
    except Conflict as conflict:
        latest = queries.visible_issue(number, actor())
        return _edit_page(latest, definition, sent, {}, latest.version, status=409, conflict=conflict.message)
    except Refused as refused:
        latest = queries.visible_issue(number, actor())
        return _edit_page(latest, definition, sent, {"": refused.message}, version, status=422)
    return go(url, trigger={"toast": _("已保存")})


def _may_change(issue: Issue) -> Allowed:
    """Return what the person may change of the issue now; refused where that is nothing."""
    may = allowed(issue, actor())
    if not may.changes:
        raise Forbidden
    return may


def _new_issue(answers: Answers, version_id: int, source: str) -> NewIssue:
    line_id = as_id(request.form.get("origin_line", ""))
    columns = complete(columns_of(answers.columns), source, line_id=line_id)
    filled: dict[str, Any] = {name: value for name, value in columns.items() if value is not None}
    return NewIssue(**filled, form_version_id=version_id, answers=answers.answers, department_id=actor().department_id)


def _complaint(args: Mapping[str, str]) -> Complaint | None:
    complaint_id = as_id(args.get("complaint", ""))
    return queries.free_complaint(complaint_id, actor()) if complaint_id else None


def _columns_of(complaint: Complaint) -> dict[str, Any]:
    """Return what a complaint already says of the issue it becomes."""
    names = ("type_id", "severity_id", "order_id", "sku_id", "lot_id", "supplier_id", "courier_line")
    return {name: getattr(complaint, name) for name in names} | {"description": complaint.text or complaint.raw_reason}


def _checked(definition: FormDefinition, sent: Sent, now: datetime) -> Checked:
    """Return what the form's rules make of a new issue."""
    return check_answers(
        ISSUE_FORM, definition, read_answers(definition, sent), door=Door.PAGE, by=actor().id, now=now,
        reasons=reasons_in(sent.values),
    )  # fmt: skip


def _held(issue: Issue) -> tuple[str, Held]:
    return issue.number, Held(issue.id, issue_columns(issue), issue.answers)


def _form_page(
    shown: tuple[int, FormDefinition], sent: Sent, errors: Mapping[str, str], *, status: int = 200,
    checked: Checked | None = None,
) -> Response:  # fmt: skip
    version_id, definition = shown
    kept, now = notes(sent, owner=actor().id), clock.now()
    found = _found(pasted_number(definition, sent), sent.first("origin_line"))
    told = form_told(ISSUE_FORM, version_id, definition, sent, by=actor().id, now=now, checked=checked)
    return render(
        "issues/new.html", "issues/_new.html", status=status, form=bind(definition, sent, errors), kept=kept, errors=errors,
        lookup_url=url_for("issues.origin"), found_template="issues/_found.html", complaint=sent.first("complaint"),
        told=told, said=told.fields, form_key=ISSUE_FORM, form_version=version_id, **found,
    )  # fmt: skip


def _edit_page(
    issue: Issue, definition: FormDefinition, sent: Sent, errors: Mapping[str, str], version: int, *, status: int = 200,
    conflict: str = "", checked: Checked | None = None, differing: Sequence[Differing] = (),
) -> Response:  # fmt: skip
    version_id = issue.form_version_id or current_definition(ISSUE_FORM)[0]
    may, whole = allowed(issue, actor()), edited_definition(issue)
    told = Told() if may.restricts(whole) else form_told(
        ISSUE_FORM, version_id, definition, sent, by=actor().id, now=clock.now(), record=_held(issue), checked=checked
    )  # fmt: skip
    asked = may.writable(definition)
    errors = {path if asked.field(path.partition(".")[0]) else "": why for path, why in errors.items()}
    return render(
        "issues/edit.html", "issues/_edit.html", status=status, issue=issue, form=bind(asked, sent, errors), part=may.restricts(whole), task_id=as_id(request.values.get("task")), kept=notes(sent, owner=actor().id),
        version=version, conflict=conflict, errors=errors, form_key=ISSUE_FORM, differing=differing, told=told, said=told.fields,
    )  # fmt: skip


def _found(text: str, line: str) -> dict[str, Any]:
    origin = origin_of(text, line_id=as_id(line)) if text.strip() else Origin()
    lot_id, sku_id = origin.lot.id if origin.lot else None, origin.sku.id if origin.sku else None
    return {
        "origin": origin, "typed": text.strip(),
        "alike": queries.open_issues_like(actor(), lot_id=lot_id, sku_id=sku_id),
        "recent": queries.recent_complaints(lot_id=lot_id, sku_id=sku_id, now=clock.now()),
    }  # fmt: skip
