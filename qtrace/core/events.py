"""The one record of what happened: typed facts, chained by HMAC, written in the change's own transaction.

`record()` collects; the links are computed last thing before the commit, while the head row is locked, so the chain
holds the lock for as short as can be. Subscribers run at once, inside the transaction, and may refuse.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from flask import Flask, current_app
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from qtrace.core.db import before_commit, db, read, require_write, table_of
from qtrace.core.models import EventHead, EventRow

EVENTS, HEADS = table_of(EventRow), table_of(EventHead)
EXTENSION = "qtrace_events"
HEAD_ID = 1
VERIFY_BATCH = 5000
LOCK_HEAD = select(HEADS.c.seq, HEADS.c.hash).where(HEADS.c.id == HEAD_ID).with_for_update()
MOVE_HEAD = update(HEADS).where(HEADS.c.id == HEAD_ID).values(seq=bindparam("seq_"), hash=bindparam("hash_"))
ADD = insert(EVENTS)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One business fact in the past tense."""

    name: str
    subject_kind: str
    subject_id: int
    by: int | None
    at: datetime
    body: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """What a check of the chain found: `broken_at` is the first bad seq, None when all is well."""

    count: int
    head: str
    broken_at: int | None
    problem: str = ""


class Link(NamedTuple):
    """A row of the chain before it is written."""

    seq: int
    at: datetime
    name: str
    subject_kind: str
    subject_id: int
    actor_id: int | None
    body: dict[str, Any]
    reason: str
    prev: str
    hash: str = ""


Subscriber = Callable[[Event], None]


def subscribe(app: Flask, name: str, subscriber: Subscriber) -> None:
    """Call `subscriber` for every event of this name; "*" hears them all."""
    app.extensions.setdefault(EXTENSION, {}).setdefault(name, []).append(subscriber)


def record(
    name: str,
    *,
    subject: tuple[str, int],
    by: int | None,
    now: datetime,
    body: dict[str, Any] | None = None,
    reason: str = "",
) -> Event:
    """Record a fact about `subject` in the open write transaction and tell the subscribers."""
    session = require_write()
    event = Event(
        name=name, subject_kind=subject[0], subject_id=subject[1], by=by, at=now, body=body or {}, reason=reason
    )
    pending: list[Event] | None = session.info.get(EXTENSION)
    if pending is None:
        pending = session.info[EXTENSION] = []
        before_commit(session, _link)
    pending.append(event)
    subscribers: dict[str, list[Subscriber]] = current_app.extensions.get(EXTENSION, {})
    for subscriber in [*subscribers.get(name, ()), *subscribers.get("*", ())]:
        subscriber(event)
    return event


def differences(row: object, new: Mapping[str, Any]) -> dict[str, Any]:
    """Return {name: {"old", "new"}} of the values that differ from the row's, the body of an event of change."""
    return {
        name: {"old": getattr(row, name), "new": value} for name, value in new.items() if getattr(row, name) != value
    }


def change(row: object, new: Mapping[str, Any]) -> dict[str, Any]:
    """Give the row its new values and return what differed, empty when nothing did."""
    body = differences(row, new)
    for name, told in body.items():
        setattr(row, name, told["new"])
    return body


def timeline(kind: str, subject_id: int, *, limit: int = 200) -> Sequence[EventRow]:
    """Return the newest facts about a subject, newest first."""
    statement = (
        select(EventRow)
        .where(EventRow.subject_kind == kind, EventRow.subject_id == subject_id)
        .order_by(EventRow.seq.desc())
        .limit(limit)
    )
    return db.session.scalars(statement).all()


def verify_chain(*, anchor: tuple[int, str] | None = None) -> Verdict:
    """Walk the whole chain; `anchor` is a (seq, hash) kept elsewhere, which also finds a cut tail."""
    with read():
        return _verify(anchor)


def head() -> tuple[int, str]:
    """Return (seq, hash) of the last link, to be kept elsewhere as an anchor."""
    row = db.session.execute(select(EventHead.seq, EventHead.hash).where(EventHead.id == HEAD_ID)).one_or_none()
    return (row.seq, row.hash) if row else (0, "")


def _verify(anchor: tuple[int, str] | None) -> Verdict:
    prev, expected = "", 1
    for row in _rows():
        if row.seq != expected:
            return Verdict(expected - 1, prev, expected, f"seq {expected} is missing")
        if row.prev != prev or not hmac.compare_digest(row.hash, _hash(_key(), row)):
            return Verdict(expected - 1, prev, row.seq, f"seq {row.seq} was changed")
        if anchor and anchor[0] == row.seq and anchor[1] != row.hash:
            return Verdict(expected - 1, prev, row.seq, f"seq {row.seq} does not match the anchor")
        prev, expected = row.hash, expected + 1
    count = expected - 1
    if head() != (count, prev):
        return Verdict(count, prev, expected, "the head row names another end")
    if anchor and anchor[0] > count:
        return Verdict(count, prev, expected, f"the anchor names seq {anchor[0]}, the chain ends before it")
    return Verdict(count, prev, None)


def _link(session: Session) -> None:
    pending: list[Event] = session.info.pop(EXTENSION)
    seq, prev = _lock_head(session)
    key, rows = _key(), []
    for event in pending:
        seq += 1
        link = Link(
            seq, event.at, event.name, event.subject_kind, event.subject_id, event.by, event.body, event.reason, prev
        )
        prev = _hash(key, link)
        rows.append(link._replace(hash=prev)._asdict())
    session.execute(ADD, rows)
    session.execute(MOVE_HEAD, {"seq_": seq, "hash_": prev})


def _lock_head(session: Session) -> tuple[int, str]:
    row = session.execute(LOCK_HEAD).one_or_none()
    if row is None:
        session.execute(insert(HEADS), {"id": HEAD_ID, "seq": 0, "hash": ""})
        return 0, ""
    return row.seq, row.hash


def _rows() -> Iterator[EventRow]:
    last = 0
    while True:
        statement = select(EventRow).where(EventRow.seq > last).order_by(EventRow.seq).limit(VERIFY_BATCH)
        batch = db.session.scalars(statement).all()
        yield from batch
        if len(batch) < VERIFY_BATCH:
            return
        last = batch[-1].seq
        db.session.expunge_all()


def _hash(key: bytes, row: EventRow | Link) -> str:
    columns = [
        row.prev,
        row.seq,
        row.at.isoformat(timespec="microseconds"),
        row.name,
        row.subject_kind,
        row.subject_id,
        row.actor_id,
        row.body,
        row.reason,
    ]
    text = json.dumps(columns, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _key() -> bytes:
    key: bytes = current_app.config["QTRACE_AUDIT_KEY"]
    return key
