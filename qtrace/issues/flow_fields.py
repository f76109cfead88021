"""What the branches of a flow may ask of an issue: the fields of its form."""

from collections.abc import Sequence

from flask_babel import gettext as _

from qtrace.core.db import db
from qtrace.flows.condition_fields import FieldGroup, Seen, form_group
from qtrace.flows.service import DEFAULT_FLOW
from qtrace.forms.queries import current_definition, stored_definition
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import Issue
from qtrace.issues.rule_facts import issue_columns
from qtrace.rules.reading import FormWords
from qtrace.rules.subject import Sight


def issue_groups(flow_key: str) -> Sequence[FieldGroup]:
    """Return the fields of the issue form; every issue goes through the one flow of issues."""
    return [form_group(_("质量问题"), current_definition(ISSUE_FORM)[1], bound=flow_key == DEFAULT_FLOW)]


def seen_issue(issue_id: int) -> Seen:
    """Return an issue as conditions see it, in the words of the form it was made with."""
    issue = db.session.get_one(Issue, issue_id)
    made = issue.form_version_id
    definition = current_definition(ISSUE_FORM)[1] if made is None else stored_definition(ISSUE_FORM, made)
    return Seen(FormWords(definition).kinds, Sight(definition).of(issue_columns(issue), issue.answers))
