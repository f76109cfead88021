"""Editable work calendars, and the clocks of cases."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
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


class ClockStep(Base):
    """When a clock rings: so many working minutes after its target, before it when negative, and for whom."""

    __tablename__ = "clock_step"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    offset: Mapped[int]
    level: Mapped[int]  # 0 the owner, 1 the head, 2 the head's head, 3 who keeps the flows


class ClockTarget(Base):
    """How many minutes a clock may take at a severity, in working time or around the clock; "" is without a severity."""

    __tablename__ = "clock_target"
    __table_args__ = (UniqueConstraint("kind", "severity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    severity: Mapped[str] = mapped_column(String(60), default="")  # code of a term
    minutes: Mapped[int]
    round_the_clock: Mapped[bool] = mapped_column(default=False)


class PauseReason(Base):
    """What a case may wait for; a reason that does not stop the clock is only shown."""

    __tablename__ = "clock_pause_reason"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    stops: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class CaseClock(Base):
    """A clock of a case; what it is now is the sum of its intervals, `next_at` is when it rings next."""

    __tablename__ = "clock"
    __table_args__ = (
        UniqueConstraint("subject_kind", "subject_id", "kind"),
        Index("ix_clock_next_at", "next_at", "id"),
        Index("ix_clock_department", "department_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))  # acknowledge, contain, …, platform
    round_the_clock: Mapped[bool] = mapped_column(default=False)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    minutes: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))  # running, paused, stopped
    next_at: Mapped[datetime | None]


class CaseClockInterval(Base):
    """A stretch in which a clock ran or stood still."""

    __tablename__ = "clock_interval"
    __table_args__ = (UniqueConstraint("clock_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id", ondelete="CASCADE"))
    position: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))  # running, paused
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class CaseClockAlarm(Base):
    """A step at which a clock rang; the constraint is why none rings twice."""

    __tablename__ = "clock_alarm"
    __table_args__ = (UniqueConstraint("clock_id", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("clock.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(40))
    due_at: Mapped[datetime]
    rung_at: Mapped[datetime]
