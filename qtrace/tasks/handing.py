"""Hand over everything: all of a person's open to-dos go to a colleague in one step, the turns of flows among them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.tasks.bulk import begin_batch, finish_batch, note_result
from qtrace.tasks.cases import cases
from qtrace.tasks.models import Task

LISTED = 200  # lines the list of results shows by name


@dataclass(frozen=True)
class Share:
    """How many to-dos of one kind somebody has."""

    subject_kind: str
    kind: str
    count: int


def shares_of(user_id: int) -> list[Share]:
    """Return how many open to-dos a person has of each kind."""
    counted = select(Task.subject_kind, Task.kind, func.count()).where(Task.state == "open", Task.owner_id == user_id)
    rows = db.session.execute(counted.group_by(Task.subject_kind, Task.kind).order_by(func.count().desc()))
    return [Share(*row) for row in rows]


def hand_over(user_id: int, to: int, *, by: User, now: datetime) -> int:
    """Give everything that is open, and what comes later in running cases, to a colleague; return the list of results."""
    target = require_write().get(User, to)
    if target is None or not target.active:
        raise Refused(_("请选择一位在职的同事。"), field="to")
    if to == user_id:
        raise Refused(_("请选择另一位同事。"), field="to")
    held = select(Task).where(Task.state == "open", Task.owner_id == user_id).order_by(Task.due_at, Task.id)
    before = require_write().scalars(held.with_for_update(of=Task)).all()
    if not before and not cases().later(user_id):
        raise Refused(_("名下没有待办,不需要交接。"))
    lines = {task.id: (task.title, task.url) for task in before}
    changed = cases().hand_over(user_id, to, by.id, now)
    rest = (
        update(Task).where(Task.state == "open", Task.owner_id == user_id).values(owner_id=to, version=Task.version + 1)
    )
    others = require_write().execute(rest.returning(Task.id)).scalars().all()
    body = {
        "from": user_id, "to": to, "users": [user_id, to], "cases": changed, "tasks": sorted(lines), "others": sorted(others),
    }  # fmt: skip
    events.record("tasks_handed_over", subject=("user", user_id), by=by.id, now=now, body=body)
    return _results(by.id, to, lines, now)


def _results(by: int, to: int, lines: dict[int, tuple[str, str]], now: datetime) -> int:
    """Keep what became of each: most are the colleague's now, some a flow has closed by itself."""
    session = require_write()
    session.flush()  # the owners that are read are those of the flow's own changes
    now_with = dict(_owners(list(lines)))
    batch = begin_batch(by, "hand_over", "", len(lines), now)
    for task_id in list(lines)[:LISTED]:
        title, url = lines[task_id]
        moved = now_with.get(task_id) == to
        note_result(batch, title, url, "done" if moved else "late", "" if moved else _("流程已经往下走,不需要再办。"))
    finish_batch(batch, now)
    return batch


def _owners(ids: Sequence[int]) -> Sequence[tuple[int, int | None]]:
    rows = require_write().execute(select(Task.id, Task.owner_id).where(Task.id.in_(ids), Task.state == "open"))
    return [(task_id, owner) for task_id, owner in rows]
