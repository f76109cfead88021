"""Attach the records to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.records.views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register pages and menu."""
    app.register_blueprint(bp)
    add_nav(app, NavItem("records.index", _("表单记录"), "clipboard-list", "record.read"))
