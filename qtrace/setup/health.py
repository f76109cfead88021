"""Is the site alive, and is it ready."""

import shutil
from datetime import timedelta
from pathlib import Path

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import select

from qtrace.accounts.access import public
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.core.models import Heartbeat
from qtrace.setup.database import status

bp = Blueprint("health", __name__)
WORKER_LATE = timedelta(seconds=90)
MIN_FREE_BYTES = 200 * 1024 * 1024


@bp.get("/healthz")
@public
def healthz() -> Response:
    """Answer that the process is alive."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """Check database, migrations, disk and worker; 503 with the failing checks when one fails."""
    checks = readiness()
    good = all(checks.values())
    return jsonify(status="ok" if good else "not ready", checks=checks), 200 if good else 503


def readiness() -> dict[str, bool]:
    """Return each check by name and whether it passed."""
    beat = db.session.scalar(select(Heartbeat.at).where(Heartbeat.name == "worker"))
    current, wanted = status()
    data_dir: Path = current_app.config["QTRACE_DATA_DIR"]
    return {
        "database": True,
        "migrations": current == wanted,
        "disk": shutil.disk_usage(data_dir).free > MIN_FREE_BYTES,
        "worker": beat is not None and clock.now() - beat < WORKER_LATE,
    }
