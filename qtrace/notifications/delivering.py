"""Send what is due: a job takes the deliveries of one person (or group) by one sender, names them, sends, and notes.

The name of the message is stored before it is sent. So when the worker dies in between, the same message is sent again
under the same name, and nothing else: at least once, and the receiver can tell.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, existing, write
from qtrace.core.errors import Refused
from qtrace.core.ids import new_id
from qtrace.core.jobs import JobContext
from qtrace.notifications.kinds import TEST
from qtrace.notifications.models import Notice, NoticeDelivery, NoticeSender
from qtrace.notifications.preferences import address_at, preference_of, preferences_of
from qtrace.notifications.sending import Way, carry, without_secrets
from qtrace.notifications.service import is_over
from qtrace.notifications.spreading import queue
from qtrace.notifications.wording import write_message
from qtrace.plugins import senders as offered_senders
from qtrace.sdk.senders import Message, Outcome
from qtrace.sdk.text import Text

MOST_IN_ONE = 50
HOLD = timedelta(seconds=90)  # longer than a job's lease
REST = timedelta(seconds=60)
LONGEST_WAIT = timedelta(hours=6)
WAITS = tuple(timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 7200, 21600))  # after the first try, …
GONE = Text("已办,不再通知", "Done by then, not sent")
LEFT = Text("收件人已停用或没有填账号", "The person left or has no address")
OFF = Text("通知方式已停用", "The sender is switched off")

log = logging.getLogger("qtrace.notices")


@dataclass(frozen=True)
class Bundle:
    """Deliveries that leave as one message."""

    way: Way
    message: Message
    ids: tuple[int, ...]


def send_due(payload: dict[str, Any], context: JobContext) -> None:
    """Send what is due to one person by one sender, and plan what follows."""
    sender_id, user_id = int(payload["sender"]), payload["user"]
    bundle = _take(sender_id, user_id, context)
    if bundle is None:
        return
    outcome = carry(bundle.way, bundle.message, context.clock())
    with write():
        _note(bundle, outcome, user_id, context.clock())
        context.complete()


def send_again(delivery_id: int, *, by: int, now: datetime) -> None:
    """Try a delivery that failed for good once more, with everything that was sent with it, under the same name."""
    delivery = existing(NoticeDelivery, delivery_id, fresh=True)
    if delivery.state != "failed":
        raise Refused(_("这条通知已经不在失败状态,请刷新页面。"))
    together = NoticeDelivery.id == delivery_id
    if delivery.message_id:
        together = (NoticeDelivery.message_id == delivery.message_id) & (NoticeDelivery.state == "failed")
    values = {"state": "waiting", "tries": 0, "due_at": now, "finished_at": None, "job_id": None, "held_until": None}
    db.session.execute(update(NoticeDelivery).where(together).values(**values))
    queue(delivery.sender_id, delivery.user_id, now=now, run_at=now)
    subject, body = ("notice_sender", delivery.sender_id), {"delivery": delivery_id}
    events.record("notice_sent_again", subject=subject, by=by, now=now, body=body)


def _take(sender_id: int, user_id: int | None, context: JobContext) -> Bundle | None:
    """Take the deliveries that are due and name their message; None where there is nothing to send now."""
    now = context.clock()
    with write():
        rows = _due(sender_id, user_id, context.id, now)
        if not rows:
            context.complete()
            return None
        sender, offered = rows[0].sender, offered_senders(current_app)
        if not sender.enabled or sender.key not in offered:
            _drop(rows, OFF, now)
        elif sender.rest_until is not None and sender.rest_until > now:
            queue(sender_id, user_id, now=now, run_at=sender.rest_until)
        else:
            rows = _still_wanted(rows, now)
            to = _address(sender, user_id)
            if to is None:
                _drop(rows, LEFT, now)
            elif rows:
                return _named(rows, Way(sender.id, offered[sender.key], dict(sender.settings)), to, context)
        context.complete()
        return None


def _due(sender_id: int, user_id: int | None, job_id: int, now: datetime) -> list[NoticeDelivery]:
    """Return what this job sends: what it had taken before it died, else the oldest message that is due, else all new."""
    theirs = NoticeDelivery.user_id.is_(None) if user_id is None else NoticeDelivery.user_id == user_id
    free = or_(NoticeDelivery.held_until.is_(None), NoticeDelivery.held_until < now, NoticeDelivery.job_id == job_id)
    mine = [NoticeDelivery.sender_id == sender_id, theirs, NoticeDelivery.state == "waiting"]
    waiting = select(NoticeDelivery).where(*mine, NoticeDelivery.due_at <= now, free).with_for_update()
    first = db.session.scalar(
        waiting.order_by(NoticeDelivery.message_id == "", NoticeDelivery.due_at, NoticeDelivery.id).limit(1)
    )
    if first is None:
        return []
    same: ColumnElement[bool] = NoticeDelivery.message_id == first.message_id
    found = waiting.where(same).options(joinedload(NoticeDelivery.sender), joinedload(NoticeDelivery.notice))
    found = found.with_for_update(of=NoticeDelivery)
    return list(db.session.scalars(found.order_by(NoticeDelivery.id).limit(MOST_IN_ONE)))


def _still_wanted(rows: Sequence[NoticeDelivery], now: datetime) -> list[NoticeDelivery]:
    """Return the rows whose to-do is still to do; a message that was tried before stays as it was."""
    if rows[0].message_id:
        return list(rows)
    over = [row for row in rows if row.user_id is not None and is_over(row.notice, now=now)]
    _drop(over, GONE, now)
    return [row for row in rows if row not in over]


def _address(sender: NoticeSender, user_id: int | None) -> str | None:
    """Return where the message goes: empty for a group, None for a person who cannot be reached."""
    if user_id is None:
        return ""
    user = db.session.get(User, user_id)
    return (address_at(sender, preference_of(user_id), user) or None) if user is not None and user.active else None


def _named(rows: Sequence[NoticeDelivery], way: Way, to: str, context: JobContext) -> Bundle:
    message_id = rows[0].message_id or f"msg_{new_id()}"
    for row in rows:
        row.message_id, row.job_id, row.held_until = message_id, context.id, context.clock() + HOLD
    notices = [row.notice for row in rows]
    user = rows[0].user
    message = write_message(
        notices, message_id=message_id, to=to, mentions=() if to else _mentions(rows[0].sender, notices),
        language=user.lang if user is not None else current_app.config["QTRACE_LANG"],
    )  # fmt: skip
    if len(rows) == MOST_IN_ONE:  # others may follow
        queue(way.id, rows[0].user_id, now=context.clock(), run_at=context.clock())
    return Bundle(way, message, tuple(row.id for row in rows))


def _mentions(sender: NoticeSender, notices: Sequence[Notice]) -> list[str]:
    """Return the addresses, in this group, of everybody who was told of the same."""
    told = db.session.scalars(
        select(Notice.user_id).where(Notice.dedupe.in_({notice.dedupe for notice in notices})).distinct()
    ).all()
    found = preferences_of(told)
    addresses = (found[user].addresses.get(sender.id, "") for user in sorted(found))
    return list(dict.fromkeys(address for address in addresses if address))


def _note(bundle: Bundle, outcome: Outcome, user_id: int | None, now: datetime) -> None:
    rows = db.session.scalars(
        select(NoticeDelivery).where(NoticeDelivery.id.in_(bundle.ids), NoticeDelivery.state == "waiting")
    ).all()
    if not rows:  # the sender was removed while it sent
        return
    for row in rows:
        row.tries, row.job_id, row.held_until = row.tries + 1, None, None
        row.reason = "" if outcome.state == "ok" else without_secrets(bundle.way, str(outcome.reason))
    tries, sender = rows[0].tries, existing(NoticeSender, bundle.way.id)
    if outcome.state == "ok":
        _finish(rows, "done", now)
        sender.rest_until = None
    elif outcome.state == "permanent" or tries > len(WAITS) or rows[0].notice.kind == TEST:
        _finish(rows, "failed", now)
        log.warning("notice %s by sender %s failed for good", bundle.message.id, bundle.way.id)
    else:
        wait = max(WAITS[tries - 1], min(timedelta(seconds=outcome.wait), LONGEST_WAIT))
        for row in rows:
            row.due_at = now + wait
        queue(bundle.way.id, user_id, now=now, run_at=now + wait)
        if outcome.wait:
            sender.rest_until = now + min(timedelta(seconds=outcome.wait), REST)


def _drop(rows: Sequence[NoticeDelivery], why: Text, now: datetime) -> None:
    for row in rows:
        row.reason = str(why)
    _finish(rows, "dropped", now)


def _finish(rows: Sequence[NoticeDelivery], state: str, now: datetime) -> None:
    for row in rows:
        row.state, row.finished_at = state, now
