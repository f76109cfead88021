"""API tokens: made, found, marked as used and revoked."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import User
from qtrace.api.models import ApiToken
from qtrace.api.scopes import SCOPES
from qtrace.core import events
from qtrace.core.db import affected, db, require_write, write
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import digest

MARK = "qt_"
SHOWN = 9  # characters of a key people see: the mark and six more
LONGEST_DAYS = 365
USED_EVERY = timedelta(minutes=10)
MOST_EACH = 50
FIND = (
    select(ApiToken)
    .where(ApiToken.digest == bindparam("digest"))
    .options(joinedload(ApiToken.user).joinedload(User.roles))
)


@dataclass(frozen=True)
class NewToken:
    """What a person wants of a token."""

    name: str
    scopes: Sequence[str]
    days: int


def create_token(user_id: int, new: NewToken, *, now: datetime) -> str:
    """Make a token for the person and return its key, which is stored nowhere."""
    name = " ".join(new.name.split())
    if not name or len(name) > 80:
        raise Refused(_("请给令牌起个名字,说明给哪个程序用(最多 80 个字)。"), field="name")
    if not new.scopes or set(new.scopes) - SCOPES.keys():
        raise Refused(_("请至少选择一项权限。"), field="scopes")
    if not 1 <= new.days <= LONGEST_DAYS:
        raise Refused(_("有效期是 1 到 %(n)d 天。", n=LONGEST_DAYS), field="days")
    if len(live_tokens(user_id, now=now)) >= MOST_EACH:
        raise Refused(_("每人最多 %(n)d 个有效令牌。请先撤销不用的。", n=MOST_EACH), field="name")
    session, key = require_write(), MARK + secrets.token_urlsafe(32)
    scopes = [scope for scope in SCOPES if scope in new.scopes]
    token = ApiToken(
        user_id=user_id, name=name, prefix=key[:SHOWN], digest=digest(key), scopes=scopes, created_at=now,
        expires_at=now + timedelta(days=new.days),
    )  # fmt: skip
    session.add(token)
    session.flush()  # for the id the event names
    body = {"name": name, "scopes": scopes, "expires_at": token.expires_at.isoformat()}
    events.record("api_token_created", subject=("api_token", token.id), by=user_id, now=now, body=body)
    return key


def find_token(key: str, *, now: datetime) -> ApiToken | None:
    """Return the live token of this key with its person; None when it ended or the person may not log in."""
    if not key.startswith(MARK):
        return None
    token = db.session.execute(FIND, {"digest": digest(key)}).unique().scalar_one_or_none()
    return token if token is not None and token.is_live(now) and token.user.active else None


def mark_used(token_id: int, used_at: datetime | None, *, now: datetime) -> None:
    """Note that a token is in use, in its own short write and at most once in ten minutes."""
    if used_at is not None and now - used_at < USED_EVERY:
        return
    with write() as session:
        session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now))


def revoke_token(token_id: int, *, by: int, now: datetime, owner_id: int | None = None) -> None:
    """End a token at once; with an owner only one of theirs."""
    which = update(ApiToken).where(ApiToken.id == token_id)
    if owner_id is not None:
        which = which.where(ApiToken.user_id == owner_id)
    if not affected(which.where(ApiToken.revoked_at.is_(None)).values(revoked_at=now, revoked_by=by)):
        raise NotFound
    events.record("api_token_revoked", subject=("api_token", token_id), by=by, now=now)


def tokens_of(user_id: int) -> Sequence[ApiToken]:
    """Return the person's tokens, the newest first."""
    return db.session.scalars(select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())).all()


def live_tokens(user_id: int | None = None, *, now: datetime) -> Sequence[ApiToken]:
    """Return every token that opens something, or the person's, with whose they are."""
    live = select(ApiToken).where(ApiToken.revoked_at.is_(None), ApiToken.expires_at > now)
    if user_id is not None:
        live = live.where(ApiToken.user_id == user_id)
    return db.session.scalars(live.options(joinedload(ApiToken.user)).order_by(ApiToken.id.desc())).unique().all()
