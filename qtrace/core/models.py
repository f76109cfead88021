"""Tables of the ground: events, jobs, ticks, counters, one-use submits and rate counts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base, create_beside, table_of


class EventRow(Base):
    """One recorded fact; rows are only ever added and are chained by `hash`."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_subject", "subject_kind", "subject_id", "seq"),
        Index("ix_event_name", "name", "seq"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    name: Mapped[str] = mapped_column(String(80))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    actor_id: Mapped[int | None]
    body: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(Text, default="")
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class EventHead(Base):
    """The last link of the event chain; taking this row last is the chain's lock."""

    __tablename__ = "event_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default="")


class JobRow(Base):
    """A piece of background work with its lease and fencing token."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_ready", "state", "run_at", "id"), UniqueConstraint("dedupe_key"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(10), default="ready")
    run_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    token: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    max_tries: Mapped[int] = mapped_column(default=5)
    dedupe_key: Mapped[str | None] = mapped_column(String(200))
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Tick(Base):
    """One slot of a schedule that has been taken; the unique row makes a schedule fire once."""

    __tablename__ = "tick"

    slot: Mapped[str] = mapped_column(String(120), primary_key=True)
    at: Mapped[datetime]


class Heartbeat(Base):
    """When a process was last seen alive."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(String(200), default="")


class Sequence(Base):
    """A gap-free counter; its row changes in the transaction of the insert it numbers."""

    __tablename__ = "sequence"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[int] = mapped_column(default=0)


class Submission(Base):
    """A one-use submit id that has been used, and where its answer led."""

    __tablename__ = "submission"
    __table_args__ = (Index("ix_submission_at", "at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    location: Mapped[str] = mapped_column(String(300), default="")


class RateCount(Base):
    """How often something was tried in one time slot."""

    __tablename__ = "rate_count"

    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(default=0)


class StoredFileRow(Base):
    """A file in the store: random id on disk, display name beside it."""

    __tablename__ = "stored_file"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]


class Setting(Base):
    """A site setting changed by the admin while the system runs."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[dict[str, Any]]


# Facts are only ever added: the database itself refuses to change or remove one.
APPEND_ONLY_SQLITE = [
    f"CREATE TRIGGER event_no_{verb} BEFORE {verb.upper()} ON event BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
    for verb in ("update", "delete")
]
APPEND_ONLY_PG = [
    "CREATE FUNCTION event_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$",
    "CREATE TRIGGER event_no_change BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION event_append_only()",
]
create_beside(table_of(EventRow), APPEND_ONLY_SQLITE, dialect="sqlite")
create_beside(table_of(EventRow), APPEND_ONLY_PG, dialect="postgresql")
