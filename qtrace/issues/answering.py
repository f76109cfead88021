"""What answers to the issue form mean for the issue: its columns, its further answers, and what of them can be edited."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qtrace.forms.answers import Answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.forms.registry import Sent, Storage, controls
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import Issue


def edited_definition(issue: Issue) -> FormDefinition:
    """Return what can be edited: the version the issue was made with, without files and without the box that fills."""
    if issue.form_version_id is None:
        definition = current_definition(ISSUE_FORM)[1]
    else:
        definition = stored_definition(ISSUE_FORM, issue.form_version_id)
    known = controls()
    sections = [
        replace(section, fields=tuple(f for f in section.fields if known[f.control].storage != Storage.FILE_REFS))
        for section in definition.sections
    ]
    return FormDefinition(tuple(section for section in sections if section.fields))


def columns_of(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the table: the affected quantity is two of them; words are empty, not missing."""
    plain = {name: value for name, value in columns.items() if name != "affected_qty"}
    if "affected_qty" in columns:
        counts = columns["affected_qty"] or {}
        plain |= {"bad_qty": counts.get("bad"), "checked_qty": counts.get("checked")}
    return {
        name: ("" if value is None and name in ("title", "description", "courier_line") else value)
        for name, value in plain.items()
    }


def further_answers(definition: FormDefinition, answers: Answers) -> dict[str, Any]:
    """Return the further answers of this form; a field that was emptied is written as empty."""
    return {asked.id: answers.answers.get(asked.id) for asked in definition.fields if not asked.column}


def pasted_number(definition: FormDefinition, sent: Sent) -> str:
    """Return what was pasted into the box that fills the rest; empty without one."""
    boxes = [asked.id for asked in definition.fields if asked.control == "scan" and asked.options.get("fills")]
    return next((sent.first(box) for box in boxes if sent.first(box)), "")
