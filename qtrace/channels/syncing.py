"""Sync one account: pull page after page outside the write lock, store each in one short transaction.

A sync that dies loses and doubles nothing: what is stored has its bookmark, what has no bookmark is pulled again and
found to be known.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.channels.context import SyncContext
from qtrace.channels.drop import DropShop
from qtrace.channels.entries import retry_parked
from qtrace.channels.events import CHANNEL_SYNCED, SUBJECT
from qtrace.channels.intake import Move, PageOfRows, Tally, judge, position_of, store_page
from qtrace.channels.models import ChannelAccount
from qtrace.channels.windows import next_window, position_after
from qtrace.core import events
from qtrace.core.db import db, read, require_write, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.setting_fields import defaults, say
from qtrace.plugins import connectors
from qtrace.sdk.connector import Connector, Page, Stream, Window
from qtrace.sdk.errors import ConnectorError, Misconfigured, Permanent, RateLimited, Reauth, Retry
from qtrace.sdk.text import Text

MAX_NOTES = 50
STUCK = Text(
    "连接器没有进展,已停止,以免无休止地重复。请联系插件作者。",
    "The connector does not advance and was stopped. Please ask its author.",
)

log = logging.getLogger("qtrace.channels")

Tell = Callable[[], None]


@dataclass
class Synced:
    """What a sync did: the counts of every stream, and findings for the administrator."""

    account_id: int
    streams: dict[str, Tally] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {
            "account_id": self.account_id,
            "streams": {name: tally.as_json() for name, tally in self.streams.items()},
            "notes": self.notes,
            "error": self.error,
        }


@dataclass
class _Work:
    """Everything one sync works on."""

    account_id: int
    shop_id: int
    connector: Connector
    context: SyncContext
    clock: Callable[[], datetime]
    tell: Tell
    result: Synced
    refused: bool = False
    resumed: bool = False
    unparked: int = 0


def sync(account_id: int, *, clock: Callable[[], datetime], tell: Tell | None = None) -> Synced:
    """Bring in everything new of an account; `tell` is called in each write, which lets a job keep its lease.

    Whatever goes wrong is kept as the account's error and raised again; pages stored before stay stored.
    """
    work = _prepare(account_id, clock, tell or _nothing)
    try:
        for stream in work.connector.streams():
            work.result.streams[stream.name] = Tally()
            _sync_stream(work, stream)
        _retry_parked(work)
        health = work.connector.health(work.context)
        work.result.error = say(health.problem)
    except ConnectorError as error:
        _note_error(work, _problem_of(error))
        raise
    except Conflict:
        raise  # another sync of this account is at work; it is not the account's error
    except Exception as error:
        log.exception("the sync of account %s failed", account_id)
        _note_error(work, _("同步中断:%(why)s。已存入的数据保留,稍后会再试。", why=_line(error)))
        raise
    finally:
        work.context.close()
    _finish(work)
    return work.result


def _prepare(account_id: int, clock: Callable[[], datetime], tell: Tell) -> _Work:
    with read():
        account = db.session.get(ChannelAccount, account_id)
        if account is None:
            raise NotFound(_("没有这个对接账号。"))
        connector_class = connectors(current_app).get(account.connector)
        if connector_class is None:
            raise Refused(
                _("连接器 %(key)s 没有安装或无法加载,请到「店铺/ERP 对接」页查看原因。", key=account.connector)
            )
        shop = DropShop(account.shop_id, account.shop.key, account.shop.currency, account.shop.zone)
        name, settings = account.name, defaults(connector_class.settings) | account.settings
    data_dir = Path(current_app.config["QTRACE_DATA_DIR"])
    connector = connector_class()
    context = SyncContext(account=name, settings=settings, shop=shop, data_dir=data_dir, now=clock())
    context.allow(connector.manifest)
    return _Work(account_id, shop.id, connector, context, clock, tell, Synced(account_id))


def _sync_stream(work: _Work, stream: Stream) -> None:
    for window in _windows(work, stream):
        token: str | None = ""
        while token is not None:
            token = _do_page(work, stream, window, token)
            if stream.cursor == "bookmark" and token is not None:
                window = Window(_stand(work, stream))


def _windows(work: _Work, stream: Stream) -> Iterator[Window]:
    """Yield the stretches to read; each begins where the stored bookmark stands once the one before is done."""
    position = _stand(work, stream)
    if stream.cursor == "bookmark":
        work.resumed = True
        yield Window(position)
        return
    while window := next_window(stream, position, work.context.now):
        yield window
        position = _stand(work, stream)


def _stand(work: _Work, stream: Stream) -> str:
    with read():
        return position_of(work.account_id, stream.name)


def _do_page(work: _Work, stream: Stream, window: Window, token: str) -> str | None:
    page = work.connector.pull(work.context, stream, window, token)
    after = _position_after(stream, window, page)
    if page.next is not None and page.next == token and after == window.bookmark and not page.files:
        raise Permanent(STUCK)
    rows = PageOfRows(work.account_id, work.shop_id, stream.name, judge(work.connector, stream, page.records))
    if rows.rows or after != window.bookmark:
        now = work.clock()
        with write():
            outcomes = store_page(rows, Move(window.bookmark, after), now=now, tell=work.tell)
        work.result.streams[stream.name].add(outcomes)
        work.refused = work.refused or outcomes["refused"] > 0
    work.result.notes += [note for text in page.notes if (note := say(text)) not in work.result.notes]
    _finish_files(work, stream, page)
    return page.next


def _position_after(stream: Stream, window: Window, page: Page) -> str:
    if stream.cursor == "bookmark":
        return window.bookmark if page.bookmark is None else page.bookmark
    return position_after(window) if page.next is None else window.bookmark


def _finish_files(work: _Work, stream: Stream, page: Page) -> None:
    """Move finished files away; the page is committed, so a crash before this only leaves them to be moved next time."""
    # After a crash nobody remembers whether earlier pages of the file had refused rows, so it is judged once more.
    refused = work.refused or work.resumed
    for file in page.files:
        work.context.files.finish(file, stream.record, refused=refused, now=work.context.now)
    if page.files:
        work.refused = work.resumed = False


def _retry_parked(work: _Work) -> None:
    """Try the forms that wait once more: a rule may have been changed, or what they name may have come in."""
    last: int | None = None
    while last != 0:
        with write():
            work.tell()
            last, fit = retry_parked(work.account_id, last or 0, now=work.clock())
        work.unparked += fit
    if work.unparked:
        work.result.notes.append(
            ngettext(
                "先前没有收下的 %(num)s 条表单记录现在存入了。",
                "先前没有收下的 %(num)s 条表单记录现在存入了。",
                work.unparked,
            )
        )


def _finish(work: _Work) -> None:
    now = work.clock()
    total = sum(tally.read for tally in work.result.streams.values())
    with write():
        work.tell()
        account = require_write().get(ChannelAccount, work.account_id)
        if account is None:
            return
        account.synced_at, account.error = now, work.result.error
        if total or work.unparked:
            body = {"streams": work.result.as_json()["streams"], "notes": work.result.notes[:MAX_NOTES]}
            events.record(CHANNEL_SYNCED, subject=(SUBJECT, work.account_id), by=None, now=now, body=body)


def _note_error(work: _Work, message: str) -> None:
    with write():
        account = require_write().get(ChannelAccount, work.account_id)
        if account is not None:
            account.error = message


def _problem_of(error: ConnectorError) -> str:
    """Return what the account's page says about an error: what happened, and what to do."""
    message = say(error.message)
    if isinstance(error, Misconfigured):
        return _("设置有误:%(why)s %(hint)s", why=message, hint=say(error.hint)).strip()
    if isinstance(error, Reauth):
        return _("授权已失效:%(why)s 请重新授权。", why=message)
    if isinstance(error, RateLimited):
        return ngettext(
            "对方要求放慢:%(why)s %(num)s 秒后自动继续。",
            "对方要求放慢:%(why)s %(num)s 秒后自动继续。",
            error.seconds,
            why=message,
        )
    if isinstance(error, Retry):
        return _("对方暂时没有响应:%(why)s 稍后会自动再试。", why=message)
    return _("同步停止:%(why)s", why=message)


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _nothing() -> None:
    return None
