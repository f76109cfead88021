"""What a to-do is about, in one line; packages above say it for their own subjects."""

from collections.abc import Callable, Mapping, Sequence

from flask import Flask, current_app

from qtrace.tasks.models import Task

EXTENSION = "qtrace_task_subjects"
Describe = Callable[[Sequence[int]], Mapping[int, str]]


def register_subject(app: Flask, kind: str, describe: Describe) -> None:
    """Let `describe` return the facts of these subjects of one kind, all in one query."""
    app.extensions.setdefault(EXTENSION, {})[kind] = describe


def facts_of(tasks: Sequence[Task]) -> dict[int, str]:
    """Return the facts of each to-do by its id; those of an unknown kind have none."""
    known: dict[str, Describe] = current_app.extensions.get(EXTENSION, {})
    ids: dict[str, set[int]] = {}
    for task in tasks:
        ids.setdefault(task.subject_kind, set()).add(task.subject_id)
    told = {kind: known[kind](sorted(subjects)) for kind, subjects in ids.items() if kind in known}
    return {task.id: told.get(task.subject_kind, {}).get(task.subject_id, "") for task in tasks}
