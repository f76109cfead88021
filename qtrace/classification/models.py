"""Tables of the taxonomies, of mergers of their terms, and of the classification rules."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base

KINDS = ("type", "severity", "responsible_party", "detection_point", "disposition", "handling")  # the shipped trees


class Taxonomy(Base):
    """A tree of terms; the shipped ones fill columns of their own, the company's own serve fields of forms."""

    __tablename__ = "taxonomy"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(30))
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    depth: Mapped[int] = mapped_column(default=2)  # how many levels it may have
    position: Mapped[int] = mapped_column(default=0)
    own: Mapped[bool] = mapped_column(default=False)  # made by the company
    active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)  # raised by every change of the tree's shape


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
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))  # where its records went
    version: Mapped[int] = mapped_column(default=1)


class TermMerger(Base):
    """That a term was put into another one, and what was rewritten with it; undone while nothing changed since."""

    __tablename__ = "term_merger"
    __table_args__ = (Index("ix_term_merger_kind", "kind", "id"), Index("ix_term_merger_term", "term_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    term_id: Mapped[int] = mapped_column(ForeignKey("term.id"))
    into_id: Mapped[int] = mapped_column(ForeignKey("term.id"))
    records: Mapped[int] = mapped_column(default=0)
    rewrites: Mapped[list[Any]]  # {place, row, before, after}: rules and views that named the term
    at: Mapped[datetime]
    by: Mapped[int | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None]


class TermMergerRow(Base):
    """A row that carried the merged term before the merger."""

    __tablename__ = "term_merger_row"
    __table_args__ = (Index("ix_term_merger_row_merger", "merger_id", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    merger_id: Mapped[int] = mapped_column(ForeignKey("term_merger.id", ondelete="CASCADE"))
    place: Mapped[str] = mapped_column(String(120))
    row_id: Mapped[int]


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
