"""Logins as rows: opened, found, seen and closed on the server."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import User, UserSession
from qtrace.core import events
from qtrace.core.db import db, require_write, write
from qtrace.core.ids import digest, new_token

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=10)
# Every request asks this once: one statement, built once.
LOGIN = (
    select(UserSession)
    .where(UserSession.id == bindparam("digest"))
    .options(joinedload(UserSession.user).joinedload(User.roles))
)


def open_session(user_id: int, *, ip: str, agent: str, now: datetime) -> str:
    """Open a login for the person and return its token, which is stored nowhere."""
    token = new_token()
    row = UserSession(
        id=digest(token),
        user_id=user_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + ABSOLUTE,
        ip=ip[:64],
        agent=agent[:200],
    )
    require_write().add(row)
    events.record("logged_in", subject=("user", user_id), by=user_id, now=now)
    return token


def find_session(token: str, *, now: datetime) -> UserSession | None:
    """Return the live login of this token with its person; None when it ended or the person may not log in."""
    row = db.session.execute(LOGIN, {"digest": digest(token)}).unique().scalar_one_or_none()
    if row is None or row.expires_at < now or row.last_seen_at < now - IDLE or not row.user.active:
        return None
    return row


def close_session(session_id: str, user: User, *, now: datetime) -> None:
    """End one login."""
    require_write().execute(delete(UserSession).where(UserSession.id == session_id, UserSession.user_id == user.id))
    events.record("logged_out", subject=("user", user.id), by=user.id, now=now)


def close_all_sessions(user_id: int) -> None:
    """End every login of a person, e.g. after a new password or when the account is switched off."""
    require_write().execute(delete(UserSession).where(UserSession.user_id == user_id))


def mark_seen(session_id: str, seen_at: datetime, *, now: datetime) -> None:
    """Note that the login is in use, in its own short write and at most once in ten minutes."""
    if now - seen_at < SEEN_EVERY:
        return
    with write() as session:
        session.execute(update(UserSession).where(UserSession.id == session_id).values(last_seen_at=now))
