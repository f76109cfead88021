"""Tables of inspections, the standing plans they follow, and the series that decide how closely lots are looked at."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.accounts.models import User
from qtrace.catalog.models import Category, Sku, Standard, StandardVersion, Supplier
from qtrace.core.db import Base
from qtrace.core.models import StoredFileRow
from qtrace.inspections.sampling import STANDARD, Plan
from qtrace.issues.models import Issue
from qtrace.orders.models import Lot, Receipt


class InspectionPlan(Base):
    """A standing rule (检验方案): what is inspected how closely; nothing named means every article or supplier."""

    __tablename__ = "inspection_plan"
    __table_args__ = (Index("ix_inspection_plan_kind", "kind", "retired_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(12))  # one of words.KINDS
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    level: Mapped[str] = mapped_column(String(4), default="II")
    measured_level: Mapped[str] = mapped_column(String(4), default="")  # of what is measured or used up; "" is `level`
    aql_critical: Mapped[str] = mapped_column(String(6), default="")  # "" where the class isn't judged
    aql_major: Mapped[str] = mapped_column(String(6), default="")
    aql_minor: Mapped[str] = mapped_column(String(6), default="")
    consequence: Mapped[str] = mapped_column(String(4), default="warn")  # stop, warn
    standard_id: Mapped[int | None] = mapped_column(ForeignKey("quality_standard.id"))
    form_id: Mapped[int | None] = mapped_column(ForeignKey("form.id"))  # whose checklist is worked through
    items: Mapped[list[str]] = mapped_column(default=list)  # more to look at, as `catalog.checklist` reads it
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    sku: Mapped[Sku | None] = relationship()
    category: Mapped[Category | None] = relationship()
    supplier: Mapped[Supplier | None] = relationship()
    standard: Mapped[Standard | None] = relationship()

    @property
    def aqls(self) -> dict[str, str]:
        """Return the AQL of each class that is judged, the gravest first."""
        found = {"critical": self.aql_critical, "major": self.aql_major, "minor": self.aql_minor}
        return {key: aql for key, aql in found.items() if aql}


class Inspection(Base):
    """A lot or part of one that is looked at; once judged it stays as it is, only another inspection replaces it."""

    __tablename__ = "inspection"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("previous_id"),
        Index("ix_inspection_created_at", "created_at", "id"),
        Index("ix_inspection_kind", "kind", "created_at"),
        Index("ix_inspection_verdict", "verdict", "created_at"),
        Index("ix_inspection_lot", "lot_id"),
        Index("ix_inspection_sku", "sku_id"),
        Index("ix_inspection_supplier", "supplier_id", "created_at"),
        Index("ix_inspection_issue", "issue_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(12))
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("inspection_plan.id"))
    standard_version_id: Mapped[int | None] = mapped_column(ForeignKey("quality_standard_version.id"))
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    receipt_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("inspection.id"))  # which refused one it repeats
    quantity: Mapped[int]  # of the lot as it was shown
    tables: Mapped[str] = mapped_column(String(30), default=STANDARD)  # the edition whose tables it was judged by
    level: Mapped[str] = mapped_column(String(4))
    measured_n: Mapped[int] = mapped_column(default=0)
    consequence: Mapped[str] = mapped_column(String(4))
    checklist: Mapped[list[Any]] = mapped_column(default=list)  # {name, low, high, unit, result, measured, note}
    note: Mapped[str] = mapped_column(Text, default="")
    verdict: Mapped[str] = mapped_column(String(10), default="")  # "" while it is open; accepted, refused
    disposition: Mapped[str] = mapped_column(String(12), default="")  # one of words.DISPOSITIONS
    disposition_note: Mapped[str] = mapped_column(String(500), default="")
    hold_suggested_at: Mapped[datetime | None]
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issue.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    judged_at: Mapped[datetime | None]
    judged_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    classes: Mapped[list["InspectionClass"]] = relationship(order_by="InspectionClass.id")
    plan: Mapped[InspectionPlan | None] = relationship()
    standard_version: Mapped[StandardVersion | None] = relationship()
    lot: Mapped[Lot | None] = relationship()
    sku: Mapped[Sku | None] = relationship()
    supplier: Mapped[Supplier | None] = relationship()
    receipt: Mapped[Receipt | None] = relationship()
    previous: Mapped["Inspection | None"] = relationship(remote_side=[id])
    issue: Mapped[Issue | None] = relationship()
    author: Mapped[User | None] = relationship(foreign_keys=[created_by])
    judge: Mapped[User | None] = relationship(foreign_keys=[judged_by])
    decider: Mapped[User | None] = relationship(foreign_keys=[decided_by])

    @property
    def sample(self) -> int:
        """Return how many pieces are taken out: enough for every class."""
        return max((one.n for one in self.classes), default=0)


class InspectionClass(Base):
    """One class of nonconformity of an inspection: the plan it was judged by and what was found."""

    __tablename__ = "inspection_class"
    __table_args__ = (UniqueConstraint("inspection_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspection.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(10))  # one of words.CLASSES
    aql: Mapped[str] = mapped_column(String(6))
    state: Mapped[str] = mapped_column(String(12))
    letter: Mapped[str] = mapped_column(String(1))
    code: Mapped[str] = mapped_column(String(1))
    n: Mapped[int]
    ac: Mapped[int]
    re: Mapped[int]
    every: Mapped[bool] = mapped_column(default=False)
    found: Mapped[int] = mapped_column(default=0)

    @property
    def plan(self) -> Plan:
        """Return the plan it is judged by."""
        return Plan(self.letter, self.code, self.n, self.ac, self.re, self.every)

    @property
    def accepted(self) -> bool:
        """Say whether what was found is within the acceptance number."""
        return self.plan.accepts(self.found)


class InspectionPhoto(Base):
    """A photo taken while inspecting."""

    __tablename__ = "inspection_photo"
    __table_args__ = (Index("ix_inspection_photo_inspection", "inspection_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    inspection_id: Mapped[int] = mapped_column(ForeignKey("inspection.id", ondelete="CASCADE"))
    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"))

    file: Mapped[StoredFileRow] = relationship(lazy="joined")


class SwitchingSeries(Base):
    """Where the lots of one supplier, article and class stand; `switching.Series` is what the columns mean."""

    __tablename__ = "switching_series"
    __table_args__ = (
        UniqueConstraint("supplier_id", "sku_id", "kind", "key"),
        Index("ix_switching_series_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    sku_id: Mapped[int] = mapped_column(ForeignKey("sku.id"))
    kind: Mapped[str] = mapped_column(String(12))  # incoming and outgoing lots are two series
    key: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12), default="normal")
    score: Mapped[int] = mapped_column(default=0)
    recent: Mapped[list[Any]] = mapped_column(default=list)
    refused: Mapped[int] = mapped_column(default=0)
    steady: Mapped[bool] = mapped_column(default=False)
    agreed: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    supplier: Mapped[Supplier] = relationship()
    sku: Mapped[Sku] = relationship()


class SwitchingStep(Base):
    """One thing that happened to a series; replayed from the first, the steps lead to where the series stands."""

    __tablename__ = "switching_step"
    __table_args__ = (Index("ix_switching_step_series", "series_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    series_id: Mapped[int] = mapped_column(ForeignKey("switching_series.id", ondelete="CASCADE"))
    what: Mapped[str] = mapped_column(String(8))  # lot, agree, unsettle, resume
    inspection_id: Mapped[int | None] = mapped_column(ForeignKey("inspection.id"))
    accepted: Mapped[bool] = mapped_column(default=False)
    ac: Mapped[int] = mapped_column(default=0)
    tighter: Mapped[bool] = mapped_column(default=False)
    counted: Mapped[bool] = mapped_column(default=True)  # False: shown again, or begun before the series moved on
    steady: Mapped[bool] = mapped_column(default=False)
    before: Mapped[str] = mapped_column(String(12))
    after: Mapped[str] = mapped_column(String(12))
    score: Mapped[int] = mapped_column(default=0)  # after it
    reason: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[datetime]
    by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    inspection: Mapped[Inspection | None] = relationship()
    person: Mapped[User | None] = relationship()
