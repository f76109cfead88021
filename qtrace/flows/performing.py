"""Do what the engine says must happen: to-dos, spans of time, timers and events, in the transaction of the operation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from qtrace.accounts.models import Department, User
from qtrace.calendars.service import due_for
from qtrace.core import events
from qtrace.core.db import require_write, table_of
from qtrace.core.jobs import enqueue
from qtrace.flows.case import Case
from qtrace.flows.company import people_of_role
from qtrace.flows.definition import ASKING, Helper, Node, Tree
from qtrace.flows.models import FlowTimer, StageSpan
from qtrace.flows.state import (
    Assigned,
    CloseTask,
    Copied,
    Effect,
    Ended,
    Entered,
    Escalate,
    Left,
    OpenTask,
    Remind,
    Reopened,
    State,
    Wait,
)
from qtrace.flows.titles import title_at
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, close_tasks, open_task

STEP = "flow-step"  # the job that runs what a node does by itself
ENTER = insert(table_of(StageSpan))
DEPARTMENT_OF = select(table_of(User).c.department_id).where(table_of(User).c.id == bindparam("user"))
LEAD = "quality_lead"
HELP = "help"  # the to-dos of departments that work beside a node
QUESTION = "question"  # of to-dos in which somebody is asked something


@dataclass(frozen=True)
class Entry:
    """How a node is entered: whose it is (a person, or the pool of a role) and when it is due."""

    node: str
    owner_id: int | None
    role_key: str
    department_id: int | None
    due_at: datetime


@dataclass(frozen=True)
class Stage:
    """An instance at work: which one, of what case, in which tree, at whose hand and when."""

    instance_id: int
    case: Case
    tree: Tree
    by: int | None
    now: datetime


def entry_of(node: Node, opened: Sequence[OpenTask], department_id: int | None, now: datetime) -> Entry:
    """Return how a node is entered with these turns; one person is its owner, several have none."""
    owner = opened[0].user if len(opened) == 1 else None
    role = role_of_pool(node, opened[0].pool) if len(opened) == 1 and owner is None else ""
    of_owner = _department_of(owner) or department_id
    return Entry(node.id, owner, role, of_owner, due_for(of_owner, now, node.due_minutes))


def role_of_pool(node: Node, pool: Sequence[int]) -> str:
    """Return the role whose people a pool are, so that who joins the role later may claim too; empty for other pools."""
    named = [who.value for who in node.who if who.kind == "role"]
    if len(named) == len(node.who) == 1:
        return named[0]
    return LEAD if set(pool) == set(people_of_role(LEAD)) else ""


def perform(stage: Stage, effects: Sequence[Effect], *, done: int | None = None) -> None:
    """Do the effects in order; `done` is the turn the person acted on, which is then done and not cancelled."""
    entered: dict[int, datetime] = {}
    for place, effect in enumerate(effects):
        match effect:
            case Entered(token, node) if stage.tree.nodes[node].kind in ASKING:
                opened = [one for one in effects[place:] if isinstance(one, OpenTask) and one.token == token]
                entered[token] = _enter(stage, token, stage.tree.nodes[node], opened)
            case Entered(token, node):
                _span(stage, token, node)
            case Left(token, node):
                _leave(stage, token, node)
            case OpenTask():
                _open(stage, effect, entered.get(effect.token))
            case CloseTask(entry, was_done):
                close_tasks(stage.case.subject, entry=entry, by=stage.by, now=stage.now, done=was_done or entry == done)
            case Assigned(entry, user):
                _assign(stage, entry, user)
            case _:
                _tell(stage, effect)


def span_again(stage: Stage, state: State) -> None:
    """Give every live turn a to-do again, and let the time run, after a halt."""
    for token in state.tokens:
        node = stage.tree.nodes[token.node]
        turns = [
            OpenTask(entry.id, token.id, node.id, entry.user, entry.pool, entry.kind)
            for seat in token.seats
            for entry in seat.chain
            if entry.state == "open"
        ]
        if node.kind in ASKING:
            due = _enter(stage, token.id, node, turns)
            for turn in turns:
                _open(stage, turn, due)
        else:  # what was begun there goes on by itself; only its time begins anew
            _span(stage, token.id, node.id)
            _arm(stage, token.id, node)


def end_spans(instance_id: int, now: datetime, token: int | None = None) -> None:
    """Let the time of a token, or of all, stop."""
    open_spans = update(StageSpan).where(StageSpan.instance_id == instance_id, StageSpan.left_at.is_(None))
    if token is not None:
        open_spans = open_spans.where(StageSpan.token.in_((token, 0)))
    require_write().execute(open_spans.values(left_at=now))


def drop_timers(instance_id: int, token: int | None = None) -> None:
    """Forget what was due of a token, or of all."""
    due = delete(FlowTimer).where(FlowTimer.instance_id == instance_id)
    require_write().execute(due if token is None else due.where(FlowTimer.token == token))


def set_timer(instance_id: int, token: int, kind: str, at: datetime) -> None:
    """Say when something of a token is due; a token has one such moment at a time."""
    drop_timers(instance_id, token)
    require_write().add(FlowTimer(instance_id=instance_id, token=token, kind=kind, at=at))


def _enter(stage: Stage, token: int, node: Node, opened: Sequence[OpenTask]) -> datetime:
    _span(stage, token, node.id)
    if not opened:  # passed at once, nobody is asked
        return stage.now
    entry = entry_of(node, opened, stage.case.department_id, stage.now)
    require_write().add(FlowTimer(instance_id=stage.instance_id, token=token, kind="due", at=entry.due_at))
    body = {"node": node.id, "due_at": entry.due_at.isoformat(), "owner_id": entry.owner_id, "role": entry.role_key}
    events.record("stage_entered", subject=stage.case.subject, by=stage.by, now=stage.now, body=body)
    for helper in node.helpers:
        _ask_department(stage, node, helper)
    return entry.due_at


def _ask_department(stage: Stage, node: Node, helper: Helper) -> None:
    """Give a department its part: to its head, or to whoever of it claims it, due by its own time."""
    department = int(helper.department) if helper.department.isdecimal() else None
    head = require_write().scalar(
        select(User.id).join(Department, Department.head_id == User.id).where(Department.id == department, User.active)
    )
    members = select(User.id).where(User.department_id == department, User.active).order_by(User.id)
    pool = () if head else tuple(require_write().scalars(members))
    if head is None and not pool:
        body = {"node": node.id, "department": helper.department}
        events.record("flow_stuck", subject=stage.case.subject, by=None, now=stage.now, body=body)
        return
    open_task(
        NewTask(
            kind=HELP, subject=stage.case.subject, title=title_at(node, stage.case), url=stage.case.url, node=node.id,
            owner_id=head, pool=pool, department_id=department, flow=stage.tree.definition.key,
            due_at=due_for(department, stage.now, helper.due_minutes),
        ),
        by=stage.by, now=stage.now,
    )  # fmt: skip


def _span(stage: Stage, token: int, node: str) -> None:
    values = {"instance_id": stage.instance_id, "node": node, "token": token, "entered_at": stage.now}
    require_write().execute(ENTER, values)


def _leave(stage: Stage, token: int, node: str) -> None:
    if stage.tree.nodes[node].helpers:
        close_tasks(stage.case.subject, kind=HELP, node=node, by=stage.by, now=stage.now, done=False)
    end_spans(stage.instance_id, stage.now, token)
    drop_timers(stage.instance_id, token)


def _open(stage: Stage, turn: OpenTask, due: datetime | None) -> None:
    node = stage.tree.nodes[turn.node]
    if due is None:
        due = due_for(_department_of(turn.user) or stage.case.department_id, stage.now, node.due_minutes)
    role = role_of_pool(node, turn.pool) if turn.user is None else ""
    open_task(
        NewTask(
            kind="stage", subject=stage.case.subject, title=title_at(node, stage.case), url=stage.case.url, node=turn.node,
            entry=turn.entry, owner_id=turn.user, role_key=role, pool=() if role or turn.user else turn.pool,
            department_id=_department_of(turn.user) or stage.case.department_id, due_at=due,
            flow=stage.tree.definition.key, detail=node.notice,
        ),
        by=stage.by, now=stage.now,
    )  # fmt: skip


def _assign(stage: Stage, entry: int, user: int | None) -> None:
    """Let the to-do be the person's; one that was claimed or transferred from its own page is already."""
    kind, subject_id = stage.case.subject
    task = require_write().scalar(
        select(Task).where(
            Task.subject_kind == kind, Task.subject_id == subject_id, Task.state == "open", Task.entry == entry
        )
    )
    if task is None or task.owner_id == user:
        return
    before, task.owner_id, task.version = task.owner_id, user, task.version + 1
    body = {"task": task.id, "owner": {"old": before, "new": user}}
    events.record("task_transferred", subject=stage.case.subject, by=stage.by, now=stage.now, body=body)


def _tell(stage: Stage, effect: Effect) -> None:
    subject, by, now = stage.case.subject, stage.by, stage.now
    match effect:
        case Copied(node, users):
            for user in users:
                new = NewTask(
                    kind="copy", subject=subject, title=title_at(stage.tree.nodes[node], stage.case), url=stage.case.url,
                    node=node, owner_id=user, state="copied", flow=stage.tree.definition.key,
                )  # fmt: skip
                open_task(new, by=by, now=now)
        case Wait(token, node):
            _wait(stage, token, stage.tree.nodes[node])
        case Remind(_token, node, users, times):
            events.record(
                "flow_reminded", subject=subject, by=by, now=now, body=_told(stage, node, users) | {"times": times}
            )
        case Escalate(_token, node, users):
            events.record("flow_escalated", subject=subject, by=by, now=now, body=_told(stage, node, users))
        case Ended("closed"):
            events.record("flow_closed", subject=subject, by=by, now=now)
        case Ended(status):
            events.record("flow_terminated", subject=subject, by=by, now=now, body={"status": status})
        case Reopened(node):
            events.record("flow_reopened", subject=subject, by=by, now=now, body={"node": node})


def _wait(stage: Stage, token: int, node: Node) -> None:
    _arm(stage, token, node)
    if node.kind != "timer":
        enqueue(STEP, {"instance": stage.instance_id, "token": token}, now=stage.now)


def _arm(stage: Stage, token: int, node: Node) -> None:
    """Say when a wait is over, or when it has lasted too long."""
    if node.kind == "timer":
        working = bool(node.options.get("working", True))
        minutes = int(node.options["minutes"])
        at = (
            due_for(stage.case.department_id, stage.now, minutes) if working else stage.now + timedelta(minutes=minutes)
        )
        set_timer(stage.instance_id, token, "wake", at)
    elif "timeout_minutes" in node.options:
        minutes = int(node.options["timeout_minutes"])
        set_timer(stage.instance_id, token, "fail", stage.now + timedelta(minutes=minutes))


def _told(stage: Stage, node: str, users: Sequence[int]) -> dict[str, object]:
    """Return whom to tell; with what the case is called there, where the node hides what its title is made of."""
    called = title_at(stage.tree.nodes[node], stage.case)
    named = {} if called == stage.case.title else {"title": called, "url": stage.case.url}
    return {"node": node, "users": list(users), **named}


def _department_of(user_id: int | None) -> int | None:
    return None if user_id is None else require_write().scalar(DEPARTMENT_OF, {"user": user_id})
