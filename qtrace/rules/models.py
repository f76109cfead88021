"""The table of rules."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base
from qtrace.core.ids import new_id


class Rule(Base):
    """One rule of a form: what it demands of which field, when, how loudly and in which words."""

    __tablename__ = "rule"
    __table_args__ = (UniqueConstraint("key"), Index("ix_rule_form", "form_id", "active", "position"))

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), default=new_id)  # by which configuration files know it
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    name: Mapped[str] = mapped_column(String(120), default="")
    kind: Mapped[str] = mapped_column(String(30))
    field: Mapped[str] = mapped_column(String(120), default="")  # a field id, or rows.column inside a sub-table
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    condition: Mapped[dict[str, Any] | None]  # when it applies; None means always
    level: Mapped[str] = mapped_column(String(6), default="block")  # block, warn, info
    message_zh: Mapped[str] = mapped_column(Text, default="")
    message_en: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]
    changed_by: Mapped[int | None]
