"""Attach the print pages."""

from flask import Flask

from qtrace.printing.views import bp


def register(app: Flask) -> None:
    """Add the issue report."""
    app.register_blueprint(bp)
