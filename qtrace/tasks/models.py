"""Tables of to-dos."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, UniqueConstraint
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

stand_in_flow = Table(
    "stand_in_flow",
    Base.metadata,
    Column("stand_in_id", ForeignKey("stand_in.id", ondelete="CASCADE"), primary_key=True),
    Column("flow", String(60), primary_key=True),
)


class Task(Base):
    """A to-do of one person; it stores the address it leads to."""

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_owner", "state", "owner_id", "due_at"),
        Index("ix_task_subject", "subject_kind", "subject_id", "state"),
        Index("ix_task_due", "state", "due_at"),
        Index("ix_task_pool", "state", "role_key", "owner_id"),
        Index("ix_task_closed", "closed_by", "state", "closed_at"),
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
    state: Mapped[str] = mapped_column(String(10), default="open")  # open, done, cancelled, copied, read
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)
    flow: Mapped[str | None] = mapped_column(String(60))  # the flow it is a turn of
    urged_at: Mapped[datetime | None]

    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    helpers: Mapped[list[User]] = relationship(secondary=task_helper)

    def is_overdue(self, now: datetime) -> bool:
        """Say whether it is still open after its due time."""
        return self.state == "open" and self.due_at is not None and self.due_at < now


class TaskLook(Base):
    """When a person looked at a to-do: first, last, and last in the visit before this one."""

    __tablename__ = "task_look"
    __table_args__ = (Index("ix_task_look_user", "user_id"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    before_at: Mapped[datetime | None]


class StandIn(Base):
    """While it runs, the deputy decides on the to-dos that are the person's: all, or those of some flows."""

    __tablename__ = "stand_in"
    __table_args__ = (
        Index("ix_stand_in_deputy", "deputy_id", "ends_at"),
        Index("ix_stand_in_user", "user_id", "ends_at"),
        Index("ix_stand_in_closed", "closed_at", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    deputy_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]  # the first moment it no longer runs
    every_flow: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[int | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # both sides have been told that it is over

    user: Mapped[User] = relationship(foreign_keys=[user_id])
    deputy: Mapped[User] = relationship(foreign_keys=[deputy_id])


class TaskView(Base):
    """Filters of the to-do centre one person keeps under a name; the default one is what the page opens with."""

    __tablename__ = "task_view"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    query: Mapped[str] = mapped_column(String(1000))
    is_default: Mapped[bool] = mapped_column(default=False)


class TaskBatch(Base):
    """Many to-dos decided or handed over at once, with what became of each."""

    __tablename__ = "task_batch"
    __table_args__ = (Index("ix_task_batch_user", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(12))  # approve, reject, hand_over
    note: Mapped[str] = mapped_column(Text, default="")
    total: Mapped[int]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class TaskBatchItem(Base):
    """What became of one to-do of many: done, refused with its reason, or somebody was faster."""

    __tablename__ = "task_batch_item"
    __table_args__ = (Index("ix_task_batch_item_batch", "batch_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("task_batch.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[str] = mapped_column(String(10))  # done, refused, late
    message: Mapped[str] = mapped_column(Text, default="")
