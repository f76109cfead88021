"""Attach the flows to the app."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.core import events
from qtrace.core.jobs import register as register_job
from qtrace.flows import (
    design_views,
    exchange_views,
    mention_views,
    move_views,
    nodes,
    parts,
    publish_views,
    simulate_views,
    start_views,
    steps,
    subscribers,
    timers,
    todos,
    verifying,
)
from qtrace.flows.address_views import bp as addresses
from qtrace.flows.callback_views import bp as callbacks
from qtrace.flows.case_views import bp as cases
from qtrace.flows.impact import flows_touching
from qtrace.flows.performing import STEP
from qtrace.flows.starters import starters_of
from qtrace.flows.views import bp
from qtrace.forms.impact import register_impact
from qtrace.notifications.links import decide_at
from qtrace.notifications.service import register_starters
from qtrace.plugins import offer
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule

# Importing them puts their addresses on the blueprint.
PAGES = (design_views, exchange_views, mention_views, move_views, publish_views, simulate_views, start_views)


def register(app: Flask) -> None:
    """Let flows follow what happens to to-dos and people, do what is due, and show them to who keeps them."""
    app.register_blueprint(bp)
    register_impact(app, flows_touching)
    register_starters(app, starters_of)
    todos.register(app)
    app.register_blueprint(cases)
    app.register_blueprint(callbacks)
    app.register_blueprint(addresses)
    parts.register(app)
    register_job(app, STEP, steps.run_step)
    offer(app, "qtrace-flows", nodes)
    decide_at(app, "cases.decision_show")
    for name, follow in subscribers.FOLLOW.items():
        events.subscribe(app, name, follow)
    register_job(app, timers.TICK, timers.run_due)
    schedule(app, timers.TICK, timedelta(minutes=1))
    register_job(app, verifying.TICK, verifying.run_verify)
    schedule(app, verifying.TICK, timedelta(hours=1))
    add_nav(app, NavItem("flows.index", _("流程"), "workflow", "config.flows", group="config"))
    add_nav(app, NavItem("flow_addresses.index", _("外部地址"), "link", "api.manage", group="config"))
