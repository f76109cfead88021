"""Static files under content-hashed addresses, so that browsers may keep them for ever."""

import hashlib
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

YEAR = 31_536_000
URLS = "qtrace_static_urls"


def init_assets(app: Flask) -> None:
    """Give templates `static_url(path)` and let hashed answers be kept."""
    app.extensions[URLS] = {}
    app.jinja_env.globals["static_url"] = static_url
    app.after_request(_keep)


def static_url(path: str) -> str:
    """Return the address of a static file with the hash of its content."""
    urls: dict[tuple[str, str], str] = current_app.extensions[URLS]
    key = (request.script_root if request else "", path)
    if key not in urls or current_app.debug:  # files change under a developer, not under a running site
        content = (Path(current_app.static_folder or "") / path).read_bytes()
        urls[key] = url_for("static", filename=path, v=hashlib.sha256(content).hexdigest()[:12])
    return urls[key]


def _keep(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v") and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
