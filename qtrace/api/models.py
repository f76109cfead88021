"""Tables of API tokens, of answers kept for repeated requests, and of webhooks."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.accounts.models import User
from qtrace.core.db import Base


class ApiToken(Base):
    """A key with which a program acts as a person; only the digest of the key is stored."""

    __tablename__ = "api_token"
    __table_args__ = (UniqueConstraint("digest"), Index("ix_api_token_user", "user_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(16))  # the beginning of the key, by which people tell tokens apart
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None]

    user: Mapped[User] = relationship(foreign_keys=[user_id])

    def is_live(self, now: datetime) -> bool:
        """Say whether the token opens anything."""
        return self.revoked_at is None and self.expires_at > now


class ApiAnswer(Base):
    """The answer to a request that carried an Idempotency-Key, given again when the request comes again."""

    __tablename__ = "api_answer"
    __table_args__ = (UniqueConstraint("user_id", "key"), Index("ix_api_answer_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(120))
    request: Mapped[str] = mapped_column(String(64))  # the digest of method, address and body
    at: Mapped[datetime]
    status: Mapped[int] = mapped_column(default=0)
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[str] = mapped_column(Text, default="")


class WebhookEndpoint(Base):
    """An address that is told of events; its secrets are made from the site's key and these nonces."""

    __tablename__ = "webhook_endpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(500))
    events: Mapped[list[str]]
    nonce: Mapped[str] = mapped_column(String(32))
    old_nonce: Mapped[str] = mapped_column(String(32), default="")
    old_until: Mapped[datetime | None]  # until then messages are signed with the old secret too
    enabled: Mapped[bool] = mapped_column(default=True)
    failing_since: Mapped[datetime | None]  # the first failure after the last success
    rest_until: Mapped[datetime | None]  # after a failure nothing is tried for a moment
    disabled_reason: Mapped[str] = mapped_column(String(300), default="")  # why the site switched it off by itself
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]


class WebhookDelivery(Base):
    """One message on its way to one endpoint, with every try."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_endpoint", "endpoint_id", "id"),
        Index("ix_webhook_delivery_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    message_id: Mapped[str] = mapped_column(String(40))  # the receiver tells repetitions by it
    event: Mapped[str] = mapped_column(String(80))
    payload: Mapped[str] = mapped_column(Text)  # the body as it is sent, byte for byte
    state: Mapped[str] = mapped_column(String(10), default="waiting")  # waiting, done, failed, dropped
    attempts: Mapped[int] = mapped_column(default=0)
    round: Mapped[int] = mapped_column(default=0)  # raised by each redelivery, so that older tries stop
    next_at: Mapped[datetime | None]
    status: Mapped[int | None]  # of the last answer
    tries: Mapped[list[Any]] = mapped_column(default=list)  # [{at, ms, status, error, answer}], the newest last
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    endpoint: Mapped[WebhookEndpoint] = relationship()
