"""Tables of connected accounts and how far each stream was read."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.catalog.models import Shop
from qtrace.core.db import Base


class ChannelAccount(Base):
    """One connected shop: which connector, its settings, and when it last ran."""

    __tablename__ = "channel_account"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    connector: Mapped[str] = mapped_column(String(60))
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    settings: Mapped[dict[str, Any]]
    enabled: Mapped[bool] = mapped_column(default=True)
    synced_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")

    shop: Mapped[Shop] = relationship()


class Bookmark(Base):
    """How far one stream of an account was read; moved in the transaction that stores the page."""

    __tablename__ = "bookmark"
    __table_args__ = (UniqueConstraint("account_id", "stream"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("channel_account.id", ondelete="CASCADE"))
    stream: Mapped[str] = mapped_column(String(60))
    position: Mapped[str] = mapped_column(Text, default="")
    moved_at: Mapped[datetime]


class IntakeRecord(Base):
    """One source record seen from an account: unique by (account, stream, external id, version), so never stored twice."""

    __tablename__ = "intake_record"
    __table_args__ = (
        UniqueConstraint("account_id", "stream", "external_id", "version"),
        Index("ix_intake_record_at", "account_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("channel_account.id", ondelete="CASCADE"))
    stream: Mapped[str] = mapped_column(String(60))
    external_id: Mapped[str] = mapped_column(String(200))
    version: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    refused: Mapped[str] = mapped_column(Text, default="")
    parked: Mapped[dict[str, Any] | None]  # what a form would not take, until it is tried again or sent anew
