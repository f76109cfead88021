"""Attach the print pages."""

from flask import Flask

from qtrace.forms.impact import register_impact
from qtrace.printing.impact import prints_touching
from qtrace.printing.views import bp


def register(app: Flask) -> None:
    """Add the issue report and what a change of the issue form touches."""
    app.register_blueprint(bp)
    register_impact(app, prints_touching)
