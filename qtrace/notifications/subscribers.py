"""What is told of: events of to-dos, flows and clocks become notices. Each handler only leaves a draft."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from flask import Flask

from qtrace.accounts.queries import names_of
from qtrace.core.events import Event, subscribe
from qtrace.notifications.kinds import kind_of
from qtrace.notifications.service import Draft, draft, left


def subscribe_all(app: Flask) -> None:
    """Listen to everything people are told of."""
    for name, tell in TOLD.items():
        subscribe(app, name, tell)


def task_opened(event: Event) -> None:
    """Tell whose the to-do is, or everybody who may claim it."""
    draft(_draft(event, key=str(event.body.get("task")), of_task=True))


def task_transferred(event: Event) -> None:
    """Tell the person the to-do was handed to."""
    owner = event.body.get("owner")
    to = owner.get("new") if isinstance(owner, dict) else owner
    if isinstance(to, int):
        draft(_draft(event, users=(to,), key=f"{event.body.get('task')}:{event.at.isoformat()}"))
    task_left(event)


def task_left(event: Event) -> None:
    """Let what was told of a to-do that is done, claimed or handed over count as read."""
    task = event.body.get("task")
    left(event.body.get("tasks") or ([task] if isinstance(task, int) else []))


def stand_in(event: Event) -> None:
    """Tell both sides that a deputy begins, or is done."""
    person, deputy, number = (event.body.get(name) for name in ("user", "deputy", "stand_in"))
    if isinstance(person, int) and isinstance(deputy, int):
        names = names_of({person, deputy})
        facts = {"person": names.get(person, ""), "deputy": names.get(deputy, "")}
        title = f"{facts['person']} → {facts['deputy']}"
        told = _draft(event, users=(person, deputy), key=str(number), title=title, url="/me/stand-ins")
        draft(replace(told, facts=facts))


def handed_over(event: Event) -> None:
    """Tell both sides that everything went from one to the other."""
    giver, to = (event.body.get(name) for name in ("from", "to"))
    if isinstance(giver, int) and isinstance(to, int):
        names = names_of({giver, to})
        told = _draft(
            event, users=(giver, to), key=event.at.isoformat(), title=f"{names[giver]} → {names[to]}", url="/tasks"
        )
        draft(replace(told, facts={"count": len(event.body.get("tasks", ()))}))


def told_by_name(event: Event) -> None:
    """Tell the people whom the event names."""
    users = _users(event)
    if users:
        node, step = event.body.get("node", ""), event.body.get("step", "")
        clock, task = event.body.get("clock", ""), event.body.get("task", "")
        question = event.body.get("question", "")
        told = {name: str(event.body.get(name, "")) for name in ("title", "url")}  # where another name is to be told
        draft(_draft(event, users=users, key=f"{node}{clock}{step}{task}{question}:{event.at.isoformat()}", **told))


def to_starter(event: Event) -> None:
    """Tell the person who started the case."""
    draft(_draft(event, key=event.at.isoformat(), to_starter=True))


TOLD: Mapping[str, Callable[[Event], None]] = {
    "task_opened": task_opened,
    "task_transferred": task_transferred,
    "task_urged": told_by_name,
    "flow_reminded": told_by_name,
    "flow_escalated": told_by_name,
    "clock_alarm": told_by_name,
    "question_asked": told_by_name,
    "question_answered": told_by_name,
    "comment_mentioned": told_by_name,
    "task_claimed": task_left,
    "tasks_closed": task_left,
    "tasks_handed_over": handed_over,
    "stand_in_set": stand_in,
    "stand_in_ended": stand_in,
    "flow_closed": to_starter,
    "flow_terminated": to_starter,
}
FACTS = ("times", "clock", "offset", "level")  # of an event's body, for the sentence of its kind


def _draft(event: Event, *, key: str, **more: Any) -> Draft:
    task = event.body.get("task")
    return Draft(
        kind=event.name,
        subject=(event.subject_kind, event.subject_id),
        at=event.at,
        by=event.by,
        dedupe=f"{event.name}:{event.subject_kind}:{event.subject_id}:{key}",
        task_id=task if isinstance(task, int) else None,
        body=event.reason,
        urgent=kind_of(event.name).urgent,
        facts={name: event.body[name] for name in FACTS if name in event.body},
        **more,
    )


def _users(event: Event) -> tuple[int, ...]:
    users = event.body.get("users")
    return tuple(user for user in users if isinstance(user, int)) if isinstance(users, list | tuple) else ()
