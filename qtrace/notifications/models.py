"""Tables of notices: the inbox of each person, the ways a company sends, what people prefer, and what was sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.accounts.models import User
from qtrace.core.db import Base


class Notice(Base):
    """One thing one person is told; it stands in the inbox and is what deliveries carry."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("user_id", "dedupe"),
        Index("ix_notice_inbox", "user_id", "id"),
        Index("ix_notice_unread", "user_id", "read_at"),
        Index("ix_notice_spread", "spread", "id"),
        Index("ix_notice_task", "task_id"),
        Index("ix_notice_dedupe", "dedupe"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(40))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    task_id: Mapped[int | None]  # the to-do it leads to; no constraint, the notice outlives it
    title: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]]  # what the sentence of its kind needs, said in the reader's language
    url: Mapped[str] = mapped_column(String(300))
    urgent: Mapped[bool] = mapped_column(default=False)
    dedupe: Mapped[str] = mapped_column(String(160))
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    spread: Mapped[bool] = mapped_column(default=False)  # its deliveries were made


class NoticeSender(Base):
    """A way the company sends notices: which sender, its settings, and the kinds it carries unless a person says otherwise."""

    __tablename__ = "notice_sender"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(60))
    settings: Mapped[dict[str, Any]]
    kinds: Mapped[list[str]]
    enabled: Mapped[bool] = mapped_column(default=True)
    rest_until: Mapped[datetime | None]  # after a failed connection nothing is tried for a moment
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]


class NoticePreference(Base):
    """What a person prefers; who has no row is told at once, by the company's ways."""

    __tablename__ = "notice_preference"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    ways: Mapped[dict[str, Any]]  # {sender id: [kinds]}
    addresses: Mapped[dict[str, Any]]  # {sender id: address}
    pace: Mapped[str] = mapped_column(String(10), default="now")  # now, hourly, daily
    daily_at: Mapped[str] = mapped_column(String(5), default="")
    quiet_from: Mapped[str] = mapped_column(String(5), default="")
    quiet_until: Mapped[str] = mapped_column(String(5), default="")


class NoticeDelivery(Base):
    """One notice on its way through one sender; those sent together share a message id."""

    __tablename__ = "notice_delivery"
    __table_args__ = (
        UniqueConstraint("sender_id", "dedupe"),
        Index("ix_notice_delivery_due", "state", "due_at"),
        Index("ix_notice_delivery_person", "sender_id", "user_id", "state"),
        Index("ix_notice_delivery_log", "sender_id", "id"),
        Index("ix_notice_delivery_notice", "notice_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"))
    sender_id: Mapped[int] = mapped_column(ForeignKey("notice_sender.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))  # none: a group
    dedupe: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10), default="waiting")  # waiting, done, failed, dropped
    due_at: Mapped[datetime]
    message_id: Mapped[str] = mapped_column(String(40), default="")  # the receiver tells repetitions by it
    job_id: Mapped[int | None]  # the job that is sending it now
    held_until: Mapped[datetime | None]  # until then no other job takes it
    tries: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(300), default="")  # of the last failure
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    notice: Mapped[Notice] = relationship()
    sender: Mapped[NoticeSender] = relationship()
    user: Mapped[User | None] = relationship()
