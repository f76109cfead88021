"""Reads of people, departments and roles."""

from collections.abc import Sequence

from sqlalchemy import select

from qtrace.accounts.models import Department, Role, User, UserSession
from qtrace.core.db import db


def people(*, active_only: bool = False) -> Sequence[User]:
    """Return the people by name."""
    statement = select(User).order_by(User.active.desc(), User.name)
    if active_only:
        statement = statement.where(User.active)
    return db.session.scalars(statement).all()


def person(user_id: int) -> User | None:
    """Return one person."""
    return db.session.get(User, user_id)


def departments() -> Sequence[Department]:
    """Return the departments in the order they were added."""
    return db.session.scalars(select(Department).order_by(Department.id)).all()


def roles() -> Sequence[Role]:
    """Return the roles in the order they were added."""
    return db.session.scalars(select(Role).order_by(Role.id)).all()


def names_of(user_ids: set[int]) -> dict[int, str]:
    """Return the names of these people."""
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(user_ids)))
    return dict(rows.all())


def sessions_of(user_id: int) -> Sequence[UserSession]:
    """Return a person's live logins, newest first."""
    statement = select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.last_seen_at.desc())
    return db.session.scalars(statement).all()
