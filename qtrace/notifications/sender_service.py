"""Write verbs of senders: add, change, switch, remove, and try."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import existing, insert_row, require_write, table_of
from qtrace.core.errors import Refused
from qtrace.core.ids import new_id
from qtrace.notifications.kinds import OFFERED, TEST
from qtrace.notifications.models import Notice, NoticeSender
from qtrace.notifications.preferences import address_at, preference_of
from qtrace.notifications.spreading import deliver, delivery_row
from qtrace.sdk.settings import SettingValue

SUBJECT = "notice_sender"
MOST_NAME = 40


@dataclass(frozen=True, kw_only=True)
class NewSender:
    """A way to send that the administrator wants."""

    name: str
    key: str
    settings: Mapping[str, SettingValue]
    kinds: Collection[str]


def add_sender(new: NewSender, *, by: int, now: datetime) -> int:
    """Add a sender and return its id."""
    session = require_write()
    row = NoticeSender(
        name=_free_name(new.name), key=new.key, settings=dict(new.settings), kinds=_kinds(new.kinds), created_at=now,
        created_by=by,
    )  # fmt: skip
    session.add(row)
    session.flush()  # for the id, which the event and the answer carry
    events.record(
        "notice_sender_added", subject=(SUBJECT, row.id), by=by, now=now, body={"name": row.name, "key": row.key}
    )
    return row.id


def change_sender(sender_id: int, new: NewSender, *, by: int, now: datetime) -> None:
    """Give a sender another name, other settings or kinds; the record says which changed, never a setting's value."""
    row = existing(NoticeSender, sender_id, fresh=True)
    changed = sorted(name for name, value in new.settings.items() if row.settings.get(name) != value)
    kept = {"name": _free_name(new.name, row.id), "kinds": _kinds(new.kinds)}
    body = events.change(row, kept) | ({"settings": changed} if changed else {})
    row.settings, row.rest_until = dict(new.settings), None
    if body:
        events.record("notice_sender_changed", subject=(SUBJECT, sender_id), by=by, now=now, body=body)


def switch_sender(sender_id: int, *, enabled: bool, by: int, now: datetime) -> None:
    """Switch a sender on or off; what waits to be sent by one that is off is dropped."""
    row = existing(NoticeSender, sender_id, fresh=True)
    if row.enabled != enabled:
        row.enabled, row.rest_until = enabled, None
        name = "notice_sender_switched_on" if enabled else "notice_sender_switched_off"
        events.record(name, subject=(SUBJECT, sender_id), by=by, now=now)


def remove_sender(sender_id: int, *, by: int, now: datetime) -> None:
    """Remove a sender with its log; the event keeps what it was."""
    row = existing(NoticeSender, sender_id, fresh=True)
    body = {"name": row.name, "key": row.key}
    require_write().delete(row)
    events.record("notice_sender_removed", subject=(SUBJECT, sender_id), by=by, now=now, body=body)


def send_test(row: NoticeSender, user: User, *, personal: bool, now: datetime) -> None:
    """Leave a test message at once, whatever the person prefers; refused where there is no address."""
    if not row.enabled:
        raise Refused(_("「%(name)s」已停用。请先启用。", name=row.name))
    if personal and not address_at(row, preference_of(user.id), user):
        raise Refused(_("请先在「通知设置」里填写您在「%(name)s」的账号。", name=row.name), field=f"address-{row.id}")
    notice_id = insert_row(
        table_of(Notice).insert(),
        {
            "user_id": user.id, "kind": TEST, "subject_kind": SUBJECT, "subject_id": row.id, "task_id": None,
            "title": _("这是一条测试通知"), "body": _("收到它,说明「%(name)s」可以用。", name=row.name), "facts": {},
            "url": "/inbox", "urgent": False, "dedupe": f"test:{new_id()}", "at": now, "read_at": now, "spread": True,
        },
    )  # fmt: skip
    to = user.id if personal else None
    deliver([delivery_row(notice_id, row.id, to, f"test:{notice_id}", now, now)], now)


def _kinds(kinds: Collection[str]) -> list[str]:
    return [kind for kind in OFFERED if kind in kinds]


def _free_name(name: str, own: int | None = None) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME:
        raise Refused(_("请起个名字(最多 %(n)d 个字)。", n=MOST_NAME), field="name")
    found = require_write().scalar(select(NoticeSender.id).where(NoticeSender.name == name))
    if found is not None and found != own:
        raise Refused(_("已有名为「%(name)s」的通知方式。请换一个名字。", name=name), field="name")
    return name
