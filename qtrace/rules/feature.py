"""Attach the rules to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.forms.impact import register_impact
from qtrace.plugins import offer
from qtrace.rules import builtin
from qtrace.rules.impact import rules_touching
from qtrace.rules.rule_views import bp as pages
from qtrace.rules.views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Offer the product's own kinds of rules and register the pages."""
    offer(app, "qtrace-rules", builtin)
    app.register_blueprint(bp)
    app.register_blueprint(pages)
    add_nav(app, NavItem("rule_pages.index", _("校验规则"), "list-checks", "config.rules", group="config"))
    register_impact(app, rules_touching)
