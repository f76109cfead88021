"""What somebody may change of an issue at the own turn in its flow: what the node lets fill in, and no more (`flows.field_rights`).

Only what is asked by the form of issues is held to it; classifying, assigning and the pages of the investigation are not
edited field by field.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.flows.allowed import Allowed
from qtrace.flows.field_rights import rights_in
from qtrace.forms.answers import read_answers, sent_from
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import Sent
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.answering import edited_definition
from qtrace.issues.models import Issue
from qtrace.issues.rule_facts import issue_columns
from qtrace.rules.doors import Checked, Door, Held, check_answers
from qtrace.rules.pieces import reasons_in

EMPTY: tuple[object, ...] = (None, "", [], {})
MADE_OF = {
    "affected_qty": ("bad_qty", "checked_qty")
}  # what one field is stored in, where that is more than one column


def allowed(issue: Issue, user: User) -> Allowed:
    """Return what a person may do with an issue now."""
    return Allowed(user.can("issue.edit"), rights_in("issue", issue.id, user))


def checked_change(
    issue: Issue, definition: FormDefinition, sent: Sent, may: Allowed, *, door: Door, by: int, now: datetime
) -> tuple[Checked, list[str]]:
    """Return what the rules make of what was sent, and which fields the person gave.

    Where some fields may not be changed, those that were not sent stay as they are. What was sent of such a field all the
    same is left as it was sent, to be refused where it differs.
    """
    whole, named = sent, {asked.id for asked in definition.fields}
    if may.restricts(definition):
        there = {name.partition(".")[0] for name in sent.values}
        named = {asked.id for asked in definition.fields if may.may_write(asked.id) or asked.id in there}
        held = _held_sent(issue, definition).values
        kept = {name: texts for name, texts in held.items() if name.partition(".")[0] not in named}
        whole = Sent({**kept, **sent.values}, sent.files)
    checked = _checked(issue, definition, whole, door=door, by=by, now=now)
    if checked.errors.keys() - {""} - named:
        old = _checked(issue, definition, _held_sent(issue, definition), door=door, by=by, now=now)
        checked = checked.but_for(old.errors, named)
    return checked, [name for name in _given(issue, definition, whole) if name in named]


def _checked(issue: Issue, definition: FormDefinition, sent: Sent, *, door: Door, by: int, now: datetime) -> Checked:
    return check_answers(
        ISSUE_FORM, definition, read_answers(definition, sent, issue.answers), door=door, by=by, now=now,
        record=Held(issue.id, issue_columns(issue), issue.answers), reasons=reasons_in(sent.values),
    )  # fmt: skip


def _held_sent(issue: Issue, definition: FormDefinition) -> Sent:
    return sent_from(definition, issue_columns(issue), issue.answers, reveal=True)


def refuse_beyond(issue: Issue, changed: Mapping[str, Any], given: Collection[str] | None, by: int | None) -> None:
    """Refuse a person's change of what the own turn keeps; `given` are the fields, where rules changed more."""
    user = db.session.get(User, by) if by is not None else None
    rights = rights_in("issue", issue.id, user) if user is not None else None
    if rights is None or not rights.tables:
        return
    definition, answers = edited_definition(issue), changed.get("answers", {})
    old, new = answers.get("old") or {}, answers.get("new") or {}
    touched = given if given is not None else [
        asked.id for asked in definition.fields
        if (changed.keys() & MADE_OF.get(asked.column, (asked.column,)) if asked.column else old.get(asked.id) != new.get(asked.id))
    ]  # fmt: skip
    Allowed(anyway=user is not None and user.can("issue.edit"), rights=rights).refuse_beyond(definition, touched)


def _given(issue: Issue, definition: FormDefinition, sent: Sent) -> list[str]:
    read, columns = read_answers(definition, sent, issue.answers), issue_columns(issue)
    pairs = {
        asked.id: (read.columns.get(asked.column), columns.get(asked.column))
        if asked.column else (read.answers.get(asked.id), issue.answers.get(asked.id))
        for asked in definition.fields
    }  # fmt: skip
    return [name for name, (new, old) in pairs.items() if new != old and not (new in EMPTY and old in EMPTY)]
