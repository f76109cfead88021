"""Attach the records to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.core.jobs import register as register_job
from qtrace.flows.condition_fields import register_condition_fields
from qtrace.flows.subjects import register_flow_subject
from qtrace.forms.controls.compute import register_linked, register_lookup
from qtrace.forms.controls.relation import register_links
from qtrace.forms.registry import register_control
from qtrace.forms.service import REINDEX
from qtrace.forms.sources import FREE, register_source
from qtrace.records import flow, flow_steps, rolling, terms
from qtrace.records.flow_fields import record_groups, seen_record
from qtrace.records.flow_subject import RecordSubject
from qtrace.records.flow_views import describe_tasks
from qtrace.records.flow_views import settings as flow_settings
from qtrace.records.jobs import reindex
from qtrace.records.linking import TAKEN, RecordLinks
from qtrace.records.public_views import bp as public_bp
from qtrace.records.related import RelatedList
from qtrace.records.rolling import LinkingRecords
from qtrace.records.rule_facts import RecordFacts
from qtrace.records.sources import RecordSource
from qtrace.records.views import bp
from qtrace.rules.facts import register_facts
from qtrace.tasks.subjects import register_subject
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register pages, menu and the job; let mergers of terms reach records."""
    terms.register(app)
    register_links(app, RecordLinks())
    register_lookup(app, "link", TAKEN)
    register_control(app, RelatedList())
    register_linked(app, LinkingRecords())
    rolling.register(app)
    app.register_blueprint(bp)
    app.register_blueprint(public_bp)
    app.register_blueprint(flow_settings)
    flow.register(app)
    flow_steps.register(app)
    register_subject(app, "record", describe_tasks, name=_("表单记录"))
    register_job(app, REINDEX, reindex)
    register_flow_subject(app, "record", RecordSubject())
    register_condition_fields(app, "record", record_groups, seen_record)
    register_source(app, FREE, RecordSource())
    register_facts(app, "*", RecordFacts())
    add_nav(app, NavItem("records.index", _("表单记录"), "clipboard-list", "record.read"))
