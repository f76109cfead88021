"""Attach the notices to the app."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.core.jobs import register as register_job
from qtrace.notifications import builtin
from qtrace.notifications.delivering import send_due
from qtrace.notifications.preference_views import bp as settings_pages
from qtrace.notifications.sender_views import bp as sender_pages
from qtrace.notifications.service import SPREAD
from qtrace.notifications.spreading import CLEAR, SEND, SWEEP, clear, spread_all, sweep
from qtrace.notifications.subscribers import subscribe_all
from qtrace.notifications.views import bell_of, bp
from qtrace.plugins import offer
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule


def register(app: Flask) -> None:
    """Listen to what people are told of, add the pages and the bell, offer the senders, and send."""
    offer(app, "qtrace-notices", builtin)
    app.register_blueprint(bp)
    app.register_blueprint(settings_pages)
    app.register_blueprint(sender_pages)
    add_nav(app, NavItem("senders.index", _("通知方式"), "bell", "api.manage", group="config"))
    app.jinja_env.globals["bell_of"] = bell_of  # asked once by the frame of whole pages
    subscribe_all(app)
    register_job(app, SPREAD, spread_all)
    register_job(app, SEND, send_due)
    register_job(app, SWEEP, sweep)
    schedule(app, SWEEP, timedelta(minutes=5))
    register_job(app, CLEAR, clear)
    schedule(app, CLEAR, timedelta(days=1))
