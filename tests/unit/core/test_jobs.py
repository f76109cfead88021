"""Background jobs: leases, fencing, retries, parking, schedules."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core import jobs
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict
from qtrace.core.models import JobRow
from tests.conftest import NOW


class Watch:
    """A clock the test moves by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def add(name: str = "work", **extra: Any) -> int | None:
    with write():
        return jobs.enqueue(name, {"n": 1}, now=NOW, **extra)


def only_job() -> JobRow:
    db.session.remove()
    return db.session.scalars(select(JobRow)).one()


def test_a_job_runs_once_and_is_done(app: Flask) -> None:
    ran: list[dict[str, Any]] = []
    jobs.register(app, "work", lambda payload, _context: ran.append(payload))
    add()
    assert jobs.run_one(clock=Watch()) is True
    assert jobs.run_one(clock=Watch()) is False
    assert ran == [{"n": 1}]
    assert only_job().state == "done"


def test_a_job_of_a_rolled_back_write_does_not_exist(app: Flask) -> None:
    with pytest.raises(ValueError, match="stop"), write():
        jobs.enqueue("work", {}, now=NOW)
        raise ValueError("stop")
    assert db.session.scalars(select(JobRow)).all() == []


def test_a_dedupe_key_makes_one_job(app: Flask) -> None:
    assert add(dedupe_key="sync:1") is not None
    assert add(dedupe_key="sync:1") is None


def test_a_failing_job_is_tried_again_later_and_parked_in_the_end(app: Flask) -> None:
    def fail(_payload: dict[str, Any], _context: jobs.JobContext) -> None:
        raise RuntimeError("no luck")

    jobs.register(app, "work", fail)
    add(max_tries=3)
    watch, tries = Watch(), 0
    for _ in range(50):
        tries += jobs.run_one(clock=watch)
        watch.now += timedelta(minutes=10)
    job = only_job()
    assert (tries, job.state) == (3, "parked")
    assert "no luck" in job.error


def test_a_job_nobody_knows_is_parked_with_the_reason(app: Flask) -> None:
    add("unknown", max_tries=1)
    jobs.run_one(clock=Watch())
    assert "no handler is registered for job 'unknown'" in only_job().error


def test_a_worker_that_lost_its_lease_can_not_finish(app: Flask) -> None:
    add()
    watch = Watch()

    def slow(_payload: dict[str, Any], context: jobs.JobContext) -> None:
        watch.now += jobs.LEASE * 2
        jobs.register(app, "work", lambda _p, _c: None)
        assert jobs.run_one(clock=watch) is True  # another worker takes it over
        with pytest.raises(Conflict), write():
            context.complete()

    jobs.register(app, "work", slow)
    jobs.run_one(clock=watch)
    job = only_job()
    assert (job.state, job.token) == ("done", 2)


def test_a_job_whose_worker_always_dies_is_parked(app: Flask) -> None:
    class Killed(BaseException):
        """Stands for kill -9: nothing after it runs."""

    def die(_payload: dict[str, Any], _context: jobs.JobContext) -> None:
        raise Killed

    jobs.register(app, "work", die)
    add(max_tries=2)
    watch = Watch()
    for _ in range(2):
        with pytest.raises(Killed):
            jobs.run_one(clock=watch)
        watch.now += jobs.LEASE * 2
    jobs.run_one(clock=watch)
    assert only_job().state == "parked"


def test_a_slot_of_a_schedule_is_taken_once(app: Flask) -> None:
    with write():
        first = jobs.take_tick("remind:1", now=NOW)
    with write():
        second = jobs.take_tick("remind:1", now=NOW)
    assert (first, second) == (True, False)


def test_a_parked_job_can_be_put_back(app: Flask) -> None:
    add("unknown", max_tries=1)
    jobs.run_one(clock=Watch())
    parked = only_job()
    with write():
        jobs.retry(parked.id, now=NOW)
    assert only_job().state == "ready"
