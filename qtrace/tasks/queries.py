"""Reads of to-dos: one's own, those one helps with, and the pools of one's roles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, CompoundSelect, Select, bindparam, case, func, or_, select, union, union_all
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from qtrace.accounts.access import BoundViewer, Viewer, viewer_values
from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import UtcDateTime, db
from qtrace.core.errors import NotFound
from qtrace.tasks.models import StandIn, Task, task_helper, task_pool
from qtrace.tasks.standing import (
    MOMENT,
    Behind,
    owner_stood_for,
    persons_behind,
    pool_stood_for,
    pools_stood_for,
    roles_stood_for,
    stood_for,
)

PAGE = 50
COUNT_CAP = 1001
WAITING_NODES = frozenset({"verify"})  # stages that wait for goods to be shipped, not for somebody's work


@dataclass(frozen=True)
class Group:
    """To-dos of one span of time."""

    key: str
    tasks: Sequence[Task]


def mine(user: Viewer) -> ColumnElement[bool]:
    """Return the condition that a to-do is the person's: own, helping, stood in for, or in a pool and unclaimed."""
    helping = select(task_helper.c.task_id).where(task_helper.c.user_id == user.id)
    pool = Task.owner_id.is_(None) & Task.role_key.in_(user.role_keys)
    named = Task.owner_id.is_(None) & Task.id.in_(select(task_pool.c.task_id).where(task_pool.c.user_id == user.id))
    return or_(Task.owner_id == user.id, pool, named, Task.id.in_(helping), stood_for(user))


def subjects_of(user: Viewer, kind: str) -> CompoundSelect[int]:
    """Select what the person's open to-dos are about: own ones, those helped with or stood in for, and pools they may claim."""
    # A few short index searches, made once for the whole list: one question with OR would read every to-do.
    about = case((Task.subject_kind == kind, Task.subject_id))
    to_do = select(about).where(Task.state == "open")
    helped = select(task_helper.c.task_id).where(task_helper.c.user_id == user.id)
    pooled = to_do.where(
        Task.owner_id.is_(None), Task.role_key.in_(user.role_keys),
        or_(Task.department_id.is_(None), Task.department_id == user.department_id),
    )  # fmt: skip
    named = to_do.where(
        Task.owner_id.is_(None), Task.id.in_(select(task_pool.c.task_id).where(task_pool.c.user_id == user.id))
    )
    return union_all(
        to_do.where(Task.owner_id == user.id), to_do.where(Task.id.in_(helped)), pooled, named, *_stood(to_do, user)
    )


def open_tasks(user: User, *, page: int = 1, only: Sequence[ColumnElement[bool]] = ()) -> list[Task]:
    """Return a page of the person's open to-dos, the most urgent first, and one more where others follow."""
    wanted, behind = page * PAGE + 1, persons_behind(user.id, clock.now())
    dated = _urgent(user, behind, wanted, Task.due_at.is_not(None), *only)
    undated = [] if len(dated) == wanted else _urgent(user, behind, wanted - len(dated), Task.due_at.is_(None), *only)
    return loaded([*dated, *undated][(page - 1) * PAGE :])


def late_tasks(user: User, now: datetime, *, page: int = 1, only: Sequence[ColumnElement[bool]] = ()) -> list[Task]:
    """Return a page of the person's to-dos past their due time, the oldest first, and one more where others follow."""
    behind = persons_behind(user.id, now)
    return loaded(_urgent(user, behind, page * PAGE + 1, Task.due_at < now, *only)[(page - 1) * PAGE :])


def done_tasks(user: User, *, page: int = 1, only: Sequence[ColumnElement[bool]] = ()) -> list[Task]:
    """Return a page of what the person has done, newest first, and one more where others follow."""
    done = select(Task).where(Task.state == "done", Task.closed_by == user.id, *only)
    ordered = done.options(joinedload(Task.owner)).order_by(Task.closed_at.desc(), Task.id.desc())
    return list(db.session.scalars(ordered.offset((page - 1) * PAGE).limit(PAGE + 1)))


def count_open(user: User, *, late_at: datetime | None = None) -> int:
    """Return how many open to-dos the person has (only those late at a moment), counting no further than the cap."""
    values = viewer_values(user) | {"late_at": late_at}
    return db.session.scalar(_count(late=late_at is not None), values) or 0


def _ways(
    user: Viewer, *more: ColumnElement[bool], behind: Sequence[Behind] = ()
) -> list[Select[int, datetime | None]]:
    """Return the ways a to-do may be the person's, each found by its own index: one question with OR reads them all."""
    tasks = select(Task.id, Task.due_at).where(Task.state == "open", *more)
    # A few rows of the person's lead to their to-dos: `|| ''` keeps the planner from reading every open to-do instead.
    still_open = Task.state.concat("") == "open"
    named = select(task_pool.c.task_id).where(task_pool.c.user_id == user.id)
    helped = select(task_helper.c.task_id).where(task_helper.c.user_id == user.id)
    few = select(Task.id, Task.due_at).where(still_open, *more)
    return [
        tasks.where(Task.owner_id == user.id),
        tasks.where(Task.owner_id.is_(None), Task.role_key.in_(user.role_keys)),
        few.where(Task.id.in_(named), Task.owner_id.is_(None)),
        few.where(Task.id.in_(helped)),
        *(way for one in behind for way in _behind(one, tasks, few)),
    ]


def _behind(
    one: Behind, tasks: Select[int, datetime | None], few: Select[int, datetime | None]
) -> Iterator[Select[int, datetime | None]]:
    """Return the ways a to-do may be that of a person one stands in for."""
    covered = _covered(one)
    yield tasks.where(Task.owner_id == one.user_id, *covered)
    yield tasks.where(Task.owner_id.is_(None), Task.role_key.in_(one.role_keys), *covered)
    pools = select(task_pool.c.task_id).where(task_pool.c.user_id == one.user_id)
    yield few.where(Task.id.in_(pools), Task.owner_id.is_(None), *covered)


def _covered(behind: Behind) -> list[ColumnElement[bool]]:
    return [Task.flow.in_(behind.flows)] if behind.flows else []


def _urgent(user: User, behind: Sequence[Behind], most: int, *only: ColumnElement[bool]) -> list[int]:
    """Return the ids of so many to-dos of the person, the most urgent first."""
    ways = [
        select(way.order_by(Task.due_at, Task.id).limit(most).subquery()) for way in _ways(user, *only, behind=behind)
    ]  # each has its page, so the best of all are among them
    found = union(*ways).subquery()
    return list(db.session.scalars(select(found.c.id).order_by(found.c.due_at, found.c.id).limit(most)))


def loaded(ids: Sequence[int]) -> list[Task]:
    """Return the to-dos in this order."""
    rows = db.session.scalars(select(Task).where(Task.id.in_(ids)).options(joinedload(Task.owner))).all()
    by_id = {task.id: task for task in rows}
    return [by_id[number] for number in ids]


@cache
def _count(*, late: bool) -> Select[int]:
    """Build the count once: every page of the site asks it."""
    more = (Task.due_at < bindparam("late_at", type_=UtcDateTime()),) if late else ()
    viewer = BoundViewer("own")
    found = [*_ways(viewer, *more), *_stood(select(Task.id).where(Task.state == "open", *more), viewer)]
    ways = [select(way.with_only_columns(Task.id).limit(COUNT_CAP).subquery()) for way in found]
    capped = select(union(*ways).subquery()).limit(COUNT_CAP)
    return select(func.count()).select_from(capped.subquery())


def _stood(tasks: Select[Any], user: Viewer) -> tuple[Select[Any], ...]:
    """Keep the to-dos of those the person stands in for now: their own, of their roles, and of pools they are named in."""
    # Named first by their owners, which leads the planner to the owners' index; a join may read every to-do that is late.
    owners = select(StandIn.user_id).where(
        StandIn.deputy_id == user.id, StandIn.begins_at <= MOMENT, StandIn.ends_at > MOMENT
    )
    free = tasks.where(Task.owner_id.is_(None))
    return (
        tasks.where(Task.owner_id.in_(owners), owner_stood_for(user)),
        free.where(Task.role_key.in_(roles_stood_for(user)), pool_stood_for(user)),
        free.where(Task.id.in_(pools_stood_for(user)), pool_stood_for(user)),
    )


def grouped(tasks: Sequence[Task], now: datetime, zone: ZoneInfo) -> list[Group]:
    """Return the to-dos as late, today, this week, later and waiting for data."""
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    week = midnight + timedelta(days=6 - local.weekday())
    groups: dict[str, list[Task]] = {"late": [], "today": [], "week": [], "later": [], "waiting": []}
    for task in tasks:
        groups[_group(task, now, midnight, week)].append(task)
    return [Group(key, rows) for key, rows in groups.items() if rows]


def containing(column: ColumnElement[str] | InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    """Return the condition that a text contains what was searched for, capital letters or not."""
    return column.icontains(text, autoescape=True)


def my_task(task_id: int, user: User) -> Task:
    """Return one of the person's to-dos; not found when it is somebody else's."""
    task = db.session.scalar(select(Task).where(Task.id == task_id, mine(user)).options(joinedload(Task.owner)))
    if task is None:
        raise NotFound
    return task


def _group(task: Task, now: datetime, midnight: datetime, week: datetime) -> str:
    if task.due_at is not None and task.due_at < now:
        return "late"
    if task.due_at is not None and task.due_at < midnight:
        return "today"
    if task.node in WAITING_NODES:
        return "waiting"
    return "later" if task.due_at is None or task.due_at >= week else "week"
