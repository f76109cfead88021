"""The only place that touches htmx-flask: whole page or piece, and the response headers of htmx 4."""

import json
from typing import Any

from flask import Flask, Response, flash, make_response, redirect, render_template, request
from htmx_flask import Htmx

_htmx = Htmx()


def init_htmx(app: Flask) -> None:
    """Give every request its `request.htmx`."""
    _htmx.init_app(app)


def wants_piece() -> bool:
    """Say whether htmx asked for a piece of a page, not for the whole page."""
    return (
        request.headers.get("HX-Request") == "true" and request.headers.get("HX-Request-Type", "partial") == "partial"
    )


def render(
    page: str, piece: str | None = None, *, status: int = 200, trigger: dict[str, Any] | None = None, **context: Any
) -> Response:
    """Render the piece for htmx and the page for everyone else; both come from the same context."""
    template = piece if piece and wants_piece() else page
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return fire(response, trigger)


def fire(response: Response, trigger: dict[str, Any] | None) -> Response:
    """Tell htmx to raise events; always a dict, written in ASCII because headers allow nothing else."""
    if trigger:
        response.headers["HX-Trigger"] = json.dumps(trigger)
    return response


def go(location: str, *, trigger: dict[str, Any] | None = None, say: str = "") -> Response:
    """Send the browser to another page of ours, with htmx or without; what is to `say` stands there once."""
    if say:
        flash(say)
    if wants_piece():
        response = make_response("", 204)
        response.headers["HX-Redirect"] = location
    else:
        response = make_response(redirect(location, code=303))
    return fire(response, trigger)
