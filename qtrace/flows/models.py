"""Tables of flow definitions, running instances, decisions and the time spent in each stage."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.core.db import Base


class FlowDefinition(Base):
    """One version of a flow; instances keep the version they started with."""

    __tablename__ = "flow_definition"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60))
    version: Mapped[int]
    definition: Mapped[dict[str, Any]]
    active: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str | None] = mapped_column(Text)
    published_at: Mapped[datetime | None]  # nothing: it came with the program
    published_by: Mapped[int | None]


class FlowStart(Base):
    """A flow begins by itself for what comes in: for every subject of the kind (and form), or where the condition holds."""

    __tablename__ = "flow_start"
    __table_args__ = (UniqueConstraint("flow", "subject_kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    flow: Mapped[str] = mapped_column(String(60))  # the key of the flow
    subject_kind: Mapped[str] = mapped_column(String(40))
    condition: Mapped[dict[str, Any] | None]
    position: Mapped[int] = mapped_column(default=0)  # the first that holds is taken


class FlowInstance(Base):
    """A flow running for one subject.

    `state` is where it stands (`flows.stored`); `node` and `status` repeat of it what lists ask for. `version` counts its
    changes, `moved` is the version at which it last came to another node: the guard of every decision.
    """

    __tablename__ = "flow_instance"
    __table_args__ = (
        UniqueConstraint("subject_kind", "subject_id"),
        Index("ix_flow_instance_node", "status", "node"),
        Index("ix_flow_instance_parent", "parent_id"),
        Index("ix_flow_instance_initiator", "initiator_id", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    definition_id: Mapped[int] = mapped_column(ForeignKey("flow_definition.id"))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    title: Mapped[str] = mapped_column(String(300), default="")
    url: Mapped[str] = mapped_column(String(300), default="")
    initiator_id: Mapped[int | None]
    department_id: Mapped[int | None]
    node: Mapped[str | None] = mapped_column(String(60))
    status: Mapped[str] = mapped_column(String(12))
    state: Mapped[dict[str, Any]]
    begun: Mapped[list[Any]] = mapped_column(default=list)  # what the company answered when it started
    submitted: Mapped[bool] = mapped_column(default=False)  # as it was made, past its first node
    version: Mapped[int] = mapped_column(default=1)
    moved: Mapped[int] = mapped_column(default=1)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("flow_instance.id"))
    parent_token: Mapped[int | None]
    halted_at: Mapped[datetime | None]  # it waits, because its subject was put aside
    parked: Mapped[list[Any] | None]  # the steps that came up meanwhile, as their jobs' payloads

    definition: Mapped[FlowDefinition] = relationship()


flow_later = Table(
    "flow_later",  # who will be asked later in a running case (`flows.later`)
    Base.metadata,
    Column("instance_id", ForeignKey("flow_instance.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_flow_later_user", "user_id"),
)


class FlowDecision(Base):
    """One thing that was done to a case: who, when, what and why; `operation` and `answers` replay it."""

    __tablename__ = "flow_decision"
    __table_args__ = (UniqueConstraint("instance_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("flow_instance.id", ondelete="CASCADE"))
    version: Mapped[int]  # the instance's version after it
    node: Mapped[str | None] = mapped_column(String(60))
    verdict: Mapped[str] = mapped_column(String(20))
    target: Mapped[str] = mapped_column(String(60), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[int | None]
    on_behalf: Mapped[int | None]  # whose turn it was, where a deputy decided
    at: Mapped[datetime]
    operation: Mapped[dict[str, Any] | None]
    answers: Mapped[list[Any] | None]


class FlowTimer(Base):
    """Something of a token is due: its time is up (`due`), or what it waits for comes (`wake`)."""

    __tablename__ = "flow_timer"
    __table_args__ = (UniqueConstraint("instance_id", "token"), Index("ix_flow_timer_at", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("flow_instance.id", ondelete="CASCADE"))
    token: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]


class StageSpan(Base):
    """The time a subject spent in one stage; open while `left_at` is empty."""

    __tablename__ = "stage_span"
    __table_args__ = (Index("ix_stage_span_instance", "instance_id", "entered_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("flow_instance.id", ondelete="CASCADE"))
    node: Mapped[str] = mapped_column(String(60))
    token: Mapped[int] = mapped_column(default=0)
    entered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class FlowAddress(Base):
    """An address of another system that automatic nodes may call by its name; its headers are secret."""

    __tablename__ = "flow_address"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    url: Mapped[str] = mapped_column(String(500))
    headers: Mapped[dict[str, Any]]
    enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]


class FlowPaper(Base):
    """A paper a node printed and filed with its case."""

    __tablename__ = "flow_paper"
    __table_args__ = (Index("ix_flow_paper_subject", "subject_kind", "subject_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    node: Mapped[str] = mapped_column(String(60))
    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"))
    at: Mapped[datetime]
