"""A machine that stops between any two rows written: nothing of what it was doing is there afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from qtrace.core.db import WRITE, db
from qtrace.core.errors import DomainError

WRITES = ("INSERT", "UPDATE", "DELETE")


class Crash(BaseException):
    """The machine stopped; nothing of the program handles that."""


class Disk:
    """What another process sees of the SQLite file: `version` changes with whatever is committed to it."""

    def __init__(self) -> None:
        self.connection = db.engines[None].raw_connection()

    @property
    def version(self) -> int:
        """Return the number of the file's state."""
        found: int = self.connection.cursor().execute("PRAGMA data_version").fetchone()[0]
        return found

    def close(self) -> None:
        """Give the connection back."""
        self.connection.close()


@contextmanager
def stopping_at(place: int) -> Iterator[None]:
    """Stop the machine before the row that comes at this place, counted from 0, or before the commit that comes there."""
    engine, written = db.engines[WRITE], 0

    def reached() -> None:
        nonlocal written
        if written == place:
            raise Crash
        written += 1

    def statement(_connection: Connection, _cursor: Any, text: str, *_rest: Any) -> None:
        if text.lstrip().startswith(WRITES):
            reached()

    def commit(_connection: Connection) -> None:
        reached()

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


def crashed(job: Callable[[], None], place: int, disk: Disk) -> bool:
    """Do the job on a machine that stops at the place; say whether it came so far, and that nothing is there of it."""
    before = disk.version
    try:
        with stopping_at(place):
            job()
    except Crash:
        assert disk.version == before, "something was committed before the crash"
        return True
    except DomainError:
        assert disk.version == before, "something was committed of what was refused"
        raise
    return False
