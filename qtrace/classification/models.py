"""Tables of the taxonomies and of the classification rules."""

from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base

KINDS = ("type", "severity", "responsible_party", "detection_point", "disposition", "handling")


class Term(Base):
    """One node of a taxonomy tree; `kind` names the tree, `code` never changes, names may."""

    __tablename__ = "term"
    __table_args__ = (UniqueConstraint("kind", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    code: Mapped[str] = mapped_column(String(60))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    rubric_zh: Mapped[str] = mapped_column(Text, default="")
    rubric_en: Mapped[str] = mapped_column(Text, default="")
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    safety: Mapped[bool] = mapped_column(default=False)


class ClassificationRule(Base):
    """A condition over a complaint and what it suggests when it holds; the first one that sets a field wins."""

    __tablename__ = "classification_rule"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    condition: Mapped[dict[str, Any]]
    sets: Mapped[dict[str, Any]]  # {"type": code, "severity": code, "responsible_party": code, "safety": true}
    position: Mapped[int] = mapped_column(default=0)
    enabled: Mapped[bool] = mapped_column(default=True)
