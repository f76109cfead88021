"""Everything the product consists of, in the order of the menu."""

from flask import Flask

from qtrace.accounts import feature as accounts
from qtrace.setup import feature as setup


def register(app: Flask) -> None:
    """Attach every feature to the app."""
    accounts.register(app)
    setup.register(app)
