"""Attach the pages of the facts to the app."""

from flask import Flask

from qtrace.forms.scopes import register_share
from qtrace.orders.controls import register_controls
from qtrace.orders.lookups import register_lookups
from qtrace.orders.rule_facts import register_rule_facts
from qtrace.orders.scan_views import bp
from qtrace.orders.scopes import order_share


def register(app: Flask) -> None:
    """Register the controls, the answers to rules and the page that reads a photo of a code."""
    register_controls(app)
    register_lookups(app)
    register_rule_facts(app)
    app.register_blueprint(bp)
    register_share(app, order_share)
