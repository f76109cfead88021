"""Saved views of the issue list."""

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.core.db import existing, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.issues.filters import Filters
from qtrace.issues.models import SavedView

PAGE_KEY = "issues"
MAX_NAME = 20
MOST = 12


def save_view(user_id: int, name: str, filters: Filters) -> int:
    """Keep the filters under a name for this person; the same name is replaced."""
    session = require_write()
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise Refused(_("请给视图起一个不超过 %(most)d 个字的名字。", most=MAX_NAME), field="name")
    mine = select(SavedView).where(SavedView.page == PAGE_KEY, SavedView.user_id == user_id)
    view = session.scalar(mine.where(SavedView.name == name))
    if view is None:
        count = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
        if count >= MOST:
            raise Refused(_("最多保存 %(most)d 个视图。请先删掉不用的。", most=MOST), field="name")
        view = SavedView(page=PAGE_KEY, user_id=user_id, name=name, position=count)
        session.add(view)
    view.query = filters.query()
    session.flush()  # the id is the answer
    return view.id


def delete_view(user_id: int, view_id: int) -> None:
    """Remove a view of this person."""
    session = require_write()
    view = existing(SavedView, view_id)
    if view.user_id != user_id or view.page != PAGE_KEY:
        raise NotFound
    session.delete(view)
