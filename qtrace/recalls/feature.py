"""Attach holds and recalls to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.recalls import hold_views, letter_views, queries, views
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register the pages and the menu."""
    app.register_blueprint(views.bp)
    app.register_blueprint(hold_views.bp)
    app.register_blueprint(letter_views.bp)
    app.jinja_env.globals["holds_on"] = queries.holds_on  # the trace of a lot says whether it is held
    add_nav(app, NavItem("recalls.index", _("召回与冻结"), "ban", "trace.read"))
