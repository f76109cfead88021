"""Static files under content-hashed addresses, so that browsers may keep them for ever."""

import hashlib
from pathlib import Path

from flask import Flask, Response, request, url_for

YEAR = 31_536_000


def init_assets(app: Flask) -> None:
    """Give templates `static_url(path)` and let hashed answers be kept."""
    hashes: dict[str, tuple[float, str]] = {}

    def static_url(path: str) -> str:
        file = Path(app.static_folder or "") / path
        changed = file.stat().st_mtime
        if hashes.get(path, (0.0, ""))[0] != changed:
            hashes[path] = (changed, hashlib.sha256(file.read_bytes()).hexdigest()[:12])
        return url_for("static", filename=path, v=hashes[path][1])

    app.jinja_env.globals["static_url"] = static_url
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v") and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response
