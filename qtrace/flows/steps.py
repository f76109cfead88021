"""What a flow does by itself: automatic steps, waiting for another system, and flows inside a flow.

A step runs in a job after its node was entered. What it does and the case going on are one transaction; what fails is
tried again, and after the last try the case goes the node's way for a failure, so that nothing waits unseen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import db, require_write, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.events import Event
from qtrace.core.jobs import JobContext
from qtrace.flows.case import Case
from qtrace.flows.definition import Node
from qtrace.flows.models import FlowInstance
from qtrace.flows.service import apply, case_of, prepare_flow, start_flow, stored_tree
from qtrace.flows.state import Signal
from qtrace.flows.stored import load_state

STEPS = "qtrace_flow_steps"
CALLBACK = "callback"
SALT = "flow-callback"
PART = "flow_part"  # the kind of subject of a flow inside a flow
PER_CASE = 1_000_000  # numbers of one case that its parts may take: parent × this + token


@dataclass(frozen=True)
class StepCase:
    """The case a step works on."""

    instance: FlowInstance
    node: Node
    token: int
    now: datetime

    @property
    def case(self) -> Case:
        """Return what the flow knows of its subject."""
        return case_of(self.instance)


@dataclass(frozen=True)
class Step:
    """One thing a node can do by itself: what people call it, and doing it inside a write; Refused says why it can't."""

    label: LazyString
    run: Callable[[StepCase], None]


def register_step(app: Flask, action: str, step: Step) -> None:
    """Let automatic nodes do this."""
    app.extensions.setdefault(STEPS, {})[action] = step


def steps() -> Mapping[str, LazyString]:
    """Return what automatic nodes can do: {action: what people call it}."""
    known: dict[str, Step] = current_app.extensions.get(STEPS, {})
    return {action: step.label for action, step in known.items()} | {CALLBACK: _l("通知外部系统并等它回话")}


def run_step(payload: dict[str, Any], context: JobContext) -> None:
    """Do what the node of a case asks; a case that has gone on meanwhile is left alone."""
    now = context.clock()
    try:
        with write():
            _run(int(payload["instance"]), int(payload["token"]), now)
            context.complete()
    except Refused as refused:
        with write():
            _failed(int(payload["instance"]), int(payload["token"]), refused.message, now)
            context.complete()


def callback_url(instance_id: int, token: int) -> str:
    """Return the address at which another system says how it went: POST {"passed": true, "note": ""}, once."""
    signed = URLSafeSerializer(str(current_app.secret_key), salt=SALT).dumps([instance_id, token])
    return f"{current_app.config['QTRACE_BASE_URL']}/in/flows/{signed}"


def answer_callback(signed: str, *, passed: bool, note: str, now: datetime) -> None:
    """Let the case go on that waits for this answer; NotFound for a wrong address, Conflict where it waits no more."""
    try:
        instance_id, token = URLSafeSerializer(str(current_app.secret_key), salt=SALT).loads(signed)
    except (BadSignature, ValueError, TypeError):
        raise NotFound from None
    found = _standing(instance_id, token, now)
    if found is None or found.node.options.get("action") != CALLBACK:
        raise Conflict(_("这件事已经不在等这个答复。"))
    _signal(found, passed=passed, note=note[:500])


def follow_end(event: Event) -> None:
    """Let the case above go on when a flow inside it has ended."""
    if event.subject_kind != PART:
        return
    part = require_write().scalar(
        select(FlowInstance).where(FlowInstance.subject_kind == PART, FlowInstance.subject_id == event.subject_id)
    )
    if part is None or part.parent_id is None or part.parent_token is None:
        return
    found = _standing(part.parent_id, part.parent_token, event.at)
    if found is not None:
        _signal(found, passed=event.name == "flow_closed", note="")


def root_of(part_id: int) -> tuple[str, int]:
    """Return the subject a flow inside a flow is about: that of the outermost case."""
    kind, subject_id = PART, part_id
    while kind == PART:
        parent = parent_of(subject_id)
        kind, subject_id = parent.subject_kind, parent.subject_id
    return kind, subject_id


def parent_of(part_id: int) -> FlowInstance:
    """Return the case a part belongs to; NotFound where there is none."""
    found = db.session.get(FlowInstance, part_id // PER_CASE)
    if found is None:
        raise NotFound
    return found


def _run(instance_id: int, token: int, now: datetime) -> None:
    found = _standing(instance_id, token, now)
    if found is None:
        return
    if found.node.kind == "subflow":
        _begin_part(found)
        return
    action = str(found.node.options.get("action", ""))
    if action == CALLBACK:
        body = {"node": found.node.id, "callback": callback_url(instance_id, token)}
        events.record("flow_waits", subject=found.case.subject, by=None, now=now, body=body)
        return
    known: dict[str, Step] = current_app.extensions.get(STEPS, {})
    if action not in known:
        raise Refused(_("没有自动处理「%(action)s」:提供它的插件可能已卸载。", action=action))
    known[action].run(found)
    _signal(found, passed=True, note="")


def _begin_part(found: StepCase) -> None:
    flow, above = str(found.node.options.get("flow", "")), found.instance
    if flow in _flows_above(above):
        raise Refused(_("子流程不能又进入自己。"))
    part_id = above.id * PER_CASE + found.token
    prepared = prepare_flow(
        initiator_id=above.initiator_id, department_id=above.department_id, now=found.now, flow=flow
    )
    case = Case((PART, part_id), above.title, above.url, above.initiator_id, above.department_id)
    session = require_write()
    instance_id = start_flow(case, prepared, by=None, now=found.now)
    row = session.get_one(FlowInstance, instance_id)
    row.parent_id, row.parent_token = above.id, found.token


def _flows_above(instance: FlowInstance) -> set[str]:
    found, row = set(), instance
    while True:
        found.add(stored_tree(row.definition_id).definition.key)
        above = db.session.get(FlowInstance, row.parent_id) if row.parent_id else None
        if above is None:
            return found
        row = above


def _failed(instance_id: int, token: int, why: str, now: datetime) -> None:
    found = _standing(instance_id, token, now)
    if found is None:
        return
    body = {"token": token, "node": found.node.id}
    events.record("flow_stuck", subject=found.case.subject, by=None, now=now, body=body, reason=why[:500])
    _signal(found, passed=False, note=why[:500])


def _standing(instance_id: int, token: int, now: datetime) -> StepCase | None:
    """Return the case with its row locked, None where the token has gone on."""
    instance = require_write().scalar(
        select(FlowInstance).where(FlowInstance.id == instance_id).with_for_update()
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if instance is None or instance.status != "running":
        return None
    place = next((one.node for one in load_state(instance.state).tokens if one.id == token), None)
    if place is None:
        return None
    return StepCase(instance, stored_tree(instance.definition_id).nodes[place], token, now)


def _signal(found: StepCase, *, passed: bool, note: str) -> None:
    apply(found.instance, found.case, Signal(found.token, passed, "", note), by=None, now=found.now)
