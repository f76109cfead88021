"""Attach the flows to the app."""

from datetime import timedelta

from flask import Flask

from qtrace.core import events
from qtrace.core.jobs import register as register_job
from qtrace.flows import subscribers, timers, todos, verifying
from qtrace.flows.impact import flows_touching
from qtrace.forms.impact import register_impact
from qtrace.worker import schedule


def register(app: Flask) -> None:
    """Let flows follow what happens to to-dos and people, and do what is due."""
    register_impact(app, flows_touching)
    todos.register(app)
    for name, follow in subscribers.FOLLOW.items():
        events.subscribe(app, name, follow)
    register_job(app, timers.TICK, timers.run_due)
    schedule(app, timers.TICK, timedelta(minutes=1))
    register_job(app, verifying.TICK, verifying.run_verify)
    schedule(app, verifying.TICK, timedelta(hours=1))
