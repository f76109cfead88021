"""Rate limits: nobody's runaway script takes the site from the others, and everybody is told when to come back.

What costs much or guards a password is counted in the database, exactly, over all processes. What people do all day
(search, save, look at photos) is counted in the memory of each process: that costs no statement, a site of n web
processes lets through at most n times the limit, and those limits are far above what hands can do.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from flask_babel import ngettext
from sqlalchemy import delete

from qtrace.core import clock
from qtrace.core.db import insert_into, write
from qtrace.core.errors import TooMany
from qtrace.core.models import RateCount
from qtrace.web.marks import mark, marked

View = TypeVar("View", bound=Callable[..., Any])

MEMORY = "qtrace_limit_counts"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
SEARCH_BOX = "q"


@dataclass(frozen=True)
class Limit:
    """How many tries a person (or, before the login, an address) has in a span of seconds."""

    tries: int
    seconds: int
    covers: str
    shared: bool = False  # counted in the database, over all processes


LIMITS = {
    "login-account": Limit(5, 60, "logins as one account", shared=True),
    "login-ip": Limit(20, 60, "logins from one address", shared=True),
    "api-token": Limit(20, 60, "API requests with a token that opens nothing, from one address", shared=True),
    "upload": Limit(60, 60, "requests that carry a file", shared=True),
    "import": Limit(120, 3600, "files sent to be imported, and dry runs repeated for real", shared=True),
    "public-open": Limit(60, 60, "public forms opened from one address"),
    "public-send": Limit(20, 600, "public forms sent from one address", shared=True),
    "public-link": Limit(120, 600, "public forms sent through one link", shared=True),
    "print": Limit(120, 3600, "PDF files made", shared=True),
    "scan": Limit(30, 60, "photos read for codes", shared=True),
    "notice-test": Limit(10, 600, "test notices and trial calls sent", shared=True),
    "export": Limit(60, 3600, "files with many records downloaded"),
    "file": Limit(600, 60, "photos and files of records shown"),
    "search": Limit(240, 60, "searches and look-ups of a number"),
    "api": Limit(600, 60, "requests to the API"),
    "public-check": Limit(120, 60, "checks of a public form while it is filled in, from one address"),
    "write": Limit(1200, 60, "everything else that saves: new records, comments, decisions, settings"),
}


class Memory:
    """This process's counts of the present time slots; a limit's counts are dropped when its next slot begins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, tuple[int, Counter[str]]] = {}

    def add(self, what: str, who: str, slot: int) -> int:
        """Count one try and return how many there were in this slot."""
        with self._lock:
            begun, counts = self._slots.get(what, (slot, Counter()))
            if begun != slot:
                begun, counts = slot, Counter()
            self._slots[what] = begun, counts
            counts[who] += 1
            return counts[who]


def init_limits(app: Flask, who: Callable[[], str]) -> None:
    """Count every request that has a limit before its view runs; `who` names the person or the address."""
    app.extensions[MEMORY] = Memory()

    def count() -> None:
        what = limit_of_request()
        if what:
            hit(what, who(), now=clock.now())

    app.before_request(count)


def limited(what: str) -> Callable[[View], View]:
    """Count requests to the view under this limit instead of the one its method implies."""

    return lambda view: mark(view, "limit", what)


def limit_of_request() -> str | None:
    """Return the limit of the present request: the view's own, or what it carries; None for an ordinary page."""
    if request.endpoint is None:
        return None
    declared = marked(current_app.view_functions[request.endpoint], "limit")
    if declared:
        return declared
    if request.method in SAFE_METHODS:
        return "search" if request.args.get(SEARCH_BOX, "").strip() else None
    return "upload" if any(file.filename for file in request.files.values()) else "write"


def hit(what: str, who: str, *, now: datetime) -> None:
    """Count one try; refused, with the seconds to wait, when the limit is passed."""
    limit, factor = LIMITS[what], current_app.config["QTRACE_RATE_FACTOR"]
    if not factor:
        return
    slot, passed = divmod(int(now.timestamp()), limit.seconds)
    count = _count_in_database(what, who, slot) if limit.shared else _memory().add(what, who, slot)
    if count > limit.tries * factor:
        wait = limit.seconds - passed
        raise TooMany(_when(wait), retry_after=wait)


def _when(wait: int) -> str:
    if wait <= 120:
        return ngettext("操作太频繁,请在 %(num)s 秒后再试。", "操作太频繁,请在 %(num)s 秒后再试。", wait)
    return ngettext("操作太频繁,请在 %(num)s 分钟后再试。", "操作太频繁,请在 %(num)s 分钟后再试。", -(-wait // 60))


def _count_in_database(what: str, who: str, slot: int) -> int:
    key = f"{what}:{who}"[:160]
    statement = (
        insert_into(RateCount)
        .values(key=key, slot=slot, n=1)
        .on_conflict_do_update(index_elements=["key", "slot"], set_={"n": RateCount.n + 1})
        .returning(RateCount.n)
    )
    with _submit_unclaimed(), write() as session:
        session.execute(delete(RateCount).where(RateCount.key == key, RateCount.slot < slot))
        count: int = session.execute(statement).scalar_one()
    return count


@contextmanager
def _submit_unclaimed() -> Iterator[None]:
    """Leave the form's one-use submit id to the write that does the work: a refused form can be sent again."""
    submit_id = g.pop("submit_id", None)
    try:
        yield
    finally:
        if submit_id:
            g.submit_id = submit_id


def _memory() -> Memory:
    memory: Memory = current_app.extensions[MEMORY]
    return memory
