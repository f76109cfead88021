"""Decide many to-dos at once: each in its own transaction, with what became of it kept for the list of results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select

from qtrace.accounts.models import User
from qtrace.core.db import db, require_write, write
from qtrace.core.errors import Conflict, DomainError, Forbidden, NotFound, Refused
from qtrace.tasks.cases import Turn, Verdict, bulk_of, turns_of
from qtrace.tasks.models import Task, TaskBatch, TaskBatchItem
from qtrace.tasks.queries import PAGE, loaded, mine

KEEP = timedelta(days=90)
STUCK = timedelta(minutes=5)  # after which a list that is not finished never will be


@dataclass(frozen=True)
class Pick:
    """One ticked to-do: whether it can be decided together with the others, and why not."""

    task: Task
    turn: Turn
    why_not: str


def picks_of(ids: Sequence[int], user: User) -> list[Pick]:
    """Return the ticked to-dos of the person in the order they were ticked, those that cannot be decided so with why."""
    known = set(db.session.scalars(select(Task.id).where(Task.id.in_(ids[:PAGE]), mine(user))))
    tasks = loaded([number for number in dict.fromkeys(ids[:PAGE]) if number in known])
    turns = turns_of(tasks, user)
    return [Pick(task, turns[task.id], _why_not(task, turns[task.id])) for task in tasks]


def begin_batch(user_id: int, kind: str, note: str, total: int, now: datetime) -> int:
    """Open the list of results, which a second tap is led to, and return its id."""
    session = require_write()
    row = TaskBatch(user_id=user_id, kind=kind, note=note, total=total, created_at=now)
    session.add(row)
    session.flush()  # the id is in the answer's address
    return row.id


def decide_each(batch_id: int, ids: Sequence[int], verdict: Verdict, note: str, *, user_id: int, now: datetime) -> None:
    """Decide each to-do by itself: one that is refused leaves the others decided."""
    for task_id in ids:
        try:
            with write() as session:
                task = _own(task_id, session.get_one(User, user_id))
                bulk = bulk_of(task.kind)
                if bulk is None:
                    raise Refused(_("这件待办要打开后单独处理。"))
                bulk.decide(task, verdict, session.get_one(User, user_id), note, now)
                note_result(batch_id, task.title, task.url, "done")
        except DomainError as error:
            _note_refused(batch_id, task_id, error)


def note_result(batch_id: int, title: str, url: str, outcome: str, message: str = "") -> None:
    """Add a line to a list of results."""
    row = TaskBatchItem(batch_id=batch_id, title=title, url=url, outcome=outcome, message=message)
    require_write().add(row)


def finish_batch(batch_id: int, now: datetime) -> None:
    """Say that nothing more will come."""
    require_write().get_one(TaskBatch, batch_id).finished_at = now


def forget_batches(now: datetime) -> None:
    """Delete the lists of results nobody looks at any more; what was done is in the cases."""
    require_write().execute(delete(TaskBatch).where(TaskBatch.created_at < now - KEEP))


def batch_of(batch_id: int, user_id: int) -> tuple[TaskBatch, Sequence[TaskBatchItem]]:
    """Return a person's list of results, what went wrong first."""
    batch = db.session.get(TaskBatch, batch_id)
    if batch is None or batch.user_id != user_id:
        raise NotFound
    items = select(TaskBatchItem).where(TaskBatchItem.batch_id == batch_id)
    return batch, db.session.scalars(items.order_by(TaskBatchItem.outcome == "done", TaskBatchItem.id)).all()


def _why_not(task: Task, turn: Turn) -> str:
    if task.state != "open":
        return _("别人刚刚办完了。")
    return "" if turn.together else turn.why_not or _("这件待办要打开后单独处理。")


def _own(task_id: int, user: User) -> Task:
    """Return the open to-do, which nobody else changes in this transaction; refused where somebody was faster."""
    task = require_write().scalar(select(Task).where(Task.id == task_id, mine(user)).with_for_update(of=Task))
    if task is None:
        raise Conflict(_("已经不在您名下:刚刚被转交或领走。"))
    if task.state != "open":
        raise Conflict(_("别人刚刚办完了。"))
    return task


def _note_refused(batch_id: int, task_id: int, error: DomainError) -> None:
    outcome = "late" if isinstance(error, Conflict) else "refused"
    message = error.message or (_("您没有处理这一步的权限。") if isinstance(error, Forbidden) else _("没有办成。"))
    with write() as session:
        task = session.get(Task, task_id)
        if task is not None:
            note_result(batch_id, task.title, task.url, outcome, message)
