"""Filters of the to-do centre that a person keeps under a name; one of them may be what the page opens with."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from qtrace.core.db import db, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.tasks.filters import Wanted
from qtrace.tasks.models import TaskView

MAX_NAME = 20
MOST = 12


def views_of(user_id: int) -> Sequence[TaskView]:
    """Return a person's views in the order they were made."""
    return db.session.scalars(select(TaskView).where(TaskView.user_id == user_id).order_by(TaskView.id)).all()


def save_view(user_id: int, name: str, wanted: Wanted, *, default: bool) -> None:
    """Keep the filters under a name; the same name is replaced. `default` makes the page open with them."""
    session, name = require_write(), " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise Refused(_("请给视图起一个不超过 %(most)d 个字的名字。", most=MAX_NAME), field="name")
    view = session.scalar(select(TaskView).where(TaskView.user_id == user_id, TaskView.name == name))
    if view is None:
        count = session.scalar(select(func.count()).select_from(TaskView).where(TaskView.user_id == user_id)) or 0
        if count >= MOST:
            raise Refused(_("最多保存 %(most)d 个视图。请先删掉不用的。", most=MOST), field="name")
        view = TaskView(user_id=user_id, name=name)
        session.add(view)
    view.query = wanted.query(state=wanted.state) or "state=open"
    if default:
        session.flush()  # the id tells it from the others
        session.execute(update(TaskView).where(TaskView.user_id == user_id).values(is_default=False))
    view.is_default = default


def drop_view(user_id: int, view_id: int) -> None:
    """Remove a view of this person."""
    view = require_write().get(TaskView, view_id)
    if view is None or view.user_id != user_id:
        raise NotFound
    require_write().delete(view)
