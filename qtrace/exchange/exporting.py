"""Lists as files: the rows of any registered list under its own filters, with chosen columns, as .xlsx or .csv.

What is sensitive comes masked; the plain values need their own permission and a reason, which is kept on record.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from flask import Flask, current_app
from flask_babel import gettext as _

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import read, write
from qtrace.core.errors import Forbidden, NotFound, Refused
from qtrace.exchange.writing import Value, write_table

EXTENSION = "qtrace_export_views"
SUFFIXES = (".xlsx", ".csv")
UNMASK = "data.unmask"
SHORTEST_REASON = 4


@dataclass(frozen=True)
class ExportColumn:
    """One column of a list; a masked one shows its plain values only with a reason."""

    name: str
    label: str
    masked: bool = False


@dataclass(frozen=True)
class Asking:
    """Who asks and when, and the list's filters as they stand in its address."""

    user: User
    now: datetime
    args: Mapping[str, str]


class ExportView(Protocol):
    """A list that can be exported; `rows` gives plain values in the order of `columns`, masked ones already masked."""

    @property
    def name(self) -> str:
        """Return the name in addresses and on the command line."""

    @property
    def label(self) -> str:
        """Return what staff call the list."""

    @property
    def permission(self) -> str:
        """Return what a reader of the list needs."""

    def columns(self) -> Sequence[ExportColumn]:
        """Return every column there is."""

    def rows(self, asking: Asking, *, unmasked: bool) -> Iterator[Mapping[str, Value]]:
        """Yield the rows the reader sees under these filters, reading the database bit by bit."""


@dataclass(frozen=True)
class Export:
    """What is wanted: which columns, and why the plain values of masked ones are needed, if they are."""

    view: ExportView
    columns: tuple[ExportColumn, ...]
    reason: str = ""
    unmasked: bool = False


Provider = Callable[[], Sequence[ExportView]]


def register_export(app: Flask, provider: Provider) -> None:
    """Let these lists be exported; the provider is asked anew each time."""
    app.extensions.setdefault(EXTENSION, []).append(provider)


def export_views() -> dict[str, ExportView]:
    """Return every list that can be exported, by name."""
    found = [view for provider in current_app.extensions.get(EXTENSION, ()) for view in provider()]
    return {view.name: view for view in found}


def export_view(name: str, user: User) -> ExportView:
    """Return a list the person may read; not found when there is none."""
    view = export_views().get(name)
    if view is None:
        raise NotFound
    if not user.can(view.permission):
        raise Forbidden
    return view


def wanted(view: ExportView, names: Sequence[str], user: User, *, unmasked: bool, reason: str) -> Export:
    """Return what is wanted of a list; refuse plain values without the permission or without a reason."""
    columns = view.columns()
    chosen = tuple(one for one in columns if one.name in names) if names else tuple(columns)
    if not chosen:
        raise Refused(_("请至少选择一列。"), field="columns")
    shows = unmasked and any(one.masked for one in chosen)
    if shows and not user.can(UNMASK):
        raise Forbidden
    if shows and len(reason.strip()) < SHORTEST_REASON:
        raise Refused(_("导出完整的敏感信息要写明原因。"), field="reason")
    return Export(view, chosen, reason.strip() if shows else "", shows)


def write_export(export: Export, asking: Asking, path: Path) -> int:
    """Write the file, then put on record who took what and why; return how many rows there are."""
    if path.suffix.lower() not in SUFFIXES:
        raise Refused(_("只能导出 .xlsx 或 .csv 文件。"), field="format")
    names = [one.name for one in export.columns]
    user_id = asking.user.id
    with read():
        rows = ([row.get(name) for name in names] for row in export.view.rows(asking, unmasked=export.unmasked))
        count = write_table(path, export.view.label, [one.label for one in export.columns], rows)
    body = {
        "view": export.view.name, "rows": count, "columns": names, "unmasked": export.unmasked,
        "filters": dict(asking.args),
    }  # fmt: skip
    with write():
        events.record(
            "data_exported", subject=("user", user_id), by=user_id, now=asking.now, body=body, reason=export.reason
        )
    return count


def masked_text(text: str) -> str:
    """Return a text with its middle hidden."""
    if len(text) <= 2:
        return "*" * len(text)
    shown = 1 if len(text) < 7 else 3
    return text[:shown] + "*" * (len(text) - shown - 1) + text[-1:]
