"""Whom a case waits for, in words, and whether they have seen it."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import Role
from qtrace.core.db import db
from qtrace.flows.models import FlowInstance
from qtrace.tasks.looks import Look, looks_at
from qtrace.tasks.models import Task
from qtrace.web.filters import localised, show_ago


def waiting_for(instance: FlowInstance) -> list[str]:
    """Return whom a case waits for now."""
    about = (Task.subject_kind == instance.subject_kind) & (Task.subject_id == instance.subject_id)
    rows = select(Task).where(about, Task.state == "open", Task.kind == "stage").options(joinedload(Task.owner))
    case = (instance.subject_kind, instance.subject_id)
    return holders_by_case({case: db.session.scalars(rows.order_by(Task.id)).all()})[case]


def holders_by_case(held: Mapping[tuple[str, int], Sequence[Task]]) -> dict[tuple[str, int], list[str]]:
    """Return who has the open to-dos of each of many cases, their looks read at once."""
    looks = looks_at([task.id for tasks in held.values() for task in tasks])
    return {
        case: list(dict.fromkeys(_told(task, looks.get(task.id, ())) for task in tasks)) for case, tasks in held.items()
    }


def _told(task: Task, looks: Sequence[Look]) -> str:
    name = _holder(task)
    own = next((one for one in looks if one.user_id == task.owner_id), None)
    if own is not None:
        return _("%(name)s(%(when)s看过)", name=name, when=show_ago(own.at))
    if looks:
        return _("%(name)s(%(who)s %(when)s看过)", name=name, who=looks[0].name, when=show_ago(looks[0].at))
    return _("%(name)s(还没看)", name=name)


def _holder(task: Task) -> str:
    if task.owner is not None:
        return task.owner.name
    role = db.session.scalar(select(Role).where(Role.key == task.role_key)) if task.role_key else None
    return _("%(role)s·待领取", role=localised(role)) if role else _("待领取")
