"""Attach complaints: what makes them, and their pages."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.classification.places import register_places
from qtrace.complaints import flow_starts, flow_steps, flow_views
from qtrace.complaints.flow import describe_tasks
from qtrace.complaints.flow_fields import complaint_groups, seen_complaint
from qtrace.complaints.flow_subject import ComplaintSubject
from qtrace.complaints.intake import subscribe_all
from qtrace.complaints.rules import MENTION
from qtrace.complaints.scopes import complaint_share
from qtrace.complaints.views import bp
from qtrace.flows.condition_fields import register_condition_fields
from qtrace.flows.subjects import register_flow_subject
from qtrace.forms.remarks import register_remark_page
from qtrace.forms.scopes import register_share
from qtrace.tasks.subjects import register_subject
from qtrace.web.pages import NavItem, add_nav

# Importing it puts its addresses on the blueprint.
PAGES = (flow_views,)


def register(app: Flask) -> None:
    """Listen to incoming records; add pages and menu."""
    app.register_blueprint(bp)
    register_share(app, complaint_share)
    register_remark_page(app, "complaint", _("登记客诉"))
    subscribe_all(app)
    flow_starts.register(app)
    flow_steps.register(app)
    register_subject(app, "complaint", describe_tasks)
    register_flow_subject(app, "complaint", ComplaintSubject())
    register_condition_fields(app, "complaint", complaint_groups, seen_complaint)
    register_places(app, labels={"complaint": _("客诉"), "intake_rule": _("收件规则")}, mentions=[MENTION])
    add_nav(app, NavItem("complaints.index", _("客诉"), "message-square", "complaint.read"))
