"""Gates: synchronous vetoes that upper packages register and a stage must pass to be left."""

from collections.abc import Callable, Iterable

from flask import Flask, current_app

EXTENSION = "qtrace_gates"
Gate = Callable[[str, int], str | None]


def register_gate(app: Flask, name: str, gate: Gate) -> None:
    """Name a gate; it returns what is missing, or None when it is open."""
    app.extensions.setdefault(EXTENSION, {})[name] = gate


def shut_gates(names: Iterable[str], subject_kind: str, subject_id: int) -> list[str]:
    """Return what is missing, one line for each gate that is shut; an unknown gate is a programming error."""
    gates: dict[str, Gate] = current_app.extensions.get(EXTENSION, {})
    lines = [gates[name](subject_kind, subject_id) for name in names]
    return [line for line in lines if line]
