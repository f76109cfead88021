"""Attach the taxonomies to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.classification.views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register the page and its menu entry."""
    app.register_blueprint(bp)
    add_nav(app, NavItem("taxonomies.index", _("分类"), "tag", "config.rules", group="config"))
