"""`qtrace pack`: the configuration as one file, on the command line."""

from pathlib import Path
from typing import Any

from qtrace.core import clock
from qtrace.core.db import write
from qtrace.setup.configuration import (
    CHANGED,
    CONFLICT,
    NEW,
    SAME,
    Plan,
    apply_configuration,
    export_configuration,
    preview_configuration,
    read_text,
    write_text,
)


def pack_list(file: Path | None) -> dict[str, list[str]]:
    """Return by section the keys of what a file holds, or without one of what this site would export."""
    data = read_text(file.read_bytes()) if file else export_configuration()
    return {name: sorted(items) for name, items in data["sections"].items()}


def pack_export(file: Path) -> int:
    """Write the configuration into a file and return how many items it holds."""
    data = export_configuration()
    file.write_text(write_text(data), encoding="utf-8")
    return sum(len(items) for items in data["sections"].values())


def pack_apply(file: Path, *, dry_run: bool) -> Plan:
    """Give a file's configuration to this site, or only say what that would do."""
    data = read_text(file.read_bytes())
    if dry_run:
        return preview_configuration(data, by=None, now=clock.now())
    with write():
        return apply_configuration(data, by=None, now=clock.now())


def pack_json(plan: Plan) -> dict[str, Any]:
    """Return what was done as plain data."""
    return {
        state: [
            {"section": entry.section, "key": entry.key} | ({"problem": entry.problem} if entry.problem else {})
            for entry in plan.of(state)
        ]
        for state in (NEW, CHANGED, SAME, CONFLICT)
    }
