"""Attach the connected shops."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.channels.jobs import sync_account, sync_due
from qtrace.channels.service import SYNC_JOB
from qtrace.channels.views import bp
from qtrace.core.jobs import register as register_job
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule

DUE_JOB = "channels-sync"
EVERY = timedelta(minutes=5)


def register(app: Flask) -> None:
    """Add the pages, the sync job and its schedule."""
    app.register_blueprint(bp)
    add_nav(app, NavItem("channels.index", _("店铺/ERP 对接"), "plug", "channels.manage", group="config"))
    register_job(app, SYNC_JOB, sync_account)
    register_job(app, DUE_JOB, sync_due)
    schedule(app, DUE_JOB, EVERY)
