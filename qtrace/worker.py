"""The background worker: runs jobs, fires schedules, tells that it is alive."""

import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from types import FrameType

from flask import Flask
from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError

from qtrace.core import clock
from qtrace.core.db import insert_into, write
from qtrace.core.jobs import enqueue, run_one, take_tick
from qtrace.core.models import Heartbeat, JobRow, Tick

EXTENSION = "qtrace_schedules"
POLL_SECONDS = 0.5
HEARTBEAT = timedelta(seconds=20)
KEEP_DONE = timedelta(days=14)

log = logging.getLogger("qtrace.worker")


@dataclass(frozen=True)
class Schedule:
    """A job that is due once in every slot of `every`."""

    name: str
    every: timedelta


def schedule(app: Flask, name: str, every: timedelta) -> None:
    """Enqueue the job `name` once per slot, however many workers run."""
    app.extensions.setdefault(EXTENSION, []).append(Schedule(name, every))


def work(app: Flask, *, stop: Event | None = None, sleep: Callable[[float], object] = time.sleep) -> None:
    """Run jobs until stopped; a database that is away for a moment is waited for."""
    stop = stop or _stop_on_signal()
    beat_at: datetime | None = None
    while not stop.is_set():
        busy = False
        try:
            with app.app_context():
                now = clock.now()
                if beat_at is None or now - beat_at >= HEARTBEAT:
                    beat(now)
                    fire_schedules(app, now)
                    beat_at = now
                busy = run_one(clock=clock.now)
        except DBAPIError:
            log.exception("the database did not answer; trying again")
        if not busy:
            sleep(POLL_SECONDS)


def beat(now: datetime) -> None:
    """Note that the worker is alive and clear away what is long done."""
    detail = f"pid {os.getpid()}"
    statement = insert_into(Heartbeat).values(name="worker", at=now, detail=detail)
    with write() as session:
        session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now, "detail": detail}))
        session.execute(delete(JobRow).where(JobRow.state == "done", JobRow.finished_at < now - KEEP_DONE))
        session.execute(delete(Tick).where(Tick.at < now - KEEP_DONE))


def fire_schedules(app: Flask, now: datetime) -> None:
    """Enqueue every schedule whose slot nobody has taken yet."""
    for item in app.extensions.get(EXTENSION, ()):
        slot = int(now.timestamp() // item.every.total_seconds())
        with write():
            if take_tick(f"{item.name}:{slot}", now=now):
                enqueue(item.name, {}, now=now)


def _stop_on_signal() -> Event:
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop
