"""The registry of what a site's configuration consists of, so that one file carries it to another site.

A section says what it holds as plain data by key, with references by key or name and never by a database id, and gives
one item to the site: whatever differs is changed, what is equal stays untouched, what can't be is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from flask_babel import LazyString

EXTENSION = "qtrace_configuration"
Item = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """Who gives the items to the site, and when."""

    by: int | None
    now: datetime


@dataclass(frozen=True)
class Section:
    """One kind of configuration: its name in the file, what staff call it, and how it is read and written."""

    name: str
    label: LazyString
    dump: Callable[[], dict[str, dict[str, Any]]]
    load: Callable[[str, Item, Change], None]  # in the open write; refuses an item that can't be


def register_section(app: Flask, section: Section) -> None:
    """Add a section behind those it may refer to."""
    known: dict[str, Section] = app.extensions.setdefault(EXTENSION, {})
    if section.name in known:
        raise ValueError(f"the section {section.name} is registered twice")
    known[section.name] = section


def sections() -> Mapping[str, Section]:
    """Return the sections in the order in which they are loaded."""
    known: dict[str, Section] = current_app.extensions.get(EXTENSION, {})
    return known
