"""Make deliveries of notices: for every person by the ways they want, and for every group that is told of the kind."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import delete, select, update

from qtrace.accounts.models import User
from qtrace.core.db import db, insert_into, is_sqlite, write
from qtrace.core.jobs import JobContext, enqueue
from qtrace.notifications.models import Notice, NoticeDelivery, NoticeSender
from qtrace.notifications.preferences import Preference, address_at, preferences_of, senders_in_use
from qtrace.notifications.timing import Rule, due_time
from qtrace.plugins import senders as offered_senders
from qtrace.sdk.senders import Sender

SEND = "notice-send"  # the job that sends what is due to one person by one sender
SWEEP = "notice-sweep"
CLEAR = "notice-clear"
BATCH = 200
FORGOTTEN = timedelta(minutes=5)
KEEP_LOG, KEEP_READ = timedelta(days=90), timedelta(days=365)


@dataclass(frozen=True)
class Ways:
    """The senders in use, and what the people of a batch prefer."""

    senders: Sequence[tuple[NoticeSender, Sender]]
    people: Mapping[int, User]
    preferences: Mapping[int, Preference]
    zone: ZoneInfo


def spread_all(_payload: dict[str, Any], context: JobContext) -> None:
    """Make the deliveries of everything that was told, batch by batch, each in a short write of its own."""
    while spread_batch(context.clock()):
        with write():
            context.extend()
    with write():
        context.complete()


def spread_batch(now: datetime, most: int = BATCH) -> int:
    """Make the deliveries of so many notices, the oldest first, and return how many notices there were."""
    with write() as session:
        waiting = select(Notice).where(Notice.spread.is_(False)).order_by(Notice.id).limit(most)
        if not is_sqlite():
            waiting = waiting.with_for_update(skip_locked=True)
        notices = session.scalars(waiting).all()
        if notices:
            ways = _ways({notice.user_id for notice in notices})
            deliver([row for notice in notices for row in _rows(notice, ways, now)], now)
            done = update(Notice).where(Notice.id.in_([notice.id for notice in notices]))
            session.execute(done.values(spread=True).execution_options(synchronize_session=False))
    return len(notices)


def deliver(rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Store deliveries and leave each person's to a job at its time."""
    if not rows:
        return
    told = insert_into(NoticeDelivery).on_conflict_do_nothing(index_elements=["sender_id", "dedupe"])
    db.session.execute(told, list(rows))
    for sender_id, user_id, due_at in sorted({(row["sender_id"], row["user_id"] or 0, row["due_at"]) for row in rows}):
        queue(sender_id, user_id or None, now=now, run_at=due_at)


def queue(sender_id: int, user_id: int | None, *, now: datetime, run_at: datetime) -> None:
    """Leave what is due to one person (or the group) by one sender to a job; one job for each later moment."""
    later = f"{SEND}-{sender_id}-{user_id or 0}-{int(run_at.timestamp())}" if run_at > now else None
    enqueue(SEND, {"sender": sender_id, "user": user_id}, now=now, run_at=run_at, dedupe_key=later)


def delivery_row(notice_id: int, sender_id: int, user_id: int | None, dedupe: str, due: datetime, now: datetime) -> Any:
    """Return a delivery as it is stored."""
    return {
        "notice_id": notice_id, "sender_id": sender_id, "user_id": user_id, "dedupe": dedupe, "state": "waiting",
        "due_at": due, "message_id": "", "job_id": None, "held_until": None, "tries": 0, "reason": "", "created_at": now,
        "finished_at": None,
    }  # fmt: skip


def sweep(_payload: dict[str, Any], context: JobContext) -> None:
    """Queue anew what should have been sent long ago, and spread what was left: nothing waits unseen."""
    now = context.clock()
    with write() as session:
        late = select(NoticeDelivery.sender_id, NoticeDelivery.user_id).where(
            NoticeDelivery.state == "waiting", NoticeDelivery.due_at < now - FORGOTTEN
        )
        for sender_id, user_id in session.execute(late.distinct()).all():
            queue(sender_id, user_id, now=now, run_at=now)
        context.complete()
    while spread_batch(now):
        pass


def clear(_payload: dict[str, Any], context: JobContext) -> None:
    """Delete what is long past: the log after three months, notices that were read after a year."""
    now = context.clock()
    with write() as session:
        sent = delete(NoticeDelivery).where(
            NoticeDelivery.created_at < now - KEEP_LOG, NoticeDelivery.state != "waiting"
        )
        session.execute(sent)
        session.execute(delete(Notice).where(Notice.at < now - KEEP_READ, Notice.read_at.is_not(None)))
        context.complete()


def _ways(user_ids: Collection[int]) -> Ways:
    offered = offered_senders(current_app)
    found = [(row, offered[row.key]) for row in senders_in_use() if row.key in offered]
    people = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(user_ids), User.active))}
    wanted = preferences_of(people) if found else {}
    return Ways(found, people, wanted, ZoneInfo(current_app.config["QTRACE_TZ"]))


def _rows(notice: Notice, ways: Ways, now: datetime) -> list[Any]:
    user = ways.people.get(notice.user_id)
    if user is None:  # who left is told nothing
        return []
    preference = ways.preferences.get(user.id, Preference())
    rows = []
    for row, sender in ways.senders:
        if not sender.personal and notice.kind in row.kinds:
            due = due_time(now, Rule(), ways.zone)
            rows.append(delivery_row(notice.id, row.id, None, f"group:{notice.dedupe}", due, now))
        elif sender.personal and preference.wants(notice.kind, row) and address_at(row, preference, user):
            due = due_time(now, preference.rule, ways.zone, urgent=notice.urgent)
            rows.append(delivery_row(notice.id, row.id, user.id, f"one:{notice.id}", due, now))
    return rows
