"""Attach inspections to the app: their pages, the menu, and what the page of an issue says of them."""

from flask import Flask, render_template
from flask_babel import lazy_gettext as _
from markupsafe import Markup

from qtrace.accounts.models import User
from qtrace.inspections import words
from qtrace.inspections.plan_views import bp as plan_bp
from qtrace.inspections.queries import inspections_of_issue
from qtrace.inspections.views import bp
from qtrace.issues.models import Issue
from qtrace.issues.panels import register_panel
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register pages, menu entries and the panel of an issue."""
    app.register_blueprint(bp)
    app.register_blueprint(plan_bp)
    app.jinja_env.globals["inspection_words"] = words
    register_panel(app, "side", _panel, order=40)
    add_nav(app, NavItem("inspections.index", _("检验"), "clipboard-check", "inspection.read"))
    add_nav(
        app, NavItem("inspection_plans.index", _("检验方案"), "clipboard-check", "config.inspections", group="config")
    )


def _panel(issue: Issue, user: User) -> Markup:
    """Return which inspection an issue came from, for those who may see inspections."""
    found = inspections_of_issue(issue.id) if user.can("inspection.read") else ()
    return Markup(render_template("inspections/_panel.html", inspections=found)) if found else Markup()  # noqa: S704 -- a rendered template is escaped
