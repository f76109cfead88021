"""The background entry of imports."""

from typing import Any

from flask import current_app
from sqlalchemy import select

from qtrace.core.db import db, read
from qtrace.core.errors import DomainError
from qtrace.core.jobs import JobContext
from qtrace.core.models import JobRow
from qtrace.exchange.dropping import import_dropped
from qtrace.exchange.importing import run_import

DROP = "import-drop"


def do_import(payload: dict[str, Any], context: JobContext) -> None:
    """Do the run named by the payload; a file that cannot be read ends the run, not the job."""
    data_dir = current_app.config["QTRACE_DATA_DIR"]
    try:
        run_import(payload["run_id"], data_dir=data_dir, clock=context.clock, in_write=context.extend)
    except DomainError:
        # the run says why on its page; another try would read the same file
        return


def do_drop(_payload: dict[str, Any], context: JobContext) -> None:
    """Import what has been put into the drop folder, unless an earlier look is still at it."""
    with read():
        earlier = select(JobRow.id).where(
            JobRow.name == DROP, JobRow.state == "running", JobRow.lease_until > context.clock(), JobRow.id < context.id
        )
        busy = db.session.scalar(earlier.limit(1)) is not None
    if busy:
        return
    import_dropped(current_app.config["QTRACE_DATA_DIR"], clock=context.clock, in_write=context.extend)
