"""Attach the boards: their pages and their place in the menu."""

from flask import Flask
from flask_babel import lazy_gettext as _l

from qtrace.forms.impact import register_impact
from qtrace.reports.impact import boards_touching
from qtrace.reports.record_views import bp as record_bp
from qtrace.reports.views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Add pages, menu and what a change of the issue form touches."""
    app.register_blueprint(bp)
    app.register_blueprint(record_bp)
    register_impact(app, boards_touching)
    add_nav(app, NavItem("reports.board", _l("看板"), "bar-chart", "board.read"))
