"""Urge: whoever started a case reminds those it waits for, each at most once in four hours."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import or_, select

from qtrace.accounts.models import Role, User, user_role
from qtrace.accounts.queries import names_of
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.core.models import EventRow
from qtrace.tasks.models import Task, task_pool

AGAIN = timedelta(hours=4)
EVENT = "task_urged"


def urge(subject: tuple[str, int], *, by: User, zone: ZoneInfo, now: datetime, note: str = "") -> list[str]:
    """Remind everybody the case waits for and was not reminded of it in the last four hours; return their names."""
    session = require_write()
    waiting = select(Task).where(Task.subject_kind == subject[0], Task.subject_id == subject[1], Task.state == "open")
    tasks = session.scalars(waiting.order_by(Task.id).with_for_update()).all()
    people = {task.id: [user for user in _people(task) if user != by.id] for task in tasks}
    asked = list(dict.fromkeys(user for task in tasks for user in people[task.id]))
    if not asked:
        raise Refused(_("现在没有在等别人处理,不需要催办。"))
    told = _told_since(subject, now - AGAIN)
    users = [user for user in asked if user not in told]
    if not users:
        names, again = _("、").join(_names(asked)), min(told[user] for user in asked) + AGAIN
        raise Refused(
            _(
                "%(names)s 在 4 小时内已经催过,%(time)s 之后可以再催。",
                names=names,
                time=again.astimezone(zone).strftime("%H:%M"),
            )
        )
    urged = [task for task in tasks if set(people[task.id]) & set(users)]
    for task in urged:
        task.urged_at = now
    body = {"task": urged[0].id, "tasks": [task.id for task in urged], "users": users}
    events.record(EVENT, subject=subject, by=by.id, now=now, body=body, reason=note)
    return _names(users)


def waits_for_others(subject: tuple[str, int], user_id: int) -> bool:
    """Say whether an open to-do of the case is not the person's own."""
    others = select(Task.id).where(
        Task.subject_kind == subject[0], Task.subject_id == subject[1], Task.state == "open",
        or_(Task.owner_id.is_(None), Task.owner_id != user_id),
    )  # fmt: skip
    return db.session.scalar(others.limit(1)) is not None


def _people(task: Task) -> Sequence[int]:
    """Return whom a to-do waits for: its owner, or those who may claim it."""
    session = require_write()
    if task.owner_id is not None:
        return [task.owner_id]
    if task.role_key:
        held = (
            select(User.id).join(user_role, user_role.c.user_id == User.id).join(Role, Role.id == user_role.c.role_id)
        )
        return session.scalars(held.where(Role.key == task.role_key, User.active).order_by(User.id)).all()
    return session.scalars(select(task_pool.c.user_id).where(task_pool.c.task_id == task.id)).all()


def _told_since(subject: tuple[str, int], since: datetime) -> dict[int, datetime]:
    """Return who was urged about the case since then, and when last."""
    rows = require_write().execute(
        select(EventRow.at, EventRow.body).where(
            EventRow.subject_kind == subject[0], EventRow.subject_id == subject[1], EventRow.name == EVENT,
            EventRow.at > since,
        ).order_by(EventRow.seq)
    )  # fmt: skip
    return {user: at for at, body in rows for user in body.get("users", [])}


def _names(users: Sequence[int]) -> list[str]:
    names = names_of(set(users))
    return [names[user] for user in users if user in names]
