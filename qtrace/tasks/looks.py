"""Who has looked at a to-do, and when: shown to whoever waits for it, and the beginning of "what changed since".

Opening a page notes the look, as opening a notice does; within a visit that is written once a minute at most.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, insert_into, require_write, write
from qtrace.tasks.models import Task, TaskLook
from qtrace.tasks.queries import mine

VISIT = timedelta(minutes=30)  # a pause longer than this begins a new visit
AGAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Look:
    """That a person looked at a to-do, first at this moment."""

    user_id: int
    name: str
    at: datetime


def look_at(task: Task, user_id: int, *, now: datetime) -> bool:
    """Note that a person looks at an open to-do and say whether that was written."""
    if task.state != "open":
        return False
    noted = db.session.get(TaskLook, (task.id, user_id))
    return _note({(task.id, task.subject_kind, task.subject_id): noted.last_at if noted else None}, user_id, now)


def look_at_case(kind: str, subject_id: int, user: User, *, now: datetime) -> bool:
    """Note that a person looks at a case where some of its open to-dos are theirs, and say whether that was written."""
    looked = (TaskLook.task_id == Task.id) & (TaskLook.user_id == user.id)
    statement = (
        select(Task.id, TaskLook.last_at).outerjoin(TaskLook, looked)
        .where(Task.subject_kind == kind, Task.subject_id == subject_id, Task.state == "open", mine(user))
    )  # fmt: skip
    return _note({(row.id, kind, subject_id): row.last_at for row in db.session.execute(statement)}, user.id, now)


def _note(found: Mapping[tuple[int, str, int], datetime | None], user_id: int, now: datetime) -> bool:
    due = [one for one, last in found.items() if last is None or now - last >= AGAIN]
    if due:
        with write():
            for task_id, kind, subject_id in due:
                note_look(task_id, (kind, subject_id), user_id, now=now)
    return bool(due)


def note_look(task_id: int, subject: tuple[str, int], user_id: int, *, now: datetime) -> None:
    """Note a look; the first one of a person is told as an event."""
    noted = require_write().get(TaskLook, (task_id, user_id))
    new = insert_into(TaskLook).values(task_id=task_id, user_id=user_id, first_at=now, last_at=now)
    before = case((TaskLook.last_at < now - VISIT, TaskLook.last_at), else_=TaskLook.before_at)
    again = new.on_conflict_do_update(index_elements=["task_id", "user_id"], set_={"last_at": now, "before_at": before})
    require_write().execute(again)
    if noted is None:
        events.record("task_seen", subject=subject, by=user_id, now=now, body={"task": task_id})


def looked_before(task: Task, user_id: int) -> datetime | None:
    """Return when the person last looked at anything of this case in a visit before this one; None for never."""
    own = (
        (Task.subject_kind == task.subject_kind) & (Task.subject_id == task.subject_id) & (TaskLook.user_id == user_id)
    )
    at = case((TaskLook.task_id == task.id, TaskLook.before_at), else_=TaskLook.last_at)
    statement = select(func.max(at)).join(Task, Task.id == TaskLook.task_id).where(own)
    found: datetime | None = db.session.scalar(statement)
    return found


def looks_at(task_ids: Collection[int]) -> Mapping[int, Sequence[Look]]:
    """Return who looked at these to-dos, whoever was first first."""
    found: dict[int, list[Look]] = {}
    rows = select(TaskLook.task_id, TaskLook.user_id, User.name, TaskLook.first_at).join(
        User, User.id == TaskLook.user_id
    )
    wanted = rows.where(TaskLook.task_id.in_(sorted(task_ids))).order_by(TaskLook.first_at, TaskLook.user_id)
    for row in db.session.execute(wanted) if task_ids else ():
        found.setdefault(row.task_id, []).append(Look(row.user_id, row.name, row.first_at))
    return found
