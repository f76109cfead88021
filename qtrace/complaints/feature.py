"""Attach complaints: what makes them."""

from flask import Flask

from qtrace.complaints.intake import subscribe_all


def register(app: Flask) -> None:
    """Listen to incoming records."""
    subscribe_all(app)
