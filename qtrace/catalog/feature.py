"""Attach the master data to the app: its controls and the pages of quality standards."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.catalog.checklist import InspectionChecklist
from qtrace.catalog.controls import register_controls
from qtrace.catalog.impact import standards_touching
from qtrace.catalog.lookups import register_lookups
from qtrace.catalog.scopes import register_scopes
from qtrace.catalog.standards_views import bp
from qtrace.forms.impact import register_impact
from qtrace.forms.registry import register_control
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register controls, pages and the menu entry."""
    register_controls(app)
    register_control(app, InspectionChecklist())
    register_scopes(app)
    register_lookups(app)
    register_impact(app, standards_touching)
    app.register_blueprint(bp)
    add_nav(app, NavItem("standards.index", _("质量标准"), "shield", "catalog.read"))
