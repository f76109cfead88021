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
    pattern: Mapped[str] = mapped_column(String(120), default="")  # of file names, like 订单*.xlsx
    shop_key: Mapped[str] = mapped_column(String(60), default="")
    dropped: Mapped[bool] = mapped_column(default=False)  # files of the drop folder that fit the pattern are read by it
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ImportRun(Base):
    """One import with its counts; read = stored + updated + unchanged + refused."""

    __tablename__ = "import_run"
    __table_args__ = (
        Index("ix_import_run_started", "started_at"),
        Index("ix_import_run_headers", "headers_digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    mapping: Mapped[str] = mapped_column(String(80), default="")
    definition: Mapped[dict[str, Any]] = mapped_column(default=dict)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    file_id: Mapped[str | None] = mapped_column(ForeignKey("stored_file.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    dry_run: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(
        String(12), default="waiting"
    )  # draft, waiting, running, paused, cancelled, done, failed, undone
    wish: Mapped[str] = mapped_column(String(8), default="")  # pause or cancel, while it runs
    headers_digest: Mapped[str] = mapped_column(String(64), default="")  # by which its mended rows are recognised
    parent_id: Mapped[int | None]  # the run whose refused rows these are
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


class ImportBatch(Base):
    """What one batch of an import wrote of one kind, so that the whole can be taken back."""

    __tablename__ = "import_batch"
    __table_args__ = (Index("ix_import_batch_run", "run_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(30))
    made: Mapped[list[Any]]  # ids of new rows
    changed: Mapped[dict[str, Any]]  # {id: {column: [before, after]}}
