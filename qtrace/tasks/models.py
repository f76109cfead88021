"""Tables of to-dos."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.accounts.models import User
from qtrace.core.db import Base

task_helper = Table(
    "task_helper",
    Base.metadata,
    Column("task_id", ForeignKey("task.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_task_helper_user", "user_id"),
)

task_pool = Table(
    "task_pool",
    Base.metadata,
    Column("task_id", ForeignKey("task.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_task_pool_user", "user_id"),
)


class Task(Base):
    """A to-do of one person; it stores the address it leads to."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_owner", "state", "owner_id", "due_at"),
        Index("ix_task_subject", "subject_kind", "subject_id", "state"),
        Index("ix_task_due", "state", "due_at"),
        Index("ix_task_pool", "state", "role_key", "owner_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))  # stage, action, copy
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    node: Mapped[str] = mapped_column(String(60), default="")
    entry: Mapped[int | None]  # whose turn in the flow it is
    title: Mapped[str] = mapped_column(String(300))
    detail: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(String(300))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    role_key: Mapped[str] = mapped_column(String(40), default="")  # a pool: anybody of the role may claim it
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10), default="open")  # open, done, cancelled, copied
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)

    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    helpers: Mapped[list[User]] = relationship(secondary=task_helper)

    def is_overdue(self, now: datetime) -> bool:
        """Say whether it is still open after its due time."""
        return self.state == "open" and self.due_at is not None and self.due_at < now
