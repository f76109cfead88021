"""Start flows and decide: one compare-and-set per decision, its effects in the same transaction.

The instance's `version` is the guard. Whoever changes it first wins; everybody else is told who decided what and when.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import bindparam, insert, select, update

from qtrace.accounts.models import Department, Role, User, user_role
from qtrace.calendars.service import due_for
from qtrace.core import events
from qtrace.core.db import db, insert_row, require_write, table_of
from qtrace.core.errors import Conflict, Forbidden, NotFound, Refused
from qtrace.core.memo import remembered
from qtrace.flows.engine import (
    Closed,
    CloseTasks,
    Decision,
    Definition,
    Effect,
    FlowError,
    Node,
    OpenTask,
    Outcome,
    Reopened,
    State,
    Status,
    Terminated,
    Verdict,
    advance,
    gates_to_pass,
    nodes_left,
    parse_definition,
    start,
)
from qtrace.flows.gates import held_back, shut_gates
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance, StageSpan
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, close_tasks, open_task

DEFAULT_FLOW = "quality_issue"
CLOSE = "close"  # what watches are asked besides the stages when the flow ends
FLOWS, USERS = table_of(FlowDefinition), table_of(User)
ACTIVE = (
    select(FLOWS.c.id).where(FLOWS.c.key == bindparam("flow"), FLOWS.c.active).order_by(FLOWS.c.version.desc()).limit(1)
)
START, ENTER = insert(table_of(FlowInstance)), insert(table_of(StageSpan))
DEPARTMENT_OF = select(USERS.c.department_id).where(USERS.c.id == bindparam("user"))


@dataclass(frozen=True)
class Case:
    """What the flow needs to know of its subject: where it is, what it is called, who started it."""

    subject: tuple[str, int]
    title: str
    url: str
    initiator_id: int | None
    department_id: int | None


@dataclass(frozen=True)
class Entry:
    """How a stage is entered: whose it is (a person, or the pool of a role) and when it is due."""

    node: str
    owner_id: int | None
    role_key: str
    department_id: int | None
    due_at: datetime


@dataclass(frozen=True)
class Start:
    """A flow about to start: which version, its first step, and how the first stage is entered."""

    definition_id: int
    definition: Definition
    outcome: Outcome
    entry: Entry
    submitted: bool = False


def prepare_flow(
    *,
    initiator_id: int | None,
    department_id: int | None,
    by: int | None,
    now: datetime,
    flow: str = DEFAULT_FLOW,
    submitted: bool = False,
) -> Start:
    """Return how the newest active version of a flow starts, so that the subject can be stored with its first stage.

    One that is submitted as it is made stands at the second stage at once.
    """
    found = active_definition(flow)
    if found is None:
        raise Refused(_("没有启用的流程 %(key)s。请管理员先启用一个流程。", key=flow))
    definition_id, definition = found
    outcome = start(definition, submitted=submitted)
    first = definition.node(outcome.state.node or "")
    entry = _entry(first, initiator_id, department_id, by, now)
    return Start(definition_id, definition, outcome, entry, submitted)


def start_flow(case: Case, prepared: Start, *, by: int | None, now: datetime) -> int:
    """Start a prepared flow for a stored subject and return the instance's id."""
    outcome, (kind, subject_id) = prepared.outcome, case.subject
    values = {"definition_id": prepared.definition_id, "subject_kind": kind, "subject_id": subject_id}
    state = asdict(outcome.state) | {"visits": list(outcome.state.visits)}
    instance_id = insert_row(START, values | state)
    if prepared.submitted:
        first, submit = start(prepared.definition).state, Decision("submit")
        _check_gates(prepared.definition, first, submit, case.subject)
        _note_decision(instance_id, first, outcome.state.version, submit, by=by, now=now)
    for effect in outcome.effects:
        if effect == OpenTask(prepared.entry.node):
            _enter(prepared.entry, instance_id, case, by, now)
        else:
            _perform(effect, prepared.definition, instance_id, case, by, now)
    return instance_id


def decide(
    case: Case,
    *,
    verdict: Verdict,
    expected_version: int,
    by: User,
    now: datetime,
    note: str = "",
    target: str | None = None,
) -> None:
    """Decide on the current stage; refused with everything that is missing, or with who was faster."""
    session = require_write()
    instance = session.scalar(
        select(FlowInstance)
        .where(FlowInstance.subject_kind == case.subject[0], FlowInstance.subject_id == case.subject[1])
        .with_for_update()
    )
    if instance is None:
        raise NotFound
    definition = stored_definition(instance.definition_id)
    state = State(instance.node, cast(Status, instance.status), instance.version, tuple(instance.visits))
    if instance.version != expected_version:
        raise Conflict(_who_was_faster(instance.id, definition))
    decision = Decision(verdict, target or None, note)
    if not may_decide(definition, instance, by):
        raise Forbidden
    outcome = _advance(definition, state, decision)
    _check_gates(definition, state, decision, case.subject)
    _store(instance.id, state, outcome.state, decision, by=by.id, now=now)
    _apply(outcome, definition, instance.id, case, by=by.id, now=now)


def may_decide(definition: Definition, instance: FlowInstance, user: User) -> bool:
    """Say whether the person may decide now: by permission, and on an approval by being asked for it.

    Asked for are those of the role and whoever its to-do was handed to; an administrator can always help out. What has
    ended is opened again by those who decide on the last stage.
    """
    node = definition.node(instance.node) if instance.node else definition.nodes[-1]
    if not user.can(node.permission):
        return False
    if node.kind != "approve" or user.has_role("admin"):
        return True
    if node.owner.kind == "role" and user.has_role(node.owner.value):
        return True
    handed = select(Task.id).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.node == node.id, Task.owner_id == user.id,
    )  # fmt: skip
    return db.session.scalar(handed.limit(1)) is not None


def halt(case: Case, *, by: int | None, now: datetime) -> None:
    """Let a running flow wait where it stands: its to-do is cancelled and its time stops."""
    instance = _instance(*case.subject)
    if instance is not None and instance.node:
        _end_spans(instance.id, instance.node, now)
        close_tasks(case.subject, node=instance.node, by=by, now=now, done=False)


def resume(case: Case, *, by: int | None, now: datetime) -> None:
    """Let a flow that waits go on where it stood, with a new to-do."""
    instance = _instance(*case.subject)
    if instance is not None and instance.node:
        node = stored_definition(instance.definition_id).node(instance.node)
        _enter(_entry(node, case.initiator_id, case.department_id, by, now), instance.id, case, by, now)


def definition_of(subject_kind: str, subject_id: int) -> tuple[Definition, FlowInstance] | None:
    """Return the flow of a subject and where it stands."""
    from_row = _instance(subject_kind, subject_id)
    return None if from_row is None else (stored_definition(from_row.definition_id), from_row)


def active_definition(flow: str) -> tuple[int, Definition] | None:
    """Return (id, definition) of the newest active version of a flow."""
    found = db.session.scalar(ACTIVE, {"flow": flow})
    return None if found is None else (found, stored_definition(found))


def stored_definition(definition_id: int) -> Definition:
    """Return one version of a flow; a version never changes, so it is parsed once."""
    return remembered(
        "flow",
        definition_id,
        lambda: parse_definition(db.session.get_one(FlowDefinition, definition_id).definition),
    )


def _instance(subject_kind: str, subject_id: int) -> FlowInstance | None:
    statement = select(FlowInstance).where(
        FlowInstance.subject_kind == subject_kind, FlowInstance.subject_id == subject_id
    )
    return db.session.scalar(statement)


def _advance(definition: Definition, state: State, decision: Decision) -> Outcome:
    try:
        return advance(definition, state, decision)
    except FlowError as error:
        raise Refused(_(error.message, **error.params), field="note") from error


def _check_gates(definition: Definition, state: State, decision: Decision, subject: tuple[str, int]) -> None:
    left = [node.id for node in nodes_left(definition, state, decision)]
    if left and left[-1] == definition.nodes[-1].id:
        left.append(CLOSE)
    missing = [*shut_gates(gates_to_pass(definition, state, decision), *subject), *held_back(*subject, left)]
    if missing:
        raise Refused("\n".join(missing), field="gates")


def _store(instance_id: int, old: State, new: State, decision: Decision, *, by: int, now: datetime) -> None:
    session = require_write()
    changed = session.execute(
        update(FlowInstance)
        .where(FlowInstance.id == instance_id, FlowInstance.version == old.version)
        .values(node=new.node, status=new.status, version=new.version, visits=list(new.visits))
        .returning(FlowInstance.id)
    ).scalar_one_or_none()
    if changed is None:
        raise Conflict(_("别人刚刚作了决定,您的没有保存。请刷新后查看。"))
    _note_decision(instance_id, old, new.version, decision, by=by, now=now)


def _note_decision(
    instance_id: int, old: State, version: int, decision: Decision, *, by: int | None, now: datetime
) -> None:
    require_write().add(
        FlowDecision(
            instance_id=instance_id, version=version, node=old.node, verdict=decision.verdict,
            target=decision.target or "", note=decision.note, by=by, at=now,
        )
    )  # fmt: skip


def _apply(
    outcome: Outcome, definition: Definition, instance_id: int, case: Case, *, by: int | None, now: datetime
) -> None:
    for effect in outcome.effects:
        _perform(effect, definition, instance_id, case, by, now)


def _perform(
    effect: Effect, definition: Definition, instance_id: int, case: Case, by: int | None, now: datetime
) -> None:
    match effect:
        case OpenTask(node):
            entry = _entry(definition.node(node), case.initiator_id, case.department_id, by, now)
            _enter(entry, instance_id, case, by, now)
        case CloseTasks(node):
            _leave(node, instance_id, case, by, now)
        case Closed():
            events.record("flow_closed", subject=case.subject, by=by, now=now)
        case Terminated():
            events.record("flow_terminated", subject=case.subject, by=by, now=now)
        case Reopened(node):
            events.record("flow_reopened", subject=case.subject, by=by, now=now, body={"node": node})


def _entry(node: Node, initiator_id: int | None, department_id: int | None, by: int | None, now: datetime) -> Entry:
    owner_id, role_key = _owner(node, initiator_id, department_id, by)
    of_owner = _department_of(owner_id) or department_id
    return Entry(node.id, owner_id, role_key, of_owner, due_for(of_owner, now, node.due_minutes))


def _enter(entry: Entry, instance_id: int, case: Case, by: int | None, now: datetime) -> None:
    open_task(
        NewTask(
            kind="stage",
            subject=case.subject,
            title=case.title,
            url=case.url,
            node=entry.node,
            owner_id=entry.owner_id,
            role_key=entry.role_key,
            department_id=entry.department_id,
            due_at=entry.due_at,
        ),
        by=by,
        now=now,
    )
    require_write().execute(ENTER, {"instance_id": instance_id, "node": entry.node, "entered_at": now})
    body = {
        "node": entry.node,
        "due_at": entry.due_at.isoformat(),
        "owner_id": entry.owner_id,
        "role": entry.role_key,
    }
    events.record("stage_entered", subject=case.subject, by=by, now=now, body=body)


def _leave(node: str, instance_id: int, case: Case, by: int | None, now: datetime) -> None:
    _end_spans(instance_id, node, now)
    close_tasks(case.subject, node=node, by=by, now=now)


def _end_spans(instance_id: int, node: str, now: datetime) -> None:
    require_write().execute(
        update(StageSpan)
        .where(StageSpan.instance_id == instance_id, StageSpan.node == node, StageSpan.left_at.is_(None))
        .values(left_at=now)
    )


def _owner(node: Node, initiator_id: int | None, department_id: int | None, by: int | None) -> tuple[int | None, str]:
    """Return (person, pool): one person where the rule names exactly one, the role's pool otherwise, never nobody."""
    rule = node.owner
    if rule.kind == "initiator" and initiator_id is not None:
        return initiator_id, ""
    if rule.kind == "current" and by is not None:
        return by, ""
    if rule.kind == "user":
        found = require_write().scalar(select(User.id).where(User.username == rule.value, User.active))
        if found is not None:
            return found, ""
    if rule.kind == "department_head" and department_id is not None:
        head = require_write().scalar(select(Department.head_id).where(Department.id == department_id))
        if head is not None:
            return head, ""
    role = rule.value if rule.kind == "role" else "quality_lead"
    people = _people_of(role)
    return (people[0], "") if len(people) == 1 else (None, role)


def _people_of(role_key: str) -> list[int]:
    statement = (
        select(User.id)
        .join(user_role, user_role.c.user_id == User.id)
        .join(Role, Role.id == user_role.c.role_id)
        .where(Role.key == role_key, User.active)
        .order_by(User.id)
    )
    return list(require_write().scalars(statement))


def _department_of(user_id: int | None) -> int | None:
    if user_id is None:
        return None
    return require_write().scalar(DEPARTMENT_OF, {"user": user_id})


def _who_was_faster(instance_id: int, definition: Definition) -> str:
    last = (
        require_write()
        .execute(
            select(FlowDecision.verdict, FlowDecision.node, FlowDecision.at, User.name)
            .join(User, User.id == FlowDecision.by, isouter=True)
            .where(FlowDecision.instance_id == instance_id)
            .order_by(FlowDecision.version.desc())
            .limit(1)
        )
        .one_or_none()
    )
    if last is None:
        return _("页面已过期,您的决定没有保存。请刷新后再看。")
    words = {
        "submit": _("提交"),
        "return": _("退回"),
        "terminate": _("终止"),
        "reopen": _("重新打开"),
        "close": _("结案"),
    }
    return _(
        "%(name)s 刚刚已对「%(node)s」作出决定:%(verdict)s。您的决定没有保存,请刷新后再看。",
        name=last.name or "—",
        node=definition.node(last.node).name_zh if last.node else "—",
        verdict=words[last.verdict],
    )
