"""Everything the product consists of: blueprints, menu, job handlers and event subscribers, in one list."""

from flask import Flask

from qtrace.accounts.views import bp as accounts_bp


def register(app: Flask) -> None:
    """Attach every feature to the app."""
    app.register_blueprint(accounts_bp)
