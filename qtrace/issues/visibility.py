"""Which issues somebody may see; every read of issues starts here."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select

from qtrace.accounts.access import Viewer, visible_to
from qtrace.issues.models import Issue
from qtrace.tasks.queries import subjects_of

S = TypeVar("S", bound=Select[*tuple[Any, ...]])


def visible_issues(user: Viewer) -> Select[Issue]:
    """Select the issues the person may see: by scope, or because an open to-do of theirs is about it."""
    return seen(select(Issue), user)


def seen(statement: S, user: Viewer) -> S:
    """Keep the issues the person may see in a statement over issues."""
    also = None if user.scope == "all" else has_task_of(user)
    return visible_to(statement, Issue, user, also=also)


def has_task_of(user: Viewer) -> ColumnElement[bool]:
    """Return the condition that an open to-do about the issue is the person's own, helped by them, or in their pool."""
    return Issue.id.in_(subjects_of(user, "issue"))
