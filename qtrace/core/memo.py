"""What never changes once it is stored, read and parsed once per process: published versions of forms and flows."""

from collections.abc import Callable, Hashable
from typing import TypeVar

from flask import current_app

T = TypeVar("T")
EXTENSION = "qtrace_memo"
MOST = 200


def remembered(kind: str, key: Hashable, make: Callable[[], T]) -> T:
    """Return what `make` gave for this key; only for values that can never be another one."""
    known: dict[tuple[str, Hashable], T] = current_app.extensions.setdefault(EXTENSION, {})
    found = known.get((kind, key))
    if found is None:
        if len(known) >= MOST:
            known.clear()
        found = known[kind, key] = make()
    return found
