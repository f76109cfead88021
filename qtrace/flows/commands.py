"""`qtrace flow`: the flows on the command line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import NotFound
from qtrace.flows.exporting import MAX_BYTES, read_text, write_text
from qtrace.flows.impact import used_by
from qtrace.flows.naming import flow_name
from qtrace.flows.queries import all_flows, flow_of, keys
from qtrace.flows.versions import add_version


def flow_list() -> list[dict[str, Any]]:
    """Return every flow with its current version, its running cases and what goes through it."""
    used = used_by()
    return [
        {
            "key": flow.key, "name": flow_name(flow.shown.definition),
            "version": flow.current.number if flow.current else None, "running": flow.running,
            "used_by": used.get(flow.key, []),
        }
        for flow in all_flows()
    ]  # fmt: skip


def flow_export(key: str, file: Path, version: int | None) -> int:
    """Write a version of a flow into a file, the current one where none is named, and return its number."""
    flow = flow_of(key)
    chosen = flow.shown if version is None else flow.version(version)
    file.write_text(write_text(chosen.definition), encoding="utf-8")
    return chosen.number


def flow_check(file: Path) -> dict[str, Any]:
    """Read a flow's file and return what it holds; refused with what is wrong in it."""
    with file.open("rb") as opened:
        definition = read_text(opened.read(MAX_BYTES + 1))
    return {"key": definition.key, "name": flow_name(definition), "nodes": len(definition.nodes)}


def flow_import(file: Path, key: str) -> tuple[str, int]:
    """Store a file's flow as the next version of the flow with this key, by default the file's; return (key, version)."""
    with file.open("rb") as opened:
        definition = read_text(opened.read(MAX_BYTES + 1))
    if key and key not in keys():
        raise NotFound
    definition = replace(definition, key=key or definition.key)
    with write():
        return definition.key, add_version(definition, by=None, now=clock.now())
