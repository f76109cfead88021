"""Load plugins into a manager of their own per app."""

from flask import Flask


def init_plugins(app: Flask) -> None:
    """Prepare the plugin manager."""
    app.extensions["qtrace_plugins"] = []
