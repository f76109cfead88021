"""Verbs on to-dos; every change is guarded by the to-do's version and recorded."""

from dataclasses import asdict, dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import insert, select, update

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import existing, insert_row, require_write, table_of
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.tasks.models import Task, task_pool
from qtrace.tasks.standing import claims_for

OPEN = insert(table_of(Task))


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """What a to-do says, whose it is, and where it leads."""

    kind: str
    subject: tuple[str, int]
    title: str
    url: str
    node: str = ""
    entry: int | None = None
    detail: str = ""
    owner_id: int | None = None
    role_key: str = ""
    pool: tuple[int, ...] = ()  # who may claim it, where that is not a role
    state: str = "open"
    department_id: int | None = None
    due_at: datetime | None = None
    flow: str | None = None


def open_task(new: NewTask, *, by: int | None, now: datetime) -> int:
    """Open a to-do and return its id."""
    values = asdict(new) | {"title": new.title[:300], "created_at": now}
    values["subject_kind"], values["subject_id"] = values.pop("subject")
    pool = values.pop("pool")
    task_id = insert_row(OPEN, values)
    if pool:
        require_write().execute(insert(task_pool), [{"task_id": task_id, "user_id": user} for user in pool])
    body = {"task": task_id, "owner": new.owner_id, "role": new.role_key, "title": values["title"]}
    events.record("task_opened", subject=new.subject, by=by, now=now, body=body)
    return task_id


def close_tasks(
    subject: tuple[str, int],
    *,
    by: int | None,
    now: datetime,
    kind: str = "",
    node: str = "",
    entry: int | None = None,
    task_id: int | None = None,
    done: bool = True,
) -> int:
    """Close the open to-dos of a subject (of one kind, node or turn, or one of them) and return how many there were."""
    statement = update(Task).where(Task.subject_kind == subject[0], Task.subject_id == subject[1], Task.state == "open")
    if kind:
        statement = statement.where(Task.kind == kind)
    if node:
        statement = statement.where(Task.node == node)
    if entry is not None:
        statement = statement.where(Task.entry == entry)
    if task_id is not None:
        statement = statement.where(Task.id == task_id)
    state = "done" if done else "cancelled"
    values = {"state": state, "closed_at": now, "closed_by": by, "version": Task.version + 1}
    closed = require_write().execute(statement.values(values).returning(Task.id)).scalars().all()
    if closed:
        events.record("tasks_closed", subject=subject, by=by, now=now, body={"tasks": sorted(closed), "state": state})
    return len(closed)


def claim(task_id: int, *, by: User, expected_version: int, now: datetime) -> None:
    """Take a to-do out of its pool; one person gets it: who claims it, or the one of the pool this person stands in for."""
    task = _open(task_id, expected_version)
    if task.owner_id is not None:
        raise Conflict(_("这件待办已由别人领取。请刷新列表。"))
    behind = None if _in_pool(task, by) else claims_for(task, by.id, now)
    if behind is None and not by.has_role("admin") and not _in_pool(task, by):
        raise Refused(_("这件待办属于别的角色,不能领取。"))
    task.owner_id, task.version = behind or by.id, task.version + 1
    _record("task_claimed", task, by.id, now, {"owner": task.owner_id})


def transfer(task_id: int, *, to: int, by: User, note: str, expected_version: int, now: datetime) -> None:
    """Hand a to-do over to another person, with a note for the reader."""
    task = _open(task_id, expected_version)
    target = require_write().get(User, to)
    if target is None or not target.active:
        raise Refused(_("请选择一位在职的同事。"), field="to")
    before, task.owner_id, task.version = task.owner_id, to, task.version + 1
    _record("task_transferred", task, by.id, now, {"owner": {"old": before, "new": to}}, note)


def add_helper(task_id: int, *, user_id: int, by: User, now: datetime) -> None:
    """Let another person see and help with a to-do."""
    task, helper = existing(Task, task_id), require_write().get(User, user_id)
    if helper is None or not helper.active:
        raise Refused(_("请选择一位在职的同事。"), field="user_id")
    if helper not in task.helpers:
        task.helpers.append(helper)
        _record("task_helper_added", task, by.id, now, {"helper": user_id})


def _open(task_id: int, expected_version: int) -> Task:
    task = require_write().scalar(select(Task).where(Task.id == task_id).with_for_update())
    if task is None:
        raise NotFound
    if task.state != "open" or task.version != expected_version:
        raise Conflict(_("这件待办刚刚被别人处理过,没有保存。请刷新后查看最新状态。"))
    return task


def _in_pool(task: Task, by: User) -> bool:
    if task.role_key:
        return by.has_role(task.role_key)
    pool = select(task_pool.c.user_id).where(task_pool.c.task_id == task.id)
    found = list(require_write().scalars(pool))
    return not found or by.id in found


def _record(name: str, task: Task, by: int, now: datetime, body: dict[str, object], reason: str = "") -> None:
    subject = (task.subject_kind, task.subject_id)
    events.record(name, subject=subject, by=by, now=now, body={"task": task.id, **body}, reason=reason)
