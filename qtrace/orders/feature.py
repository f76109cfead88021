"""Attach what forms and rules know of the facts to the app."""

from flask import Flask

from qtrace.forms.scopes import register_share
from qtrace.orders.controls import register_controls
from qtrace.orders.lookups import register_lookups
from qtrace.orders.rule_facts import register_rule_facts
from qtrace.orders.scopes import order_share


def register(app: Flask) -> None:
    """Register the controls and the answers to rules."""
    register_controls(app)
    register_lookups(app)
    register_rule_facts(app)
    register_share(app, order_share)
