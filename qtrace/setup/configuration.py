"""The company's configuration as one file: written, compared with a site, and given to it in one transaction.

A file only adds and changes; what only this site has stays. What an import would do is found by doing it in a
transaction that is taken back, so that the preview can promise nothing the import would not do.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.exc import StatementError

from qtrace.core import events
from qtrace.core.configuration import Change, sections
from qtrace.core.db import require_write, write
from qtrace.core.errors import Conflict, DomainError, Refused

FORMAT, VERSION = "qtrace-configuration", 1
MAX_BYTES = 20 * 1024 * 1024
IMPORTED = "configuration_imported"
NEW, CHANGED, SAME, CONFLICT = "new", "changed", "same", "conflict"
IDENTITIES = ("code", "id", "key", "version", "name")
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, StatementError)


@dataclass(frozen=True)
class Difference:
    """One value that differs, by its place in the item."""

    place: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Entry:
    """What becomes of one item of the file."""

    section: str
    key: str
    state: str
    name: str = ""
    differences: tuple[Difference, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """What an import does, item by item, and what only this site has."""

    entries: tuple[Entry, ...]
    only_here: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, state: str) -> list[Entry]:
        """Return the entries in this state."""
        return [entry for entry in self.entries if entry.state == state]

    @property
    def changes(self) -> bool:
        """Say whether the site would be another one afterwards."""
        return bool(self.of(NEW) or self.of(CHANGED))

    @property
    def digest(self) -> str:
        """Return a mark of exactly these changes, to be sure that what is done is what was looked at."""
        told = [
            [entry.section, entry.key, entry.state, [[one.place, one.old, one.new] for one in entry.differences]]
            for entry in self.entries
        ]
        return hashlib.sha256(_json(told).encode()).hexdigest()


class _TakenBack(Exception):
    """The end of a transaction that only tried."""


def export_configuration() -> dict[str, Any]:
    """Return the site's whole configuration as plain data; equal sites give equal data."""
    return {
        "format": FORMAT, "version": VERSION, "sections": {name: one.dump() for name, one in sections().items()},
    }  # fmt: skip


def write_text(data: Mapping[str, Any]) -> str:
    """Return the file's text."""
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_text(content: bytes) -> dict[str, Any]:
    """Return a file's data; refuse, in one clear line, what is no configuration of this version or an earlier one."""
    if len(content) > MAX_BYTES:
        raise Refused(_("文件超过 %(limit)s MB。请压缩或拆分后再上传。", limit=MAX_BYTES // 1024 // 1024))
    try:
        data = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(_("这不是配置文件:内容不是 JSON。请选择本系统导出的文件。")) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise Refused(_("这不是配置文件。请选择本系统导出的文件。"))
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Refused(_("配置文件没有写明格式版本。"))
    if version > VERSION:
        raise Refused(
            _("配置文件的格式是第 %(n)d 版,本系统只认识到第 %(most)d 版。请先升级本系统。", n=version, most=VERSION)
        )
    parts = data.get("sections")
    if not isinstance(parts, dict) or not all(isinstance(items, dict) for items in parts.values()):
        raise Refused(_("配置文件不完整。请重新导出。"))
    return data


def preview_configuration(data: Mapping[str, Any], *, by: int | None, now: datetime) -> Plan:
    """Return what an import would do; nothing is changed."""
    found: list[Plan] = []
    try:
        with write():
            found.append(_load(data, Change(by, now)))
            raise _TakenBack
    except _TakenBack:
        return found[0]


def apply_configuration(data: Mapping[str, Any], *, by: int | None, now: datetime, seen: str | None = None) -> Plan:
    """Give the file to the site in the open write and return what was done; `seen` is the digest of the preview.

    Items in conflict are left out and told; an import that changes nothing leaves no trace.
    """
    plan = _load(data, Change(by, now))
    if seen is not None and seen != plan.digest:
        raise Conflict(_("预览之后本站的配置又改过。请看一遍新的预览,再导入。"))
    if plan.changes:
        body = {
            "digest": plan.digest,
            NEW: [f"{entry.section}/{entry.key}" for entry in plan.of(NEW)],
            CHANGED: {
                f"{entry.section}/{entry.key}": [
                    {"place": one.place, "old": one.old, "new": one.new} for one in entry.differences
                ]
                for entry in plan.of(CHANGED)
            },
            CONFLICT: {f"{entry.section}/{entry.key}": entry.problem for entry in plan.of(CONFLICT)},
        }
        events.record(IMPORTED, subject=("configuration", 0), by=by, now=now, body=body)
    return plan


def differences(old: Any, new: Any, place: str = "") -> Iterator[Difference]:
    """Return every value that differs between two items; entries of lists are told apart by their code or name."""
    old, new = _indexed(old), _indexed(new)
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from differences(old.get(name), new.get(name), f"{place}.{name}" if place else str(name))
        if [key for key in old if key in new] != [key for key in new if key in old]:
            yield Difference(place, list(old), list(new))
    elif old != new:
        yield Difference(place, old, new)


def _load(data: Mapping[str, Any], change: Change) -> Plan:
    entries: list[Entry] = []
    only_here: dict[str, tuple[str, ...]] = {}
    parts: Mapping[str, Mapping[str, Any]] = data["sections"]
    for name, section in sections().items():
        items, before = parts.get(name, {}), section.dump()
        problems = _load_items(name, items, change)
        after = section.dump()
        for key in items:
            entries.append(_entry(name, key, before.get(key), after.get(key), problems.get(key, "")))
        gone = tuple(key for key in before if key not in items)
        if gone:
            only_here[name] = gone
    for name in parts:
        if name not in sections():
            entries.append(Entry(name, "", CONFLICT, problem=_("本系统不认识这一部分。")))
    return Plan(tuple(entries), only_here)


def _load_items(section: str, items: Mapping[str, Any], change: Change) -> dict[str, str]:
    """Give a section's items to the site and return what is wrong by key; one may need another that comes after it."""
    waiting: dict[str, str] = dict.fromkeys(items, "")
    while waiting:
        problems = {key: problem for key in waiting if (problem := _load_item(section, key, items[key], change))}
        if len(problems) == len(waiting):
            return problems
        waiting = problems
    return {}


def _load_item(section: str, key: str, item: Any, change: Change) -> str:
    """Give one item to the site, wholly or not at all; return what is wrong with it."""
    try:
        with require_write().begin_nested():
            sections()[section].load(key, item, change)
    except DomainError as error:
        return error.message or _("文件里提到的东西本站没有。")
    except MALFORMED:  # whatever a damaged file holds
        return _("这一项的格式不对。")
    return ""


def _entry(section: str, key: str, before: Any, after: Any, problem: str) -> Entry:
    named = after or before or {}
    name = str(named.get("name_zh") or named.get("name") or "")
    if problem:
        return Entry(section, key, CONFLICT, name, problem=problem)
    if before is None:
        return Entry(section, key, NEW, name)
    found = tuple(differences(before, after))
    return Entry(section, key, CHANGED if found else SAME, name, found)


def _indexed(value: Any) -> Any:
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        return value
    for identity in IDENTITIES:
        keys = [str(row[identity]) for row in value if identity in row]
        if len(keys) == len(value) and len(set(keys)) == len(keys):
            return dict(zip(keys, value, strict=True))
    return value


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _no_constant(name: str) -> Any:
    raise ValueError(name)
