"""Reads of connected shops."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from qtrace.channels.events import CHANNEL_SYNCED, SUBJECT
from qtrace.channels.models import Bookmark, ChannelAccount, IntakeRecord
from qtrace.core.db import db, existing
from qtrace.core.errors import NotFound
from qtrace.core.models import EventRow

PAGE = 50


@dataclass(frozen=True)
class Counted:
    """How many source records an account or stream has brought, and how many of them were refused."""

    total: int = 0
    refused: int = 0


@dataclass(frozen=True)
class StreamState:
    """One stream of an account as its page shows it."""

    name: str
    label: str
    counted: Counted
    bookmark: Bookmark | None


def accounts() -> Sequence[ChannelAccount]:
    """Return every account by name, with its shop."""
    return db.session.scalars(
        select(ChannelAccount).options(joinedload(ChannelAccount.shop)).order_by(ChannelAccount.name)
    ).all()


def account_by_id(account_id: int) -> ChannelAccount:
    """Return an account; refuse an unknown one."""
    return existing(ChannelAccount, account_id)


def account_by_name(name: str) -> ChannelAccount:
    """Return the account of this name; refuse an unknown one."""
    account = db.session.scalar(select(ChannelAccount).where(ChannelAccount.name == name))
    if account is None:
        raise NotFound(name)
    return account


def counts_by_account() -> dict[int, Counted]:
    """Return the counts of every account that has brought something."""
    columns = (func.count(), func.count().filter(IntakeRecord.refused != ""))
    rows = db.session.execute(select(IntakeRecord.account_id, *columns).group_by(IntakeRecord.account_id))
    return {account_id: Counted(total, refused) for account_id, total, refused in rows}


def counts_by_stream(account_id: int) -> dict[str, Counted]:
    """Return the counts of the account's streams."""
    columns = (func.count(), func.count().filter(IntakeRecord.refused != ""))
    statement = select(IntakeRecord.stream, *columns).where(IntakeRecord.account_id == account_id)
    rows = db.session.execute(statement.group_by(IntakeRecord.stream))
    return {stream: Counted(total, refused) for stream, total, refused in rows}


def bookmarks(account_id: int) -> dict[str, Bookmark]:
    """Return how far each stream was read."""
    rows = db.session.scalars(select(Bookmark).where(Bookmark.account_id == account_id))
    return {row.stream: row for row in rows}


def refused_rows(account_id: int, *, before: int | None = None, limit: int = PAGE) -> Sequence[IntakeRecord]:
    """Return the refused rows, newest first."""
    return _intake(account_id, before, limit, refused=True)


def recent_rows(account_id: int, *, limit: int = PAGE) -> Sequence[IntakeRecord]:
    """Return the newest rows that were taken in."""
    return _intake(account_id, None, limit, refused=False)


def last_result(account_id: int) -> dict[str, Any]:
    """Return the counts and notes of the last sync that brought something; empty when there was none."""
    statement = (
        select(EventRow.body)
        .where(EventRow.subject_kind == SUBJECT, EventRow.subject_id == account_id, EventRow.name == CHANNEL_SYNCED)
        .order_by(EventRow.seq.desc())
        .limit(1)
    )
    return db.session.scalar(statement) or {}


def account_rows() -> list[dict[str, Any]]:
    """Return every account as plain data, for `qtrace channel list`."""
    counted = counts_by_account()
    return [_account_row(account, counted.get(account.id, Counted())) for account in accounts()]


def account_status(name: str) -> dict[str, Any]:
    """Return one account with its streams, for `qtrace channel status`; no setting is shown."""
    account = account_by_name(name)
    marks, streams = bookmarks(account.id), counts_by_stream(account.id)
    return _account_row(account, counts_by_account().get(account.id, Counted())) | {
        "streams": [
            {
                "name": stream,
                "records": streams.get(stream, Counted()).total,
                "refused": streams.get(stream, Counted()).refused,
                "moved_at": marks[stream].moved_at.isoformat() if stream in marks else None,
            }
            for stream in sorted({*marks, *streams})
        ],
        "refused_rows": [
            {"stream": row.stream, "external_id": row.external_id, "reason": row.refused}
            for row in refused_rows(account.id)
        ],
        "last": last_result(account.id),
    }


def _account_row(account: ChannelAccount, counted: Counted) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "connector": account.connector,
        "shop": account.shop.key,
        "enabled": account.enabled,
        "synced_at": account.synced_at.isoformat() if account.synced_at else None,
        "records": counted.total,
        "refused": counted.refused,
        "error": account.error,
    }


def _intake(account_id: int, before: int | None, limit: int, *, refused: bool) -> Sequence[IntakeRecord]:
    mark = IntakeRecord.refused != "" if refused else IntakeRecord.refused == ""
    statement = select(IntakeRecord).where(IntakeRecord.account_id == account_id, mark)
    if before is not None:
        statement = statement.where(IntakeRecord.id < before)
    return db.session.scalars(statement.order_by(IntakeRecord.id.desc()).limit(limit)).all()
