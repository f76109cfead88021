"""Background work: a job table with lease, fencing token, dedupe key, backoff and parking.

A job is enqueued in the writer's own transaction, so it exists exactly when the change does. A worker claims one job
under a lease; when it dies, the lease runs out and another worker takes the job with a higher token, after which the
first one's `complete()` is refused.
"""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import and_, func, or_, select, update

from qtrace.core.db import affected, db, insert_into, require_write, write
from qtrace.core.errors import Conflict
from qtrace.core.models import JobRow, Tick

EXTENSION = "qtrace_jobs"
LEASE = timedelta(seconds=60)
BACKOFF_SECONDS = (5, 30, 120, 600, 3600)
MAX_ERROR = 4000

log = logging.getLogger("qtrace.jobs")


@dataclass(frozen=True)
class JobContext:
    """The running job: its id and the token that proves the lease."""

    id: int
    token: int
    tries: int
    clock: Callable[[], datetime]

    def complete(self) -> None:
        """Mark the job done inside the handler's own write, so that effect and mark are one."""
        finish(self.id, self.token, now=self.clock())

    def extend(self) -> None:
        """Keep the lease while the work goes on; call it inside write()."""
        _guarded(self.id, self.token, lease_until=self.clock() + LEASE)


Handler = Callable[[dict[str, Any], JobContext], None]


def register(app: Flask, name: str, handler: Handler) -> None:
    """Name the function that does jobs called `name`."""
    app.extensions.setdefault(EXTENSION, {})[name] = handler


def enqueue(
    name: str,
    payload: dict[str, Any],
    *,
    now: datetime,
    dedupe_key: str | None = None,
    run_at: datetime | None = None,
    max_tries: int = 5,
) -> int | None:
    """Add a job to the open write; return its id, or None when the dedupe key was used before."""
    values = {
        "name": name,
        "payload": payload,
        "state": "ready",
        "run_at": run_at or now,
        "token": 0,
        "tries": 0,
        "max_tries": max_tries,
        "dedupe_key": dedupe_key,
        "error": "",
        "created_at": now,
    }
    statement = (
        insert_into(JobRow).values(**values).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(JobRow.id)
    )
    return require_write().execute(statement).scalar_one_or_none()


def run_one(*, clock: Callable[[], datetime]) -> bool:
    """Claim and run the next ready job; say whether there was one."""
    job = _claim(clock())
    if job is None:
        return False
    context = JobContext(job.id, job.token, job.tries, clock)
    handler: Handler | None = current_app.extensions.get(EXTENSION, {}).get(job.name)
    try:
        if handler is None:
            raise LookupError(f"no handler is registered for job {job.name!r}")
        handler(job.payload, context)
        _finish_if_running(context)
    except Exception:
        log.exception("job %s (%s) failed", job.id, job.name)
        _fail(job, context, traceback.format_exc())
    return True


def finish(job_id: int, token: int, *, now: datetime) -> None:
    """Mark the job done; refused when the lease passed to another worker."""
    _guarded(job_id, token, state="done", finished_at=now, lease_until=None)


def take_tick(slot: str, *, now: datetime) -> bool:
    """Take one slot of a schedule; True for exactly one caller ever."""
    statement = insert_into(Tick).values(slot=slot, at=now).on_conflict_do_nothing().returning(Tick.slot)
    return require_write().execute(statement).scalar_one_or_none() is not None


def parked(limit: int = 100) -> Sequence[JobRow]:
    """Return the jobs that failed too often and wait for the admin."""
    return db.session.scalars(
        select(JobRow).where(JobRow.state == "parked").order_by(JobRow.id.desc()).limit(limit)
    ).all()


def counts() -> dict[str, int]:
    """Return how many jobs are in each state."""
    rows = db.session.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
    return dict(rows.all())


def retry(job_id: int, *, now: datetime) -> None:
    """Put a parked job back in the queue with fresh tries."""
    parked_job = update(JobRow).where(JobRow.id == job_id, JobRow.state == "parked")
    if not affected(parked_job.values(state="ready", tries=0, run_at=now, error="")):
        raise Conflict("这个后台任务已经不在停放状态,请刷新页面。")


def _claim(now: datetime) -> JobRow | None:
    with write() as session:
        ready = or_(
            and_(JobRow.state == "ready", JobRow.run_at <= now),
            and_(JobRow.state == "running", JobRow.lease_until < now),
        )
        pick = (
            select(JobRow.id).where(ready).order_by(JobRow.run_at, JobRow.id).limit(1).with_for_update(skip_locked=True)
        )
        job_id = session.execute(pick).scalar_one_or_none()
        if job_id is None:
            return None
        statement = (
            update(JobRow)
            .where(JobRow.id == job_id)
            .values(state="running", token=JobRow.token + 1, tries=JobRow.tries + 1, lease_until=now + LEASE)
            .returning(JobRow)
        )
        job = session.execute(statement).scalar_one()
        if job.tries > job.max_tries:
            job.state, job.error = "parked", job.error or "the worker died on every try"
            return None
        session.flush()
        session.expunge(job)
        return job


def _finish_if_running(context: JobContext) -> None:
    with write() as session:
        state = session.execute(select(JobRow.state).where(JobRow.id == context.id)).scalar_one()
        if state == "running":
            context.complete()


def _fail(job: JobRow, context: JobContext, error: str) -> None:
    now = context.clock()
    final = job.tries >= job.max_tries
    delay = timedelta(seconds=BACKOFF_SECONDS[min(job.tries, len(BACKOFF_SECONDS)) - 1])
    try:
        with write():
            _guarded(
                job.id,
                job.token,
                state="parked" if final else "ready",
                run_at=now + delay,
                error=error[-MAX_ERROR:],
                lease_until=None,
            )
    except Conflict:
        log.warning("job %s was already taken over; its failure is not stored", job.id)


def _guarded(job_id: int, token: int, **values: Any) -> None:
    statement = (
        update(JobRow).where(JobRow.id == job_id, JobRow.token == token, JobRow.state == "running").values(**values)
    )
    if not affected(statement):
        raise Conflict(f"the lease of job {job_id} has passed to another worker")
