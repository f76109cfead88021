"""Tables of issues, their opening rules, comments, attachments and saved views."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.core.db import Base
from qtrace.core.models import StoredFileRow
from qtrace.orders.models import Lot, Order


class OpeningRule(Base):
    """When complaints become an issue: any one (threshold 1) or N of one scope and type within D days."""

    __tablename__ = "opening_rule"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    scope: Mapped[str] = mapped_column(String(20))  # safety, lot, sku, supplier, courier_line
    condition: Mapped[dict[str, Any]]
    threshold: Mapped[int]
    days: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)
    enabled: Mapped[bool] = mapped_column(default=True)


class Issue(Base):
    """A quality problem on its way from record to a proven close."""

    __tablename__ = "issue"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_issue_list", "status", "opened_at", "id"),
        Index("ix_issue_opened_at", "opened_at", "id"),
        Index("ix_issue_closed_at", "status", "closed_at"),
        Index("ix_issue_due_at", "status", "due_at"),
        Index("ix_issue_facets", "status", "stage", "type_id", "severity_id", "responsible_party_id"),
        Index("ix_issue_signature", "signature", "status"),
        Index("ix_issue_owner", "owner_id", "status", "opened_at"),
        Index("ix_issue_department", "department_id", "status", "opened_at"),
        Index("ix_issue_sku", "sku_id"),
        Index("ix_issue_lot", "lot_id"),
        Index("ix_issue_supplier", "supplier_id"),
        Index("ix_issue_order", "order_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))
    description: Mapped[str] = mapped_column(Text, default="")
    form_version_id: Mapped[int | None] = mapped_column(ForeignKey("form_version.id"))
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)

    type_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    severity_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    responsible_party_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    detection_point_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    disposition_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    verified_cause_id: Mapped[int | None] = mapped_column(ForeignKey("term.id"))
    safety: Mapped[bool] = mapped_column(default=False)

    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("lot.id"))
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    courier_line: Mapped[str] = mapped_column(String(120), default="")
    bad_qty: Mapped[int | None]
    checked_qty: Mapped[int | None]

    status: Mapped[str] = mapped_column(String(12), default="open")  # open, closed, terminated
    stage: Mapped[str] = mapped_column(String(60), default="record")
    due_at: Mapped[datetime | None]  # of the current stage
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    rule_id: Mapped[int | None] = mapped_column(ForeignKey("opening_rule.id"))
    signature: Mapped[str] = mapped_column(String(200), default="")  # scope|key|type of the rule that opened it
    complaint_count: Mapped[int] = mapped_column(default=0)
    last_complaint_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    type: Mapped[Term | None] = relationship(foreign_keys=[type_id])
    severity: Mapped[Term | None] = relationship(foreign_keys=[severity_id])
    responsible_party: Mapped[Term | None] = relationship(foreign_keys=[responsible_party_id])
    detection_point: Mapped[Term | None] = relationship(foreign_keys=[detection_point_id])
    disposition: Mapped[Term | None] = relationship(foreign_keys=[disposition_id])
    shop: Mapped[Shop | None] = relationship()
    order: Mapped[Order | None] = relationship()
    sku: Mapped[Sku | None] = relationship()
    lot: Mapped[Lot | None] = relationship()
    supplier: Mapped[Supplier | None] = relationship()
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])

    def is_overdue(self, now: datetime) -> bool:
        """Say whether the current stage is past its due time."""
        return self.status == "open" and self.due_at is not None and self.due_at < now


class ImportedIssue(Base):
    """By which number of which shop an issue was known before it came in; a second import finds it here."""

    __tablename__ = "imported_issue"
    __table_args__ = (UniqueConstraint("shop_id", "external_id"), Index("ix_imported_issue_issue", "issue_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    external_id: Mapped[str] = mapped_column(String(120))
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))


class Comment(Base):
    """A remark on an issue."""

    __tablename__ = "comment"
    __table_args__ = (Index("ix_comment_issue", "issue_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)

    author: Mapped[User] = relationship()


class Attachment(Base):
    """A file of an issue; photos are shown, everything else is offered for download."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_issue", "issue_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    issue_id: Mapped[int] = mapped_column(ForeignKey("issue.id", ondelete="CASCADE"))
    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"))
    field_id: Mapped[str] = mapped_column(String(60), default="")
    by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]

    file: Mapped[StoredFileRow] = relationship(lazy="joined")


class SavedView(Base):
    """A named set of filters of one list; shared with everybody or private."""

    __tablename__ = "saved_view"
    __table_args__ = (Index("ix_saved_view_page", "page", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(String(2000))
    position: Mapped[int] = mapped_column(default=0)
