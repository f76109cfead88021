"""Attach the rules to the app."""

from flask import Flask

from qtrace.plugins import offer
from qtrace.rules import builtin


def register(app: Flask) -> None:
    """Offer the product's own kinds of rules."""
    offer(app, "qtrace-rules", builtin)
