"""The token a test's browser must send, computed by the rule of `qtrace.web.csrf`."""

import hashlib
import hmac

from flask import Flask
from flask.testing import FlaskClient

from qtrace.core.ids import digest


def csrf_token_of(client: FlaskClient, app: Flask) -> str:
    """Return the token of the client's login, or of its anonymous cookie."""
    cookie = client.get_cookie("qt")
    if cookie is None:
        if client.get_cookie("qt_anon") is None:
            client.get("/login")
        anonymous = client.get_cookie("qt_anon")
        owner = f"anonymous:{anonymous.value if anonymous else ''}"
    else:
        owner = digest(cookie.value)
    assert isinstance(app.secret_key, str)
    return hmac.new(app.secret_key.encode(), f"csrf|{owner}".encode(), hashlib.sha256).hexdigest()
