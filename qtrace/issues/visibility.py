"""Which issues somebody may see; every read of issues starts here."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, case, or_, select, union_all

from qtrace.accounts.access import Viewer, visible_to
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task, task_helper

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
    # Three short index searches, made once for the whole list: one question with OR would read every to-do.
    about = case((Task.subject_kind == "issue", Task.subject_id))
    to_do = select(about).where(Task.state == "open")
    helped = select(task_helper.c.task_id).where(task_helper.c.user_id == user.id)
    pooled = to_do.where(
        Task.owner_id.is_(None), Task.role_key.in_(user.role_keys),
        or_(Task.department_id.is_(None), Task.department_id == user.department_id),
    )  # fmt: skip
    return Issue.id.in_(union_all(to_do.where(Task.owner_id == user.id), to_do.where(Task.id.in_(helped)), pooled))
