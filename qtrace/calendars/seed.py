"""The calendars and alarm steps a new company starts with."""

from sqlalchemy import select

from qtrace.calendars.clock_settings import seed_reasons
from qtrace.calendars.models import Calendar, ClockStep
from qtrace.core.db import require_write

OFFICE = [["08:30", "12:00"], ["13:30", "18:00"]]
SHIFT = [["08:00", "22:00"]]
OFFICE_NAME, SHIFT_NAME = "行政班", "客服班"
STEPS = {"before": (-60, 0), "due": (0, 0), "head": (60, 1), "head_of_head": (240, 2), "keeper": (480, 3)}


def seed() -> None:
    """Add the office calendar (working days, Chinese holidays) and the service shift (every day) where missing, the alarm steps and what cases wait for."""
    seed_reasons()
    session = require_write()
    known = set(session.scalars(select(Calendar.name)))
    if OFFICE_NAME not in known:
        week = {str(day): OFFICE if day < 5 else [] for day in range(7)}
        session.add(Calendar(name=OFFICE_NAME, weekly=week, china_holidays=True))
    if SHIFT_NAME not in known:
        session.add(Calendar(name=SHIFT_NAME, weekly={str(day): SHIFT for day in range(7)}, china_holidays=False))
    if session.scalar(select(ClockStep.id).limit(1)) is None:
        session.add_all(ClockStep(key=key, offset=offset, level=level) for key, (offset, level) in STEPS.items())
