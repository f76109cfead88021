"""Attach the issues to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.calendars.alarms import before_ringing, register_holders
from qtrace.complaints.platform import handlers, named_cases
from qtrace.flows.condition_fields import register_condition_fields
from qtrace.flows.gates import register_watch
from qtrace.flows.subjects import register_flow_subject
from qtrace.forms.impact import register_impact
from qtrace.forms.seed import ISSUE_FORM
from qtrace.forms.sources import register_source
from qtrace.forms.vocabulary import register_columns
from qtrace.issues import (
    capture,
    clock_config_views,
    clock_sentences,
    clock_views,
    decisions,
    flow_steps,
    held_photos,
    remark_views,
)
from qtrace.issues.clock_sync import follow_history
from qtrace.issues.clocks import clock_card, holders
from qtrace.issues.controls import register_controls
from qtrace.issues.fields import FORM_COLUMNS
from qtrace.issues.flow_fields import issue_groups, seen_issue
from qtrace.issues.flow_subject import IssueSubject
from qtrace.issues.form_impact import views_touching
from qtrace.issues.form_source import IssueSource
from qtrace.issues.opening import subscribe_all as subscribe_opening
from qtrace.issues.panels import register_panel
from qtrace.issues.platform_clocks import follow_platform
from qtrace.issues.rule_facts import IssueFacts, missing_to_leave_stages
from qtrace.issues.stages import stage_names
from qtrace.issues.subscribers import subscribe_all
from qtrace.issues.views import bp
from qtrace.notifications.service import register_cases
from qtrace.rules.facts import register_facts, register_stages
from qtrace.web.pages import NavItem, add_nav

# Importing them puts their addresses on the blueprint.
PAGES = (capture, clock_views, decisions, remark_views)


def register(app: Flask) -> None:
    """Register pages, menu, form columns and subscribers."""
    app.register_blueprint(bp)
    app.register_blueprint(clock_config_views.bp)
    register_controls(app)
    register_columns(app, ISSUE_FORM, FORM_COLUMNS)
    register_facts(app, "issue", IssueFacts())
    register_impact(app, views_touching)
    register_watch(app, "issue", missing_to_leave_stages)
    register_flow_subject(app, "issue", IssueSubject())
    register_condition_fields(app, "issue", issue_groups, seen_issue)
    register_source(app, ISSUE_FORM, IssueSource())
    register_stages(app, "issue", lambda: [(key, stage.label) for key, stage in stage_names().items()])
    subscribe_all(app)
    subscribe_opening(app)
    held_photos.register(app)
    flow_steps.register(app)
    register_panel(app, "side", clock_card, order=5)
    clock_sentences.register(app)
    before_ringing(app, follow_history)
    before_ringing(app, follow_platform)
    register_holders(app, "complaint", handlers)
    register_cases(app, "complaint", named_cases)
    register_holders(app, "issue", holders)
    add_nav(app, NavItem("issues.index", _("质量问题"), "alert-triangle", "issue.read"))
    add_nav(app, NavItem("clock_pages.index", _("时限"), "clock", "config.flows", group="config"))
