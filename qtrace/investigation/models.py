"""Tables of responsibility, causes, actions, effect checks and costs of an issue."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.core.db import Base

INVESTIGATE = "issue.investigate"
FINISH = "issue.comment"  # who takes part in an issue can finish what was given to them


class Responsibility(Base):
    """One party's share of an issue in percent; the shares of an issue add up to 100."""

    __tablename__ = "responsibility"
    __table_args__ = (UniqueConstraint("issue_id", "party_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    party_id: Mapped[int] = mapped_column(ForeignKey("term.id"))
    percent: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[int | None]
    at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1, server_default="1")  # the same in all shares of one decision

    party: Mapped[Term] = relationship()


class Why(Base):
    """One node of the 5-Why tree: a statement, its evidence, and whether it was tested true."""

    __tablename__ = "why"
    __table_args__ = (Index("ix_why_issue", "issue_id", "parent_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("why.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(default=0)
    statement: Mapped[str] = mapped_column(String(500))
    evidence: Mapped[str] = mapped_column(Text, default="")
    tested: Mapped[str] = mapped_column(String(8), default="open")  # open, true, false
    is_root: Mapped[bool] = mapped_column(default=False)
    kind: Mapped[str] = mapped_column(String(12), default="occurrence")  # occurrence, escape, system
    by: Mapped[int | None]
    at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class Action(Base):
    """A containment, correction, corrective or preventive action."""

    __tablename__ = "action"
    __table_args__ = (Index("ix_action_issue", "issue_id", "id"), Index("ix_action_owner", "owner_id", "done_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(12))  # containment, correction, corrective, preventive
    text: Mapped[str] = mapped_column(String(500))
    why_id: Mapped[int | None] = mapped_column(ForeignKey("why.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    due_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[int | None]
    proof: Mapped[str] = mapped_column(Text, default="")
    effective_at: Mapped[datetime | None]  # from when goods are better
    cancelled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)

    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])

    def can_be_finished_by(self, user: User) -> bool:
        """Say whether the person may tell that it is done: who investigates, and whose action it is."""
        return user.can(INVESTIGATE) or (self.owner_id == user.id and user.can(FINISH))


class EffectCheck(Base):
    """One judgement of the effect on data: the rate before and after the effective date."""

    __tablename__ = "effect_check"
    __table_args__ = (Index("ix_effect_check_issue", "issue_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    effective_at: Mapped[datetime]
    scope: Mapped[str] = mapped_column(String(20))
    figures: Mapped[dict[str, Any]]
    verdict: Mapped[str] = mapped_column(String(20))
    accepted: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[int | None]
    at: Mapped[datetime]


class CostLine(Base):
    """What an issue cost: PAF category, payer, amount."""

    __tablename__ = "cost_line"
    __table_args__ = (Index("ix_cost_line_issue", "issue_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    category: Mapped[str] = mapped_column(String(20))  # prevention, appraisal, internal, external
    payer: Mapped[str] = mapped_column(String(20))  # company, supplier, courier
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    note: Mapped[str] = mapped_column(String(300), default="")
    by: Mapped[int | None]
    at: Mapped[datetime]
