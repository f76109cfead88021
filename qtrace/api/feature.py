"""Attach the API to the app."""

from datetime import timedelta

from flask import Flask, Response, g
from flask_babel import lazy_gettext as _

from qtrace.accounts.access import load_by
from qtrace.api import complaints, forms, goods, issues, openapi, records, reports, tasks, tracing
from qtrace.api.answers import FORGET, claim_in_write, forget_old
from qtrace.api.blueprint import PREFIX, bp
from qtrace.api.delivering import SWEEP, deliver, sweep
from qtrace.api.operation import load_by_token
from qtrace.api.problems import language, tell
from qtrace.api.token_views import bp as token_pages
from qtrace.api.tokens import mark_used
from qtrace.api.webhook_views import bp as webhook_pages
from qtrace.api.webhooks import DELIVER, hear
from qtrace.core import clock, events
from qtrace.core.db import on_write
from qtrace.core.jobs import register as register_job
from qtrace.web.errors import tell_errors
from qtrace.web.pages import NavItem, add_nav, language_by
from qtrace.worker import schedule

# Importing them puts their addresses on the blueprint.
ENDPOINTS = (complaints, forms, goods, issues, openapi, records, reports, tasks, tracing)


def register(app: Flask) -> None:
    """Register the endpoints, who may use them, how errors are told, and the clearing of old answers."""
    app.register_blueprint(bp)
    app.register_blueprint(token_pages)
    app.register_blueprint(webhook_pages)
    add_nav(app, NavItem("webhooks.index", _("接口与推送"), "send", "api.manage", group="config"))
    load_by(app, bp.name, load_by_token)
    language_by(app, bp.name, language)
    tell_errors(app, f"{PREFIX}/", tell)
    on_write(app, claim_in_write)
    register_job(app, FORGET, forget_old)
    schedule(app, FORGET, timedelta(hours=1))
    events.subscribe(app, "*", hear)
    register_job(app, DELIVER, deliver)
    register_job(app, SWEEP, sweep)
    schedule(app, SWEEP, timedelta(days=1))


@bp.after_request
def note_used(response: Response) -> Response:
    """Note after the answer that the token is in use."""
    token = g.get("api_token")
    if token is not None:
        mark_used(token.id, token.last_used_at, now=clock.now())
    return response
