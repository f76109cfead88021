"""Issues as what goes through a flow: found by number to try a flow on them."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.flows.service import Case
from qtrace.issues.models import Issue
from qtrace.issues.queries import visible_issue
from qtrace.issues.visibility import visible_issues


class IssueSubject:
    """Every issue the person may see."""

    label = _l("质量问题")

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the issue with this number."""
        if not user.can("issue.read"):
            raise NotFound
        issue = visible_issue(number.upper(), user)
        case = Case(("issue", issue.id), issue.title, f"/issues/{issue.number}", issue.created_by, issue.department_id)
        return issue.number, case

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return the newest issues."""
        if not user.can("issue.read"):
            return []
        rows = visible_issues(user).order_by(Issue.id.desc()).limit(most)
        return [(issue.number, issue.title) for issue in db.session.scalars(rows)]
