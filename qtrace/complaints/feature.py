"""Attach complaints: what makes them, and their pages."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.classification.service import MERGED
from qtrace.complaints.intake import subscribe_all
from qtrace.complaints.rules import term_merged
from qtrace.complaints.views import bp
from qtrace.core.events import subscribe
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Listen to incoming records; add pages and menu."""
    app.register_blueprint(bp)
    subscribe_all(app)
    subscribe(app, MERGED, term_merged)
    add_nav(app, NavItem("complaints.index", _("客诉"), "message-square", "complaint.read"))
