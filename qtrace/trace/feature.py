"""Attach the trace to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.trace.scan_views import bp as scan
from qtrace.trace.views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register the pages and the menu."""
    app.register_blueprint(bp)
    app.register_blueprint(scan)
    add_nav(app, NavItem("trace.index", _("追溯"), "git-branch", "trace.read"))
