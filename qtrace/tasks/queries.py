"""Reads of to-dos: one's own, those one helps with, and the pools of one's roles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import User
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.tasks.models import Task, task_helper

CAP = 200
COUNT_CAP = 1001


@dataclass(frozen=True)
class Group:
    """To-dos of one span of time."""

    key: str
    tasks: Sequence[Task]


def mine(user: User) -> ColumnElement[bool]:
    """Return the condition that a to-do is the person's: own, helping, or in the pool of a role and unclaimed."""
    roles = [role.key for role in user.roles]
    helping = select(task_helper.c.task_id).where(task_helper.c.user_id == user.id)
    pool = Task.owner_id.is_(None) & Task.role_key.in_(roles)
    return or_(Task.owner_id == user.id, pool, Task.id.in_(helping))


def open_tasks(user: User) -> Sequence[Task]:
    """Return the person's open to-dos, the most urgent first."""
    statement = (
        select(Task)
        .where(Task.state == "open", mine(user))
        .options(joinedload(Task.owner))
        .order_by(Task.due_at.is_(None), Task.due_at, Task.id)
        .limit(CAP)
    )
    return db.session.scalars(statement).all()


def done_tasks(user: User) -> Sequence[Task]:
    """Return what the person has done, newest first."""
    statement = (
        select(Task)
        .where(Task.state == "done", Task.closed_by == user.id)
        .options(joinedload(Task.owner))
        .order_by(Task.closed_at.desc(), Task.id.desc())
        .limit(CAP)
    )
    return db.session.scalars(statement).all()


def count_open(user: User) -> int:
    """Return how many open to-dos the person has, counting no further than the cap."""
    inner = select(Task.id).where(Task.state == "open", mine(user)).limit(COUNT_CAP)
    return db.session.scalar(select(func.count()).select_from(inner.subquery())) or 0


def grouped(tasks: Sequence[Task], now: datetime, zone: ZoneInfo) -> list[Group]:
    """Return the to-dos as late, today, this week and later."""
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    week = midnight + timedelta(days=6 - local.weekday())
    groups: dict[str, list[Task]] = {"late": [], "today": [], "week": [], "later": []}
    for task in tasks:
        if task.due_at is None or task.due_at >= week:
            groups["later"].append(task)
        elif task.due_at < now:
            groups["late"].append(task)
        else:
            groups["today" if task.due_at < midnight else "week"].append(task)
    return [Group(key, rows) for key, rows in groups.items() if rows]


def my_task(task_id: int, user: User) -> Task:
    """Return one of the person's to-dos; not found when it is somebody else's."""
    task = db.session.scalar(select(Task).where(Task.id == task_id, mine(user)).options(joinedload(Task.owner)))
    if task is None:
        raise NotFound
    return task
