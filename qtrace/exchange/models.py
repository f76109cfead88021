"""Tables of saved mappings and import runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base


class ImportMapping(Base):
    """A remembered mapping from a file's headers to the fields of a record kind."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("name", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(30))
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ImportRun(Base):
    """One import with its counts; read = stored + updated + unchanged + refused."""

    __tablename__ = "import_run"
    __table_args__ = (Index("ix_import_run_started", "started_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    mapping: Mapped[str] = mapped_column(String(80), default="")
    definition: Mapped[dict[str, Any]] = mapped_column(default=dict)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    file_id: Mapped[str | None] = mapped_column(ForeignKey("stored_file.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    dry_run: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(12), default="waiting")  # waiting, running, done, failed
    message: Mapped[str] = mapped_column(Text, default="")
    total: Mapped[int] = mapped_column(default=0)  # estimate, for the progress bar
    read: Mapped[int] = mapped_column(default=0)
    stored: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    refused_file_id: Mapped[str | None] = mapped_column(ForeignKey("stored_file.id"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    by: Mapped[int | None]
