"""Attach the forms to the app."""

from collections.abc import Sequence

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.accounts.queries import departments
from qtrace.core.jobs import register as register_job
from qtrace.forms import design_views, feedback_views, held, held_views, link_views, publish_views, scope_views
from qtrace.forms.control_views import bp as controls_bp
from qtrace.forms.controls import register_controls
from qtrace.forms.impact import fields_touching, links_touching, register_impact
from qtrace.forms.scopes import ScopeKind, register_scope
from qtrace.forms.views import bp
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule

# Importing them puts their addresses on the blueprint.
PAGES = (design_views, feedback_views, held_views, link_views, publish_views, scope_views)


def register(app: Flask) -> None:
    """Register the base controls, the pages and the menu entry."""
    register_controls(app)
    app.register_blueprint(bp)
    app.register_blueprint(controls_bp)
    app.jinja_env.globals["held_draft"] = held_views.held_draft
    register_impact(app, fields_touching)
    register_impact(app, links_touching)
    register_scope(app, ScopeKind("department", _("部门"), _departments))
    register_job(app, held.JOB, held.clear_drafts)
    schedule(app, held.JOB, held.EVERY)
    add_nav(app, NavItem("forms.form_list", _("表单"), "clipboard-list", "config.forms", group="config"))


def _departments() -> Sequence[tuple[str, str]]:
    return [(str(department.id), department.name) for department in departments()]
