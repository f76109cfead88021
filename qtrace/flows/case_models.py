"""Tables of what people leave at a decision: signatures, questions to colleagues, and the opinions they use often."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.accounts.models import User
from qtrace.core.db import Base


class FlowSignature(Base):
    """What a decision was signed with: a drawing, a password, or both; `name` is what the person was called then."""

    __tablename__ = "flow_signature"
    __table_args__ = (UniqueConstraint("instance_id", "version"), Index("ix_flow_signature_user", "user_id", "at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("flow_instance.id", ondelete="CASCADE"))
    version: Mapped[int]  # of the decision it belongs to
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    name: Mapped[str] = mapped_column(String(120))
    meaning: Mapped[str] = mapped_column(String(20))  # the verdict that was signed
    with_password: Mapped[bool] = mapped_column(default=False)
    file_id: Mapped[str | None] = mapped_column(ForeignKey("stored_file.id"))
    at: Mapped[datetime]


class FlowQuestion(Base):
    """Somebody is asked something inside a case, and answers there."""

    __tablename__ = "flow_question"
    __table_args__ = (Index("ix_flow_question_instance", "instance_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(ForeignKey("flow_instance.id", ondelete="CASCADE"))
    asker_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    asked_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    task_id: Mapped[int | None]  # the to-do of the person asked
    node: Mapped[str | None] = mapped_column(String(60))  # where it was asked: what is hidden there stays hidden
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None]

    asker: Mapped[User] = relationship(foreign_keys=[asker_id])
    asked: Mapped[User] = relationship(foreign_keys=[asked_id])


class OpinionTemplate(Base):
    """An opinion that is written often: a person's own, or everybody's without one."""

    __tablename__ = "opinion_template"
    __table_args__ = (Index("ix_opinion_template_user", "user_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(String(200))
