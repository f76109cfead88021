"""Where another system says how it went: a signed address, used once."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from qtrace.accounts.access import public
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, NotFound
from qtrace.flows.callbacks import answer_callback
from qtrace.web.limits import limited

bp = Blueprint("flow_callbacks", __name__)


@bp.post("/in/flows/<signed>")
@public
@limited("api")
def receive(signed: str) -> tuple[Response, int]:
    """Take the answer a case waits for: {"passed": true or false, "note": text}."""
    sent: Any = request.get_json(silent=True)
    if not isinstance(sent, dict) or not isinstance(sent.get("passed"), bool):
        return jsonify(error='send JSON: {"passed": true or false, "note": "…"}'), 422
    note = sent.get("note", "")
    try:
        with write():
            answer_callback(signed, passed=sent["passed"], note=note if isinstance(note, str) else "", now=clock.now())
    except NotFound:
        return jsonify(error="no such address"), 404
    except Conflict as over:
        return jsonify(error=over.message), 409
    return jsonify(ok=True), 200


receive.csrf_exempt = True  # type: ignore[attr-defined]  # the signed address is the proof
