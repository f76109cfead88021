"""Tables of forms: definitions with their versions and draft, where they apply, and what people say of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base


class Form(Base):
    """A form business people define; records keep the version they were made with.

    Kinds: issue, complaint, inspection, warehouse, supplier_request, survey, record (free). `built_in` forms fill columns of
    a table of their own; all others make records.
    """

    __tablename__ = "form"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(60))
    name_zh: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120))
    current_version: Mapped[int] = mapped_column(default=1)
    kind: Mapped[str] = mapped_column(String(20), default="record")
    built_in: Mapped[bool] = mapped_column(default=False)
    prefix: Mapped[str] = mapped_column(String(8), default="R")  # of the numbers of its records
    note_zh: Mapped[str] = mapped_column(Text, default="")
    note_en: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default="active")  # active, retired
    flow: Mapped[str] = mapped_column(String(60), default="")  # what its records go through; empty: nothing
    draft: Mapped[dict[str, Any] | None]
    draft_version: Mapped[int] = mapped_column(default=0)  # raised by every change of the draft
    draft_at: Mapped[datetime | None]
    draft_by: Mapped[int | None]
    draft_undo: Mapped[list[Any] | None]  # what takes the last changes back, the newest last
    draft_redo: Mapped[list[Any] | None]  # what brings changes back that were taken back, the next one last


class FormVersion(Base):
    """One published definition; never changed afterwards."""

    __tablename__ = "form_version"
    __table_args__ = (UniqueConstraint("form_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    version: Mapped[int]
    definition: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(Text, default="")
    restored_from: Mapped[int | None]  # the version this one brought back
    published_at: Mapped[datetime]
    published_by: Mapped[int | None]


class FormField(Base):
    """A field that lists filter by and the typed column of the record table it lives in, for as long as the form exists."""

    __tablename__ = "form_field"
    __table_args__ = (UniqueConstraint("form_id", "field"), UniqueConstraint("form_id", "slot"))

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    field: Mapped[str] = mapped_column(String(60))
    slot: Mapped[str] = mapped_column(String(4))


class FormScope(Base):
    """Where a form is offered: a category, shop, platform or department; no row means everywhere.

    A pilot begins with one row and is widened by adding rows.
    """

    __tablename__ = "form_scope"
    __table_args__ = (UniqueConstraint("form_id", "kind", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    kind: Mapped[str] = mapped_column(String(12))  # category, shop, platform, department
    value: Mapped[str] = mapped_column(String(60))  # the row's id, or the platform's name
    added_at: Mapped[datetime]
    added_by: Mapped[int | None]


class FormLink(Base):
    """A public address of a form, for people without an account."""

    __tablename__ = "form_link"
    __table_args__ = (UniqueConstraint("token_digest"), Index("ix_form_link_form", "form_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    token_digest: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(80))
    company: Mapped[str] = mapped_column(String(80), default="")  # who asks, as strangers read it
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    preset: Mapped[dict[str, Any]] = mapped_column(default=dict)  # values the link brings along
    opened: Mapped[list[str]] = mapped_column(
        default=list
    )  # fields that read the company's data and are asked all the same
    expires_at: Mapped[datetime | None]
    most: Mapped[int | None]  # how many times it may be filled in
    used: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None]
    revoked_at: Mapped[datetime | None]


class FormRemark(Base):
    """Somebody's "this is awkward" about a form or one of its fields, or about a page that is no form of the designer."""

    __tablename__ = "form_remark"
    __table_args__ = (Index("ix_form_remark_open", "form_id", "settled_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int | None] = mapped_column(ForeignKey("form.id"))
    page: Mapped[str] = mapped_column(String(40), default="")
    version: Mapped[int] = mapped_column(default=0)
    field: Mapped[str] = mapped_column(String(60), default="")
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    by: Mapped[int | None]  # nobody: somebody without an account
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text, default="")


class FieldUse(Base):
    """How a field of a form is used: counted at every submission and every draft that was given up."""

    __tablename__ = "form_field_use"
    __table_args__ = (UniqueConstraint("form_id", "field"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    field: Mapped[str] = mapped_column(String(60))
    asked: Mapped[int] = mapped_column(default=0)
    filled: Mapped[int] = mapped_column(default=0)
    defaulted: Mapped[int] = mapped_column(default=0)  # sent as it was prefilled
    given_up: Mapped[int] = mapped_column(default=0)  # the last field touched in a draft nobody sent


class FormDraft(Base):
    """What a person has filled in and not yet sent; kept on the server so that no phone loses it."""

    __tablename__ = "form_draft"
    __table_args__ = (UniqueConstraint("user_id", "form_id", "subject"), Index("ix_form_draft_saved", "saved_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    form_id: Mapped[int] = mapped_column(ForeignKey("form.id"))
    form_version_id: Mapped[int] = mapped_column(ForeignKey("form_version.id"))
    subject: Mapped[str] = mapped_column(String(40), default="")  # the number of the record that is edited
    based_on: Mapped[int | None]  # the version of that record the form was opened with
    sent: Mapped[dict[str, Any]]  # input name to the texts it holds
    last_field: Mapped[str] = mapped_column(String(60), default="")
    saved_at: Mapped[datetime]
