"""Reads of notices: a person's inbox and how much of it is unread."""

from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from qtrace.core.db import db, table_of
from qtrace.core.errors import NotFound
from qtrace.notifications.models import Notice

PAGE = 30
COUNT_CAP = 100

N = table_of(Notice)
FEW = select(N.c.id).where(N.c.user_id == bindparam("person"), N.c.read_at.is_(None)).limit(COUNT_CAP).subquery()
UNREAD = select(func.count()).select_from(FEW)


def count_unread(user_id: int) -> int:
    """Return how many notices the person has not read, counting no further than the cap."""
    return db.session.scalar(UNREAD, {"person": user_id}) or 0


def newest_of(user_id: int) -> int:
    """Return the id of the person's newest notice, 0 without one."""
    return db.session.scalar(select(func.max(Notice.id)).where(Notice.user_id == user_id)) or 0


def inbox(user_id: int, *, unread_only: bool = False, before: int | None = None) -> Sequence[Notice]:
    """Return a page of the person's notices, the newest first, and one more where others follow."""
    statement = select(Notice).where(Notice.user_id == user_id)
    if unread_only:
        statement = statement.where(Notice.read_at.is_(None))
    if before is not None:
        statement = statement.where(Notice.id < before)
    return db.session.scalars(statement.order_by(Notice.id.desc()).limit(PAGE + 1)).all()


def my_notice(notice_id: int, user_id: int) -> Notice:
    """Return one of the person's notices; NotFound for anybody else's."""
    found = db.session.scalar(select(Notice).where(Notice.id == notice_id, Notice.user_id == user_id))
    if found is None:
        raise NotFound
    return found
