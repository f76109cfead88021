"""Waiting for another system: the signed address it answers at, once."""

from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from qtrace.core.errors import Conflict, NotFound
from qtrace.flows.standing import go_on, standing

SALT = "flow-callback"


def callback_url(instance_id: int, token: int) -> str:
    """Return the address at which another system says how it went: POST {"passed": true, "note": ""}, once."""
    signed = URLSafeSerializer(str(current_app.secret_key), salt=SALT).dumps([instance_id, token])
    return f"{current_app.config['QTRACE_BASE_URL']}/in/flows/{signed}"


def answer_callback(signed: str, *, passed: bool, note: str, now: datetime) -> None:
    """Let the case go on that waits for this answer; NotFound for a wrong address, Conflict where it waits no more."""
    try:
        instance_id, token = URLSafeSerializer(str(current_app.secret_key), salt=SALT).loads(signed)
    except (BadSignature, ValueError, TypeError):
        raise NotFound from None
    found = standing(instance_id, token, now)
    if found is None or found.node.kind != "auto":
        raise Conflict(_("这件事已经不在等这个答复。"))
    go_on(found, passed=passed, note=note)
