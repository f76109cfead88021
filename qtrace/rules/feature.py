"""Attach the rules to the app."""

from flask import Flask

from qtrace.forms.impact import register_impact
from qtrace.plugins import offer
from qtrace.rules import builtin
from qtrace.rules.impact import rules_touching
from qtrace.rules.views import bp


def register(app: Flask) -> None:
    """Offer the product's own kinds of rules and register the pages."""
    offer(app, "qtrace-rules", builtin)
    app.register_blueprint(bp)
    register_impact(app, rules_touching)
