"""Attach the pages of the facts to the app."""

from flask import Flask

from qtrace.orders.controls import register_controls
from qtrace.orders.scan_views import bp


def register(app: Flask) -> None:
    """Register the controls and the page that reads a photo of a code."""
    register_controls(app)
    app.register_blueprint(bp)
