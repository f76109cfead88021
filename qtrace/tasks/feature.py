"""Attach the to-dos."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.accounts.access import actor
from qtrace.tasks.queries import count_open
from qtrace.tasks.views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Add the home page and the to-do pages."""
    app.register_blueprint(bp)
    add_nav(app, NavItem("tasks.home", _("我的工作"), "list-todo", count=lambda: count_open(actor())))
