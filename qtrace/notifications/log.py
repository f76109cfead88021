"""Reads of what was sent: the log of a sender, and what needs a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from qtrace.core.db import db
from qtrace.notifications.models import NoticeDelivery, NoticeSender

PAGE = 50
RECENT = timedelta(days=7)


@dataclass(frozen=True)
class Counts:
    """How a sender did in the last days."""

    done: int = 0
    failed: int = 0
    waiting: int = 0


def all_senders() -> Sequence[NoticeSender]:
    """Return every sender by name."""
    return db.session.scalars(select(NoticeSender).order_by(NoticeSender.name, NoticeSender.id)).all()


def counts_of_senders(now: datetime) -> Mapping[int, Counts]:
    """Return how each sender did in the last seven days."""
    d = NoticeDelivery
    rows = db.session.execute(
        select(d.sender_id, d.state, func.count()).where(d.created_at >= now - RECENT).group_by(d.sender_id, d.state)
    )
    found: dict[int, dict[str, int]] = {}
    for sender_id, state, n in rows:
        found.setdefault(sender_id, {})[state] = n
    return {
        sender: Counts(states.get("done", 0), states.get("failed", 0), states.get("waiting", 0))
        for sender, states in found.items()
    }


def deliveries_of(sender_id: int, *, failed: bool = False, before: int | None = None) -> Sequence[NoticeDelivery]:
    """Return a page of a sender's deliveries, the newest first, and one more where others follow."""
    statement = select(NoticeDelivery).where(NoticeDelivery.sender_id == sender_id)
    if failed:
        statement = statement.where(NoticeDelivery.state == "failed")
    if before is not None:
        statement = statement.where(NoticeDelivery.id < before)
    statement = statement.options(joinedload(NoticeDelivery.notice), joinedload(NoticeDelivery.user))
    return db.session.scalars(statement.order_by(NoticeDelivery.id.desc()).limit(PAGE + 1)).all()


def failing(now: datetime) -> list[tuple[NoticeSender, int]]:
    """Return the senders with deliveries that failed for good in the last seven days, and how many."""
    d = NoticeDelivery
    counted = (
        select(d.sender_id, func.count().label("n")).where(d.state == "failed", d.finished_at >= now - RECENT)
        .group_by(d.sender_id).subquery()
    )  # fmt: skip
    rows = db.session.execute(
        select(NoticeSender, counted.c.n)
        .join(counted, counted.c.sender_id == NoticeSender.id)
        .order_by(NoticeSender.id)
    )
    return [(row[0], row[1]) for row in rows]
