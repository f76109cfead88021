"""Delete files nobody came back for: a photo is stored before its form is valid, and the form may never be sent again."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from qtrace.core.db import db, read, write
from qtrace.core.files import sweep
from qtrace.core.jobs import JobContext
from qtrace.core.models import StoredFileRow

JOB = "files-sweep"
EVERY = timedelta(days=1)
KEEP = timedelta(hours=48)

log = logging.getLogger("qtrace.files")


def sweep_files(_payload: dict[str, Any], context: JobContext) -> None:
    """Delete the files older than two days that no row names; whatever refers to a file refers to its row."""

    def named(ids: Sequence[str]) -> set[str]:
        with write():
            context.extend()
        with read():
            return set(db.session.scalars(select(StoredFileRow.id).where(StoredFileRow.id.in_(ids))))

    gone = sweep(current_app.config["QTRACE_DATA_DIR"], before=context.clock() - KEEP, named=named)
    if gone:
        log.info("deleted %s files of forms that were never sent again", gone)
