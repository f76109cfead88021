"""What a flow may do by itself: open the issue of a complaint, and change fields of an issue."""

from flask import Flask
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.complaints.models import Complaint
from qtrace.core.db import require_write
from qtrace.flows.effects import register_effect
from qtrace.flows.standing import StepCase
from qtrace.forms.answers import read_answers, sent_from
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.answering import columns_of, edited_definition, further_answers
from qtrace.issues.models import Issue
from qtrace.issues.opening import open_issue_from
from qtrace.issues.rule_facts import issue_columns
from qtrace.issues.service import SUBJECT, edit_issue
from qtrace.records.flow_steps import asked_for, faults_of, refuse_wrong, told_fields
from qtrace.records.plain import merged
from qtrace.rules.doors import Door, Held, check_answers, note_warnings
from qtrace.sdk.flow_nodes import OpenIssue, SetFields


def register(app: Flask) -> None:
    """Offer both to automatic nodes."""
    register_effect(app, OpenIssue, "complaint", open_issue)
    register_effect(app, SetFields, SUBJECT, set_fields)


def open_issue(found: StepCase, _effect: OpenIssue) -> str:
    """Open an issue for the complaint; one that an issue holds already is left there."""
    complaint = require_write().get_one(Complaint, found.about[1])
    if complaint.issue_id is None:
        open_issue_from([complaint], by=found.instance.initiator_id, now=found.now)
    return _("已立案")


def set_fields(found: StepCase, effect: SetFields) -> str:
    """Give fields of the issue new values by the rules of its form; Refused says which of them cannot be."""
    issue = require_write().scalars(select(Issue).where(Issue.id == found.about[1]).with_for_update()).one()
    definition, columns = edited_definition(issue), issue_columns(issue)
    values, sent = asked_for(definition, effect.values)
    sent = merged(sent_from(definition, columns, issue.answers, reveal=True), sent, values)
    held = Held(issue.id, columns, issue.answers)
    checked = check_answers(
        ISSUE_FORM, definition, read_answers(definition, sent, issue.answers), door=Door.FLOW, by=None, now=found.now,
        record=held,
    )  # fmt: skip
    before = {one.id: columns.get(one.column) if one.column else issue.answers.get(one.id) for one in definition.fields}
    refuse_wrong(definition, faults_of(checked.refusals, values, before))
    answers = checked.answers
    changes = columns_of(answers.columns) | {"answers": dict(issue.answers) | further_answers(definition, answers)}
    changes["title"] = changes.get("title") or issue.title
    edit_issue(issue.id, changes, expected_version=issue.version, by=None, now=found.now)
    note_warnings(SUBJECT, issue.id, checked, now=found.now)
    return told_fields(definition, values)
