"""What the package above knows of the cases behind to-dos: flows register it, because to-dos lie below them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flask import Flask, current_app

from qtrace.accounts.models import User
from qtrace.tasks.models import Task

BULKS, CASES = "qtrace_task_bulks", "qtrace_task_cases"
Verdict = Literal["approve", "reject"]


@dataclass(frozen=True)
class Turn:
    """What is asked at a to-do: the stage's name, and whether it may be decided together with others."""

    stage: str = ""
    flow: str = ""
    judging: bool = False
    together: bool = False
    opinion: bool = False  # agreeing needs an opinion too
    why_not: str = ""
    page: str = ""  # where it is decided, where that is not the page of its case


@dataclass(frozen=True)
class Bulk:
    """How to-dos of one kind are decided together; `turns` answers for a page of them in a few queries."""

    turns: Callable[[Sequence[Task], User], Mapping[int, Turn]]
    decide: Callable[[Task, Verdict, User, str, datetime], None]


@dataclass(frozen=True)
class Told:
    """One line of a case's history."""

    who: str
    what: str
    at: datetime
    note: str = ""


@dataclass(frozen=True)
class Started:
    """A case somebody started: where it stands."""

    subject: tuple[str, int]
    title: str
    url: str
    flow: str
    stage: str
    status: str  # running, closed, rejected, terminated, withdrawn
    holders: tuple[str, ...] = ()
    due_at: datetime | None = None
    urged_at: datetime | None = None


@dataclass(frozen=True)
class Search:
    """Which of the cases somebody started are asked for; `most` of them after the first `skip`."""

    user: User
    running: bool | None
    text: str
    skip: int
    most: int


@dataclass(frozen=True)
class Cases:
    """What the flows tell of cases: flows and stages by name, history, cases one started, and how turns are handed over."""

    flows: Callable[[], Mapping[str, str]]
    stages: Callable[[], Mapping[str, str]]
    history: Callable[[Task, int], Sequence[Told]]
    started: Callable[[Search], Sequence[Started]]
    starter: Callable[[tuple[str, int]], int | None]
    hand_over: Callable[[int, int, int, datetime], int]
    later: Callable[[int], int]  # in how many running cases a person will be asked later


def register_bulk(app: Flask, kind: str, bulk: Bulk) -> None:
    """Let to-dos of this kind be decided together."""
    app.extensions.setdefault(BULKS, {})[kind] = bulk


def register_cases(app: Flask, cases: Cases) -> None:
    """Let the to-do centre ask for the cases behind the to-dos."""
    app.extensions[CASES] = cases


def cases() -> Cases:
    """Return what the flows registered."""
    found: Cases = current_app.extensions[CASES]
    return found


def bulk_of(kind: str) -> Bulk | None:
    """Return how to-dos of a kind are decided together, None where they are not."""
    known: dict[str, Bulk] = current_app.extensions.get(BULKS, {})
    return known.get(kind)


def turns_of(tasks: Sequence[Task], user: User) -> dict[int, Turn]:
    """Return what is asked at each to-do; those of no flow have nothing to say."""
    known: dict[str, Bulk] = current_app.extensions.get(BULKS, {})
    found: dict[int, Turn] = {}
    for kind, bulk in known.items():
        found |= bulk.turns([task for task in tasks if task.kind == kind], user)
    return {task.id: found.get(task.id, Turn()) for task in tasks}
