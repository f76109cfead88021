"""Static files under content-hashed addresses, so that browsers may keep them for ever."""

import hashlib
from pathlib import Path

from flask import Flask, Response, request, url_for

YEAR = 31_536_000


def init_assets(app: Flask) -> None:
    """Give templates `static_url(path)` and let hashed answers be kept."""
    urls: dict[tuple[str, str], str] = {}

    def static_url(path: str) -> str:
        key = (request.script_root if request else "", path)
        if key not in urls or app.debug:  # files change under a developer, not under a running site
            content = (Path(app.static_folder or "") / path).read_bytes()
            urls[key] = url_for("static", filename=path, v=hashlib.sha256(content).hexdigest()[:12])
        return urls[key]

    app.jinja_env.globals["static_url"] = static_url
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v") and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
