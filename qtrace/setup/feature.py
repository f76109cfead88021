"""Attach the first-run, status, audit and health pages, and the clearing of the file store."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.core.jobs import register as register_job
from qtrace.setup import abandoned, configured
from qtrace.setup.health import bp as health_bp
from qtrace.setup.tour import bp as tour_bp
from qtrace.setup.tour import is_demo
from qtrace.setup.transfer_views import bp as transfer_bp
from qtrace.setup.views import bp as setup_bp
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule


def register(app: Flask) -> None:
    """Add the operator's pages and the daily clearing of the file store."""
    register_job(app, abandoned.JOB, abandoned.sweep_files)
    schedule(app, abandoned.JOB, abandoned.EVERY)
    app.register_blueprint(health_bp)
    app.register_blueprint(setup_bp)
    app.register_blueprint(tour_bp)
    app.register_blueprint(transfer_bp)
    configured.register(app)
    add_nav(
        app,
        NavItem("tour.show", _("导览"), "help-circle", group="more", shown=is_demo),
        NavItem("transfer.show", _("配置文件"), "file-text", "config.forms", group="config"),
        NavItem("setup.status", _("系统状态"), "settings", "jobs.manage", group="config"),
        NavItem("setup.audit", _("审计记录"), "shield", "audit.read", group="config"),
    )
