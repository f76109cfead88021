"""Write verbs of connected shops: add, change, pause, resume, and queue a sync."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.catalog.models import Shop
from qtrace.catalog.service import ensure_shop
from qtrace.channels.drop import is_folder_name
from qtrace.channels.events import CHANNEL_ADDED, CHANNEL_CHANGED, CHANNEL_PAUSED, CHANNEL_RESUMED, SUBJECT
from qtrace.channels.models import ChannelAccount
from qtrace.core import events, jobs
from qtrace.core.db import existing, require_write
from qtrace.core.errors import Refused
from qtrace.core.models import JobRow
from qtrace.sdk.settings import SettingValue

SYNC_JOB = "channel-sync"
MAX_NAME = 60
TRIES = 5


@dataclass(frozen=True, kw_only=True)
class NewAccount:
    """An account to be connected; without a shop one of its own name is opened."""

    name: str
    connector: str
    shop_id: int | None
    settings: Mapping[str, SettingValue]


def add_account(new: NewAccount, *, by: int | None, now: datetime) -> int:
    """Connect a shop and return the account's id."""
    session = require_write()
    _check_name(new.name)
    account = ChannelAccount(
        name=new.name,
        connector=new.connector,
        shop_id=_shop(new),
        settings=dict(new.settings),
        enabled=True,
        error="",
    )
    session.add(account)
    session.flush()  # for the id, which the event and the answer carry
    body = {"name": new.name, "connector": new.connector}
    events.record(CHANNEL_ADDED, subject=(SUBJECT, account.id), by=by, now=now, body=body)
    return account.id


def change_settings(account_id: int, values: Mapping[str, SettingValue], *, by: int | None, now: datetime) -> None:
    """Keep the checked settings; the record says which changed, never their values."""
    account = _account(account_id)
    changed = sorted(name for name, value in values.items() if account.settings.get(name) != value)
    if changed:
        account.settings, account.error = dict(values), ""
        events.record(CHANNEL_CHANGED, subject=(SUBJECT, account_id), by=by, now=now, body={"fields": changed})


def pause(account_id: int, *, by: int | None, now: datetime) -> None:
    """Stop syncing an account by schedule; what it brought stays."""
    _enable(account_id, False, CHANNEL_PAUSED, by, now)


def resume(account_id: int, *, by: int | None, now: datetime) -> None:
    """Sync an account by schedule again."""
    _enable(account_id, True, CHANNEL_RESUMED, by, now)


def queue_sync(account_id: int, *, now: datetime, run_at: datetime | None = None) -> int | None:
    """Enqueue a sync and return the job's id, or None when one of this account is already waiting or running."""
    return _enqueue_after(account_id, now, run_at, current=None)


def continue_later(account_id: int, *, now: datetime, run_at: datetime, job_id: int) -> int | None:
    """Enqueue the rest of a sync from inside the job that could not go on."""
    return _enqueue_after(account_id, now, run_at, current=job_id)


def queue_due(*, now: datetime) -> int:
    """Enqueue a sync of every account that is not paused and say how many were added."""
    ids = require_write().scalars(select(ChannelAccount.id).where(ChannelAccount.enabled).order_by(ChannelAccount.id))
    return sum(1 for account_id in ids.all() if queue_sync(account_id, now=now) is not None)


def _enqueue_after(account_id: int, now: datetime, run_at: datetime | None, current: int | None) -> int | None:
    """Add the one job that follows the account's last one; two who try at once share its key, so one wins."""
    _account(account_id)
    prefix = f"{SYNC_JOB}:{account_id}:"
    mine = select(JobRow.id, JobRow.state).where(JobRow.name == SYNC_JOB, JobRow.dedupe_key.startswith(prefix))
    last = 0
    for job_id, state in require_write().execute(mine.order_by(JobRow.id)):
        last = job_id
        if state in ("ready", "running") and job_id != current:
            return None
    key = f"{prefix}{last}"
    return jobs.enqueue(SYNC_JOB, {"account_id": account_id}, now=now, dedupe_key=key, run_at=run_at, max_tries=TRIES)


def _account(account_id: int) -> ChannelAccount:
    return existing(ChannelAccount, account_id)


def _enable(account_id: int, enabled: bool, event: str, by: int | None, now: datetime) -> None:
    account = _account(account_id)
    if account.enabled != enabled:
        account.enabled = enabled
        events.record(event, subject=(SUBJECT, account_id), by=by, now=now)


def _check_name(name: str) -> None:
    if not is_folder_name(name) or len(name) > MAX_NAME:
        raise Refused(
            _('名称要有 1 到 %(n)s 个字,不能含 \\ / : * ? " < > | ,首尾不能是点或空格。', n=MAX_NAME), field="name"
        )
    if require_write().scalar(select(ChannelAccount.id).where(ChannelAccount.name == name)) is not None:
        raise Refused(_("已有名为「%(name)s」的对接账号。请换一个名称。", name=name), field="name")


def _shop(new: NewAccount) -> int:
    if new.shop_id is None:
        return ensure_shop(new.name, name=new.name, platform=new.connector)
    if require_write().get(Shop, new.shop_id) is None:
        raise Refused(_("没有这个店铺。请从列表里选。"), field="shop")
    return new.shop_id
