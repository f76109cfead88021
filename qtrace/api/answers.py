"""Answers kept for a day, so that a request that carries an Idempotency-Key has one effect however often it is sent.

The key is claimed first thing in the write that does the work, and the answer is kept in the same transaction: both are
there or neither is. Whoever sends the same request at the same time waits for that write and is given its answer.
"""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import g
from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from qtrace.api.models import ApiAnswer
from qtrace.core import clock
from qtrace.core.db import db, insert_into, require_write, write
from qtrace.core.errors import DomainError, Refused
from qtrace.core.jobs import JobContext

KEEP = timedelta(hours=24)
LONGEST_KEY = 120
FORGET = "api-forget-answers"


@dataclass(frozen=True)
class Answer:
    """What a request is answered with."""

    data: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> str:
        """Return the data as it is sent."""
        return json.dumps(self.data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


@dataclass(frozen=True)
class KeptAnswer:
    """An answer as it was sent the first time."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Claim:
    """A key one person sent with one request."""

    user_id: int
    key: str
    request: str


class Repeated(DomainError):
    """The request was carried out before; `kept` is its answer."""

    def __init__(self, kept: KeptAnswer) -> None:
        super().__init__("")
        self.kept = kept


def claim_of(user_id: int, key: str, method: str, address: str, body: bytes) -> Claim:
    """Return what a request claims; refuse a key that is none."""
    if not 1 <= len(key) <= LONGEST_KEY or not all("!" <= char <= "~" for char in key):
        raise Refused(_("Idempotency-Key 是 1 到 %(n)d 个可见的英文字符。", n=LONGEST_KEY), field="Idempotency-Key")
    digest = hashlib.sha256(f"{method} {address}\n".encode() + body).hexdigest()
    return Claim(user_id, key, digest)


def refuse_repeated(claim: Claim) -> None:
    """Raise the kept answer when this request was carried out before; refuse the key when another one used it."""
    since = clock.now() - KEEP
    row = db.session.scalar(
        select(ApiAnswer).where(ApiAnswer.user_id == claim.user_id, ApiAnswer.key == claim.key, ApiAnswer.at > since)
    )
    if row is None:
        return
    if row.request != claim.request:
        raise Refused(_("这个 Idempotency-Key 已经用于另一个请求。请换一个。"), field="Idempotency-Key")
    raise Repeated(KeptAnswer(row.status, row.headers, row.body))


def claim_in_write(session: Session) -> None:
    """Claim the present request's key first thing in its write."""
    claim: Claim | None = g.pop("api_claim", None) if g else None
    if claim is None:
        return
    now = clock.now()
    old = delete(ApiAnswer).where(
        ApiAnswer.user_id == claim.user_id, ApiAnswer.key == claim.key, ApiAnswer.at <= now - KEEP
    )
    session.execute(old)
    new = {
        "user_id": claim.user_id, "key": claim.key, "request": claim.request, "at": now, "status": 0, "headers": {}, "body": ""
    }  # fmt: skip
    statement = insert_into(ApiAnswer).values(**new).on_conflict_do_nothing().returning(ApiAnswer.id)
    g.api_answer = session.execute(statement).scalar_one_or_none()
    if g.api_answer is None:
        refuse_repeated(claim)


def kept(answer: Answer) -> Answer:
    """Keep the answer in the open write for a request that comes again, and return it."""
    session, row_id = require_write(), g.pop("api_answer", None)
    if row_id is not None:
        values = {"status": answer.status, "headers": dict(answer.headers), "body": answer.body}
        session.execute(update(ApiAnswer).where(ApiAnswer.id == row_id).values(**values))
    return answer


def forget_old(_payload: dict[str, Any], context: JobContext) -> None:
    """Delete answers nobody can ask for again."""
    with write() as session:
        session.execute(delete(ApiAnswer).where(ApiAnswer.at <= context.clock() - KEEP))
        context.complete()
