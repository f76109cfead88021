"""Editable work calendars."""

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from qtrace.core.db import Base


class Calendar(Base):
    """A team's working hours: per weekday ("0" = Monday) a list of ["08:30", "12:00"] pairs."""

    __tablename__ = "calendar"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    zone: Mapped[str] = mapped_column(String(60), default="Asia/Shanghai")
    weekly: Mapped[dict[str, Any]]
    china_holidays: Mapped[bool] = mapped_column(default=True)


class CalendarDay(Base):
    """A day that differs from the weekly plan; an empty list of hours is a day off."""

    __tablename__ = "calendar_day"
    __table_args__ = (UniqueConstraint("calendar_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("calendar.id", ondelete="CASCADE"))
    day: Mapped[date]
    hours: Mapped[list[Any]]
    name: Mapped[str] = mapped_column(String(80), default="")
