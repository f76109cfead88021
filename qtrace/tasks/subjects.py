"""What a to-do is about, in one line; packages above say it for their own subjects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import Flask, current_app
from flask_babel import LazyString

from qtrace.tasks.models import Task

EXTENSION = "qtrace_task_subjects"
Describe = Callable[[Sequence[int]], Mapping[int, str]]
Severities = Callable[[Sequence[int]], Mapping[int, tuple[int, str]]]


@dataclass(frozen=True)
class Subjects:
    """Cases of one kind: what they are called, their facts, and how severe they are: (rank, name), the gravest first."""

    describe: Describe
    name: LazyString | str
    severities: Severities | None


def register_subject(
    app: Flask, kind: str, describe: Describe, *, name: LazyString | str = "", severities: Severities | None = None
) -> None:
    """Let `describe` return the facts of these subjects of one kind, all in one query."""
    app.extensions.setdefault(EXTENSION, {})[kind] = Subjects(describe, name, severities)


def facts_of(tasks: Sequence[Task]) -> dict[int, str]:
    """Return the facts of each to-do by its id; those of an unknown kind have none."""
    known, ids = _known(), _ids(tasks)
    told = {kind: known[kind].describe(sorted(subjects)) for kind, subjects in ids.items() if kind in known}
    return {task.id: told.get(task.subject_kind, {}).get(task.subject_id, "") for task in tasks}


def severities_of(tasks: Sequence[Task]) -> dict[int, tuple[int, str]]:
    """Return how severe the case of each to-do is, of those that have a severity."""
    known = {kind: one.severities for kind, one in _known().items() if one.severities is not None}
    told = {kind: known[kind](sorted(subjects)) for kind, subjects in _ids(tasks).items() if kind in known}
    found = {task.id: told.get(task.subject_kind, {}).get(task.subject_id) for task in tasks}
    return {task_id: severity for task_id, severity in found.items() if severity is not None}


def kind_names() -> dict[str, str]:
    """Return what the kinds of cases are called."""
    return {kind: str(one.name) for kind, one in _known().items() if one.name}


def _known() -> dict[str, Subjects]:
    known: dict[str, Subjects] = current_app.extensions.get(EXTENSION, {})
    return known


def _ids(tasks: Sequence[Task]) -> dict[str, set[int]]:
    ids: dict[str, set[int]] = {}
    for task in tasks:
        ids.setdefault(task.subject_kind, set()).add(task.subject_id)
    return ids
