"""Tables of complaints and of the intake rules that make them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.core.db import Base
from qtrace.core.models import StoredFileRow
from qtrace.orders.models import Lot, Order, OrderLine, Parcel


class IntakeRule(Base):
    """A condition over one kind of source record; where it holds, the record becomes a complaint, once ever."""

    __tablename__ = "intake_rule"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    source_kind: Mapped[str] = mapped_column(String(20))  # review, order, after_sale
    condition: Mapped[dict[str, Any]]
    sets: Mapped[dict[str, Any]]  # {"type": code, "severity": code, …} used where no classification rule says more
    position: Mapped[int] = mapped_column(default=0)
    enabled: Mapped[bool] = mapped_column(default=True)


class Complaint(Base):
    """One thing a buyer or a colleague complained about.

    What the buyer said (`raw_reason`, `text`), our category (`type_id`) and the verified cause are three fields.
    """

    __tablename__ = "complaint"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("source_kind", "source_id"),
        Index("ix_complaint_list", "status", "occurred_at", "id"),
        Index("ix_complaint_occurred_at", "occurred_at", "id"),
        Index("ix_complaint_issue", "issue_id"),
        Index("ix_complaint_lot", "lot_id", "occurred_at"),
        Index("ix_complaint_sku", "sku_id", "occurred_at"),
        Index("ix_complaint_supplier", "supplier_id", "occurred_at"),
        Index("ix_complaint_courier_line", "courier_line", "occurred_at"),
        Index("ix_complaint_order", "order_id"),
        Index("ix_complaint_platform_due_at", "status", "platform_due_at"),
        Index("ix_complaint_department", "department_id", "occurred_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    source_kind: Mapped[str] = mapped_column(String(20))  # review, order, after_sale, staff
    source_id: Mapped[int | None]
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("intake_rule.id"))
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))

    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    parcel_id: Mapped[int | None] = mapped_column(ForeignKey("parcel.id"))
    courier_line: Mapped[str] = mapped_column(String(120), default="")

    stars: Mapped[int | None]
    raw_reason: Mapped[str] = mapped_column(String(300), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    amount_minor: Mapped[int] = mapped_column(default=0)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")

    type_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    severity_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    responsible_party_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    verified_cause_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    suggested_by: Mapped[str] = mapped_column(String(120), default="")  # the rule that suggested the classification
    safety: Mapped[bool] = mapped_column(default=False)

    status: Mapped[str] = mapped_column(String(12), default="open")  # open, closed
    handling_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    handled_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    closed_at: Mapped[datetime | None]
    platform_due_at: Mapped[datetime | None]  # until when the platform wants an answer
    issue_id: Mapped[int | None]  # the issue that holds it; issues lie above this package
    version: Mapped[int] = mapped_column(default=1)

    shop: Mapped[Shop | None] = relationship()
    order: Mapped[Order | None] = relationship()
    line: Mapped[OrderLine | None] = relationship()
    sku: Mapped[Sku | None] = relationship()
    lot: Mapped[Lot | None] = relationship()
    supplier: Mapped[Supplier | None] = relationship()
    parcel: Mapped[Parcel | None] = relationship()
    type: Mapped[Term | None] = relationship(foreign_keys=[type_id])
    severity: Mapped[Term | None] = relationship(foreign_keys=[severity_id])
    responsible_party: Mapped[Term | None] = relationship(foreign_keys=[responsible_party_id])
    handling: Mapped[Term | None] = relationship(foreign_keys=[handling_id])


class ComplaintPhoto(Base):
    """A photo a colleague added when recording a complaint."""

    __tablename__ = "complaint_photo"
    __table_args__ = (Index("ix_complaint_photo_complaint", "complaint_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    complaint_id: Mapped[int] = mapped_column(ForeignKey("complaint.id", ondelete="CASCADE"))
    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"))

    complaint: Mapped[Complaint] = relationship()
    file: Mapped[StoredFileRow] = relationship(lazy="joined")
