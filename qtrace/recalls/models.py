"""Tables of holds and recalls."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.catalog.models import Warehouse
from qtrace.core.db import Base
from qtrace.orders.models import Lot, Order


class Hold(Base):
    """Nothing of a lot may leave a warehouse (or any of them) until somebody releases it."""

    __tablename__ = "hold"
    __table_args__ = (Index("ix_hold_lot", "lot_id"), Index("ix_hold_open", "released_at", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    recall_id: Mapped[int | None] = mapped_column(ForeignKey("recall.id"))
    reason: Mapped[str] = mapped_column(String(300))
    placed_at: Mapped[datetime]
    placed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    released_at: Mapped[datetime | None]
    released_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    released_why: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column(default=1)

    lot: Mapped[Lot] = relationship()
    warehouse: Mapped[Warehouse | None] = relationship()
    counts: Mapped[list["HoldCount"]] = relationship(order_by="HoldCount.id")


class HoldCount(Base):
    """A warehouse says how many pieces of a held lot it has put aside."""

    __tablename__ = "hold_count"
    __table_args__ = (Index("ix_hold_count_hold", "hold_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hold_id: Mapped[int] = mapped_column(ForeignKey("hold.id", ondelete="CASCADE"))
    warehouse_id: Mapped[int | None] = mapped_column(ForeignKey("warehouse.id"))
    pieces: Mapped[int]
    counted_at: Mapped[datetime]
    counted_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    warehouse: Mapped[Warehouse | None] = relationship()


class Recall(Base):
    """Lots called back from buyers and warehouses, or the drill of it."""

    __tablename__ = "recall"
    __table_args__ = (UniqueConstraint("number"), Index("ix_recall_list", "closed_at", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(10))  # recall, drill
    title: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text, default="")
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issue.id"))
    target_minutes: Mapped[int] = mapped_column(default=240)
    opened_at: Mapped[datetime]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    conclusion: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)


class RecallLot(Base):
    """A lot the recall is about."""

    __tablename__ = "recall_lot"
    __table_args__ = (Index("ix_recall_lot_lot", "lot_id"),)

    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id", ondelete="CASCADE"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"), primary_key=True)


class RecallStep(Base):
    """A step that is done, with what was found and counted then."""

    __tablename__ = "recall_step"
    __table_args__ = (UniqueConstraint("recall_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Text, default="")
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    done_at: Mapped[datetime]
    done_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class RecallOrder(Base):
    """An order that got pieces of the lots, and how far its buyer has been dealt with."""

    __tablename__ = "recall_order"
    __table_args__ = (
        UniqueConstraint("recall_id", "order_id"),
        Index("ix_recall_order_state", "recall_id", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id", ondelete="CASCADE"))
    order_id: Mapped[int] = mapped_column(ForeignKey("order.id"))
    pieces: Mapped[int]
    sure: Mapped[bool]  # False: nobody scanned the lot, the order may have got another one
    state: Mapped[str] = mapped_column(String(12), default="pending")  # one of steps.STATES
    changed_at: Mapped[datetime | None]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    order: Mapped[Order] = relationship()


class RecallLetter(Base):
    """What buyers are to be told; nothing leaves before another person has approved the words."""

    __tablename__ = "recall_letter"
    __table_args__ = (Index("ix_recall_letter_recall", "recall_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    recall_id: Mapped[int] = mapped_column(ForeignKey("recall.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))  # message, letter
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="waiting")  # waiting, approved, refused, replaced
    written_at: Mapped[datetime]
    written_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_why: Mapped[str] = mapped_column(String(300), default="")
    version: Mapped[int] = mapped_column(default=1)
