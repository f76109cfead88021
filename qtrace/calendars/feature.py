"""Attach the clocks to the app."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.calendars import alarms, clock_service
from qtrace.calendars.views import bp
from qtrace.core.jobs import register as register_job
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule


def register(app: Flask) -> None:
    """Attach the pages of the calendars, and ring the clocks that are due, every minute."""
    app.register_blueprint(bp)
    add_nav(app, NavItem("calendars.index", _("工作日历"), "calendar", "config.flows", group="config"))
    register_job(app, alarms.TICK, alarms.ring_due)
    register_job(app, clock_service.RESCHEDULE, clock_service.reschedule_all)
    schedule(app, alarms.TICK, timedelta(minutes=1))
