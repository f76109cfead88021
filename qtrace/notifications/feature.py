"""Attach the notices to the app."""

from flask import Flask

from qtrace.notifications.subscribers import subscribe_all
from qtrace.notifications.views import bell_of, bp


def register(app: Flask) -> None:
    """Listen to what people are told of, add the inbox and the bell."""
    app.register_blueprint(bp)
    app.jinja_env.globals["bell_of"] = bell_of  # asked once by the frame of whole pages
    subscribe_all(app)
