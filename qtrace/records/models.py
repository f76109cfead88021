"""Tables of records.

A field that lists filter by lives in a typed column of the record's own row, a slot: `t…` text, `n…` numbers scaled by
10**SCALE, `d…` moments, `r…` references, `b…` yes or no. `form_field` says which field of which form lives where. Each
slot has a partial index, so an unused one costs nothing and a used one is as fast as a built-in column.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base
from qtrace.forms.slots import ALL_SLOTS

NOTES = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
SCALE = 6
MOST_TEXT = 600  # of a text slot, what an index of PostgreSQL holds; longer texts are filtered by their beginning


def _slot_index(name: str) -> Index:
    given = column(name).is_not(None)
    # the state stands in the index too: lists leave voided records out without looking at each row
    return Index(f"ix_record_{name}", "form_id", name, "id", "state", sqlite_where=given, postgresql_where=given)


class Record(Base):
    """One filled-in form."""

    __tablename__ = "record"
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("form_id", "key"),
        Index("ix_record_list", "form_id", "state", "id"),
        Index("ix_record_created", "form_id", "created_at", "id", "state"),
        Index("ix_record_department", "form_id", "department_id", "id", "state"),
        Index("ix_record_sku", "form_id", "sku_id", "id", "state"),
        Index("ix_record_import", "import_run_id"),
        Index("ix_record_stage", "form_id", "stage", "id", "state"),
        *(_slot_index(name) for name in ALL_SLOTS),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id"))
    number: Mapped[str] = mapped_column(String(24))
    title: Mapped[str] = mapped_column(String(200), default="")
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key: Mapped[str | None] = mapped_column(String(200))  # what an import or the API updates it by
    notes: Mapped[dict[str, Any] | None] = mapped_column(NOTES)  # "warning — why it was let through" by field
    state: Mapped[str] = mapped_column(String(10), default="open")  # open, done, void
    stage: Mapped[str] = mapped_column(String(60), default="")  # of its flow; empty without one
    source: Mapped[str] = mapped_column(String(12), default="page")  # page, public, import, api, connector, flow
    import_run_id: Mapped[int | None]
    form_link_id: Mapped[int | None] = mapped_column(ForeignKey("form_link.id"))
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shop.id"))
    sku_id: Mapped[int | None] = mapped_column(ForeignKey("sku.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    changed_at: Mapped[datetime]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)

    t1: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t2: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t3: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t4: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t5: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t6: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t7: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t8: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t9: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t10: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t11: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    t12: Mapped[str | None] = mapped_column(String(MOST_TEXT))
    n1: Mapped[int | None]
    n2: Mapped[int | None]
    n3: Mapped[int | None]
    n4: Mapped[int | None]
    n5: Mapped[int | None]
    n6: Mapped[int | None]
    n7: Mapped[int | None]
    n8: Mapped[int | None]
    n9: Mapped[int | None]
    n10: Mapped[int | None]
    d1: Mapped[datetime | None]
    d2: Mapped[datetime | None]
    d3: Mapped[datetime | None]
    d4: Mapped[datetime | None]
    d5: Mapped[datetime | None]
    d6: Mapped[datetime | None]
    r1: Mapped[int | None]
    r2: Mapped[int | None]
    r3: Mapped[int | None]
    r4: Mapped[int | None]
    r5: Mapped[int | None]
    r6: Mapped[int | None]
    r7: Mapped[int | None]
    r8: Mapped[int | None]
    b1: Mapped[bool | None]
    b2: Mapped[bool | None]
    b3: Mapped[bool | None]
    b4: Mapped[bool | None]


class RecordChange(Base):
    """An earlier value of a field, for conditions that ask what has been."""

    __tablename__ = "record_change"
    __table_args__ = (Index("ix_record_change_field", "record_id", "field", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id", ondelete="CASCADE"))
    field: Mapped[str] = mapped_column(String(60))
    text_value: Mapped[str | None] = mapped_column(Text)
    number_value: Mapped[int | None]  # scaled by 10**SCALE
    time_value: Mapped[datetime | None]
    ref_value: Mapped[int | None]
    at: Mapped[datetime]
    by: Mapped[int | None]


class RecordFile(Base):
    """A file a field of a record holds."""

    __tablename__ = "record_file"
    __table_args__ = (Index("ix_record_file_record", "record_id", "field"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id", ondelete="CASCADE"))
    field: Mapped[str] = mapped_column(String(60))
    file_id: Mapped[str] = mapped_column(ForeignKey("stored_file.id"))


class RecordEdit(Base):
    """What a record said before an edit, so that the last change can be undone."""

    __tablename__ = "record_edit"
    __table_args__ = (UniqueConstraint("record_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("record.id", ondelete="CASCADE"))
    version: Mapped[int]  # the record's version that ended with the edit
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id"))
    answers: Mapped[dict[str, Any]]
    title: Mapped[str] = mapped_column(String(200))
    import_run_id: Mapped[int | None]
    at: Mapped[datetime]
    by: Mapped[int | None]
