"""The issues, as the designer of the issue form counts and samples them."""

from collections.abc import Mapping, Sequence

from flask import url_for
from sqlalchemy import func, select

from qtrace.accounts.access import visible_to
from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.forms.models import Form
from qtrace.forms.registry import Value
from qtrace.forms.sources import Sample
from qtrace.issues.fields import FORM_COLUMNS
from qtrace.issues.models import Issue

PLAIN = [name for name in FORM_COLUMNS if name != "affected_qty"]


class IssueSource:
    """The issues are the records of the issue form."""

    def count(self, forms: Sequence[Form]) -> Mapping[int, int]:
        """Return how many issues there are, for the one form they are made with."""
        return dict.fromkeys((form.id for form in forms), db.session.scalar(select(func.count(Issue.id))) or 0)

    def recent(self, _form: Form, limit: int, *, user: User) -> Sequence[Sample]:
        """Return the newest issues the person sees, as the form sees them, the newest first."""
        issues = db.session.scalars(visible_to(select(Issue), Issue, user).order_by(Issue.id.desc()).limit(limit))
        return [
            Sample(issue.number, url_for("issues.show", number=issue.number), _columns(issue), issue.answers)
            for issue in issues
        ]

    def list_url(self, _form: Form) -> str:
        """Return the address of the list of issues."""
        return url_for("issues.index")

    def new_url(self, _form: Form) -> str:
        """Return the address at which an issue is recorded."""
        return url_for("issues.new")


def _columns(issue: Issue) -> dict[str, Value]:
    quantity = None if issue.bad_qty is None else {"bad": issue.bad_qty, "checked": issue.checked_qty}
    return {name: getattr(issue, name) for name in PLAIN} | {"affected_qty": quantity}
