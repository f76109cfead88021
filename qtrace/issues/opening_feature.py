"""Attach the rules page and the steps that move complaints between issues."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.issues import terms
from qtrace.issues.opening_rule_views import bp as rules_bp
from qtrace.issues.opening_views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register pages and menu; follow merged terms."""
    app.register_blueprint(bp)
    app.register_blueprint(rules_bp)
    terms.register(app)
    add_nav(app, NavItem("rules.index", _("立案规则"), "sliders", "config.rules", group="config"))
