"""Attach the investigation: gates of the flow, cards and forms of the issue page, facts of its to-dos."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.classification.places import register_places
from qtrace.flows.gates import register_gate
from qtrace.flows.verifying import register_judge
from qtrace.investigation import flow_steps, panels, sentences, subscribers
from qtrace.investigation.controls import register_controls
from qtrace.investigation.gates import GATES
from qtrace.investigation.judging import judge
from qtrace.investigation.queries import issue_facts, issue_severities
from qtrace.investigation.views import bp
from qtrace.issues.panels import register_panel
from qtrace.tasks.subjects import register_subject


def register(app: Flask) -> None:
    """Add gates, cards, forms and the timeline's sentences."""
    app.register_blueprint(bp)
    register_controls(app)
    for name, gate in GATES.items():
        register_gate(app, name, gate)
    register_panel(app, "main", panels.responsibility, order=10)
    register_panel(app, "main", panels.whys, order=20)
    register_panel(app, "main", panels.actions, order=30)
    register_panel(app, "main", panels.effect, order=40)
    register_panel(app, "side", panels.costs, order=50)
    register_places(app, labels={"responsibility": _("责任划分")})
    sentences.register(app)
    subscribers.subscribe_all(app)
    flow_steps.register(app)
    register_subject(app, "issue", issue_facts, name=_("质量问题"), severities=issue_severities)
    register_judge(app, "issue", judge)
