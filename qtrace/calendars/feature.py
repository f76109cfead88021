"""Attach the clocks to the app."""

from datetime import timedelta

from flask import Flask

from qtrace.calendars import alarms
from qtrace.core.jobs import register as register_job
from qtrace.worker import schedule


def register(app: Flask) -> None:
    """Ring the clocks that are due, every minute."""
    register_job(app, alarms.TICK, alarms.ring_due)
    schedule(app, alarms.TICK, timedelta(minutes=1))
