"""Attach holds and recalls to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.recalls import hold_views, views
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register the pages and the menu."""
    app.register_blueprint(views.bp)
    app.register_blueprint(hold_views.bp)
    add_nav(app, NavItem("recalls.index", _("召回与冻结"), "shield", "trace.read"))
