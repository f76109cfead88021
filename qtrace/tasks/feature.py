"""Attach the to-dos."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.accounts.access import actor
from qtrace.core.jobs import register as register_job
from qtrace.tasks import bulk_views, centre_views, stand_in_views
from qtrace.tasks.jobs import ENDS, tell_ends
from qtrace.tasks.queries import count_open
from qtrace.tasks.views import bp
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule

# Importing them puts their addresses on the blueprint.
PAGES = (centre_views, bulk_views, stand_in_views)
EVERY = timedelta(minutes=10)


def register(app: Flask) -> None:
    """Add the home page and the to-do pages."""
    app.register_blueprint(bp)
    app.jinja_env.globals["may_urge"] = centre_views.may_urge
    register_job(app, ENDS, tell_ends)
    schedule(app, ENDS, EVERY)
    add_nav(app, NavItem("tasks.home", _("我的工作"), "list-todo", count=lambda: count_open(actor())))
