"""What the branches of a flow may ask of an issue: the fields of its form."""

from collections.abc import Sequence

from flask_babel import gettext as _

from qtrace.conditions.tree import FieldKind
from qtrace.core.db import db
from qtrace.flows.beginning import DEFAULT_FLOW
from qtrace.flows.condition_fields import FieldGroup, Seen, form_group
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import Issue
from qtrace.issues.rule_facts import issue_columns
from qtrace.rules.reading import FormWords
from qtrace.rules.subject import Sight

OWN = {"safety": FieldKind.BOOL, "complaint_count": FieldKind.NUMBER}  # beside the form


def issue_groups(flow_key: str) -> Sequence[FieldGroup]:
    """Return the fields of the issue form; every issue goes through the one flow of issues."""
    return [form_group(_("质量问题"), current_definition(ISSUE_FORM)[1], bound=flow_key == DEFAULT_FLOW)]


def seen_issue(issue_id: int) -> Seen:
    """Return an issue as conditions see it, in the words of the form it was made with."""
    return seen_of_issue(db.session.get_one(Issue, issue_id))


def seen_of_issue(issue: Issue) -> Seen:
    """Return an issue, stored or about to be, as conditions see it."""
    made = issue.form_version_id
    definition = current_definition(ISSUE_FORM)[1] if made is None else stored_definition(ISSUE_FORM, made)
    own = {"safety": bool(issue.safety), "complaint_count": issue.complaint_count or 0}
    values = Sight(definition).of(issue_columns(issue), issue.answers or {})
    fields = lambda: form_group("", definition, bound=True).fields  # noqa: E731 -- asked for only where words are needed
    return Seen({**OWN, **FormWords(definition).kinds}, {**own, **values}, fields)
