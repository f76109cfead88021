"""Photos of forms nobody sent again."""

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.files import open_path, store
from qtrace.core.jobs import run_one
from qtrace.issues.remarks import attach_file, detach_file
from qtrace.models import metadata
from qtrace.setup.abandoned import KEEP
from qtrace.worker import fire_schedules
from tests.conftest import NOW
from tests.factories.issues import make_issue


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock stand at NOW."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


def work_through(app: Flask) -> None:
    """Fire what is due and run every job."""
    fire_schedules(app, NOW)
    while run_one(clock=lambda: NOW):
        pass


def test_the_daily_job_deletes_abandoned_photos_and_nothing_a_row_names(app: Flask, tmp_path: Path) -> None:
    issue = make_issue()
    files = [store(io.BytesIO(b"x"), display_name="a.jpg", data_dir=tmp_path) for _n in range(4)]
    attached, detached, abandoned, young = files
    with write():
        attach_file(issue.id, attached, by=1, now=NOW)
        gone = attach_file(issue.id, detached, by=1, now=NOW)
    with write():
        detach_file(issue.id, gone, by=1, now=NOW)
    long_ago = (NOW - KEEP - timedelta(minutes=1)).timestamp()
    for file in (attached, detached, abandoned):
        os.utime(open_path(file.id, data_dir=tmp_path), (long_ago, long_ago))
    work_through(app)
    left = {path.name for path in (tmp_path / "files").glob("*/*")}
    assert left == {attached.id, detached.id, young.id}


def test_whatever_refers_to_a_file_refers_to_its_row() -> None:
    """The sweep asks one table only."""
    referring = [column for table in metadata.tables.values() for column in table.columns if "file_id" in column.name]
    assert len(referring) >= 3
    for column in referring:
        assert [key.target_fullname for key in column.foreign_keys] == ["stored_file.id"], column
