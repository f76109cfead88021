"""The issues, as fields of other forms link to them."""

from collections.abc import Sequence

from flask import url_for
from sqlalchemy import Select, select

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.forms.definition import FormDefinition
from qtrace.forms.linking import Linked
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import OptionChoice
from qtrace.forms.seed import ISSUE_FORM
from qtrace.issues.models import Issue
from qtrace.issues.rule_facts import issue_columns
from qtrace.issues.visibility import visible_issues


class IssueLinks:
    """The issues are the records of the issue form."""

    def targets(self) -> Sequence[OptionChoice]:
        """Return the issue form."""
        return [OptionChoice(ISSUE_FORM, "质量问题", "Issue")]

    def definition(self, target: str) -> FormDefinition:
        """Return the issue form's current definition."""
        return current_definition(target)[1]

    def by_number(self, _target: str, number: str, user: User | None) -> Linked | None:
        """Return the issue with this number."""
        return _first(_seen(user).where(Issue.number == number.upper()))

    def by_id(self, _target: str, row_id: int, user: User | None) -> Linked | None:
        """Return the issue with this id."""
        return _first(_seen(user).where(Issue.id == row_id))

    def begins(self, _target: str, text: str, limit: int, user: User | None) -> Sequence[Linked]:
        """Return the newest issues whose number begins like this."""
        found = _seen(user).where(Issue.number >= text.upper(), Issue.number < text.upper() + "\U0010ffff")
        return [linked(issue) for issue in db.session.scalars(found.order_by(Issue.id.desc()).limit(limit))]


def linked(issue: Issue) -> Linked:
    """Return an issue as a link shows it."""
    url = url_for("issues.show", number=issue.number)
    return Linked(issue.id, issue.number, issue.title, url, issue_columns(issue), issue.answers)


def _seen(user: User | None) -> Select[Issue]:
    return select(Issue) if user is None else visible_issues(user)


def _first(statement: Select[Issue]) -> Linked | None:
    issue = db.session.scalar(statement.limit(1))
    return None if issue is None else linked(issue)
