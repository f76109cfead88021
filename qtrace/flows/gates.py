"""Gates: synchronous vetoes that upper packages register and a stage must pass to be left."""

from collections.abc import Callable, Iterable, Sequence

from flask import Flask, current_app

EXTENSION, WATCHES = "qtrace_gates", "qtrace_stage_watches"
Gate = Callable[[str, int], str | None]
Watch = Callable[[int, Sequence[str]], Sequence[str]]


def register_gate(app: Flask, name: str, gate: Gate) -> None:
    """Name a gate; it returns what is missing, or None when it is open."""
    app.extensions.setdefault(EXTENSION, {})[name] = gate


def shut_gates(names: Iterable[str], subject_kind: str, subject_id: int) -> list[str]:
    """Return what is missing, one line for each gate that is shut; an unknown gate is a programming error."""
    gates: dict[str, Gate] = current_app.extensions.get(EXTENSION, {})
    lines = [gates[name](subject_kind, subject_id) for name in names]
    return [line for line in lines if line]


def register_watch(app: Flask, subject_kind: str, watch: Watch) -> None:
    """Ask `watch` whenever a subject of this kind leaves stages: it gets their ids and returns what is missing."""
    app.extensions.setdefault(WATCHES, {}).setdefault(subject_kind, []).append(watch)


def held_back(subject_kind: str, subject_id: int, stages: Sequence[str]) -> list[str]:
    """Return what the watches miss, one line each."""
    known: dict[str, list[Watch]] = current_app.extensions.get(WATCHES, {})
    return [line for watch in known.get(subject_kind, ()) for line in watch(subject_id, stages)] if stages else []
