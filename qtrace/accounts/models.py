"""Tables of people and what they may do."""

from datetime import datetime
from functools import cached_property

from sqlalchemy import Column, ForeignKey, Index, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from qtrace.core.db import Base

user_role = Table(
    "user_role",
    Base.metadata,
    Column("user_id", ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
)


class Department(Base):
    """A department with its head; its calendar decides its deadlines."""

    __tablename__ = "department"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    head_id: Mapped[int | None]  # no constraint: a department and its head may be created in either order
    calendar_id: Mapped[int | None]


class Role(Base):
    """A named set of permissions with the scope of records they reach: own, department or all."""

    __tablename__ = "role"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    permissions: Mapped[list[str]]
    scope: Mapped[str] = mapped_column(String(12))


class User(Base):
    """A person who can log in."""

    __tablename__ = "user"
    __table_args__ = (UniqueConstraint("username"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(200), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    lang: Mapped[str] = mapped_column(String(5), default="zh")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]

    roles: Mapped[list[Role]] = relationship(secondary=user_role, lazy="selectin", order_by=Role.id)
    department: Mapped[Department | None] = relationship(lazy="joined", foreign_keys=[department_id])

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """Say whether the person may log in."""
        return self.active

    def get_id(self) -> str:
        """Return the id flask-login keeps."""
        return str(self.id)

    @cached_property
    def permissions(self) -> frozenset[str]:
        """Return everything the person's roles allow."""
        return frozenset(name for role in self.roles for name in role.permissions)

    @property
    def scope(self) -> str:
        """Return the widest scope of the person's roles: all, department or own."""
        scopes = {role.scope for role in self.roles}
        return next((scope for scope in ("all", "department") if scope in scopes), "own")

    @property
    def role_keys(self) -> list[str]:
        """Return the keys of the person's roles."""
        return [role.key for role in self.roles]

    def can(self, permission: str) -> bool:
        """Say whether a role of this person allows the permission."""
        return permission in self.permissions

    def has_role(self, key: str) -> bool:
        """Say whether the person has the role."""
        return any(role.key == key for role in self.roles)


class UserSession(Base):
    """A login on one device; only the digest of its token is stored, so logging out ends it everywhere at once."""

    __tablename__ = "user_session"
    __table_args__ = (Index("ix_user_session_user", "user_id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ip: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")

    user: Mapped[User] = relationship(lazy="joined")
