"""Attach the accounts pages."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.accounts.members import bp as members_bp
from qtrace.accounts.views import bp as accounts_bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Add log-in, one's own account and the members' pages."""
    app.register_blueprint(accounts_bp)
    app.register_blueprint(members_bp)
    add_nav(
        app,
        NavItem("members.me", _("我的账号"), "user", group="more"),
        NavItem("members.index", _("成员与权限"), "users", "users.manage", group="config"),
    )
