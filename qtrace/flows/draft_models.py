"""Tables of flows that are being designed: what is not published yet, and the changes that can be taken back."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base

# Nothing is NULL, so that drafts that are closed can be left out by the database.
NOTHING = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class FlowDraft(Base):
    """What a designer works on; without a definition nothing differs from the newest published version.

    The row stays after publishing, so that `version`, which every change must name, never comes back.
    """

    __tablename__ = "flow_draft"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60))
    definition: Mapped[dict[str, Any] | None] = mapped_column(NOTHING)
    base_version: Mapped[int]  # the published version it was begun on, 0 for a flow that never was
    version: Mapped[int]
    updated_by: Mapped[int | None]
    updated_at: Mapped[datetime]


class FlowDraftStep(Base):
    """One change of a draft in words, and the definition on its other side: before it, or after it where it is undone."""

    __tablename__ = "flow_draft_step"
    __table_args__ = (UniqueConstraint("draft_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    draft_id: Mapped[int] = mapped_column(ForeignKey("flow_draft.id", ondelete="CASCADE"))
    position: Mapped[int]
    undone: Mapped[bool] = mapped_column(default=False)
    verb: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    definition: Mapped[dict[str, Any]]
    by: Mapped[int | None]
    at: Mapped[datetime]
