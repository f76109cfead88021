"""Verify nodes judge by themselves: a case that stands on one goes on, or back, as soon as the data has an answer.

What the data says is known to the package of the subject (`register_judge`); here is asked whom, when, and what follows.
People may decide earlier on the same node: whoever is first counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flask import Flask, current_app
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.jobs import JobContext
from qtrace.flows.definition import Node, Tree
from qtrace.flows.instances import case_of, locked, stored_tree
from qtrace.flows.models import FlowInstance, StageSpan
from qtrace.flows.service import apply
from qtrace.flows.state import Signal
from qtrace.flows.stored import load_state

JUDGES = "qtrace_flow_judges"
TICK = "flow-verify"
ROOT_CAUSE = "root_cause_found"  # the gate of the node where it is looked for


@dataclass(frozen=True)
class Judgement:
    """What the data says: it waits for more, the action works, or it does not; `note` says why, with the figures."""

    outcome: Literal["waits", "passed", "failed"]
    note: str = ""


Judge = Callable[[int, Node, datetime], Judgement]


def register_judge(app: Flask, subject_kind: str, judge: Judge) -> None:
    """Let `judge` say, inside a write, what the data says of (subject, verify node) at a moment; it keeps its figures."""
    app.extensions.setdefault(JUDGES, {})[subject_kind] = judge


def run_verify(_payload: dict[str, Any], context: JobContext) -> None:
    """Judge every case that stands on a verify node, each in a write of its own."""
    for subject, token in standing():
        judge_case(subject, token, context.clock())
        with write():
            context.extend()
    with write():
        context.complete()


def standing() -> list[tuple[tuple[str, int], int]]:
    """Return (subject, token) of every running case that stands on a verify node somebody can judge."""
    statement = (
        select(FlowInstance.subject_kind, FlowInstance.subject_id, FlowInstance.definition_id, StageSpan.node, StageSpan.token)
        .join(StageSpan, StageSpan.instance_id == FlowInstance.id)
        .where(
            FlowInstance.status == "running", StageSpan.left_at.is_(None),
            FlowInstance.subject_kind.in_(sorted(_judges())),
        ).order_by(FlowInstance.id)
    )  # fmt: skip
    rows = db.session.execute(statement).all()
    return [
        ((row.subject_kind, row.subject_id), row.token)
        for row in rows
        if stored_tree(row.definition_id).nodes[row.node].kind == "verify"
    ]


def judge_case(subject: tuple[str, int], token: int, now: datetime) -> Judgement | None:
    """Judge one case and let it move; None when it has gone on meanwhile, or may not leave its node yet."""
    try:
        with write():
            return _judge(subject, token, now)
    except Conflict:
        return None  # somebody decided at the same moment; the next round looks again
    except Refused as refused:
        with write():
            body = {"token": token}
            events.record("flow_stuck", subject=subject, by=None, now=now, body=body, reason=refused.message[:500])
        return None


def _judge(subject: tuple[str, int], token: int, now: datetime) -> Judgement | None:
    instance = locked(subject)
    tree, state = stored_tree(instance.definition_id), load_state(instance.state)
    node = next((tree.nodes[one.node] for one in state.tokens if one.id == token), None)
    if instance.status != "running" or node is None or node.kind != "verify":
        return None
    found = _judges()[subject[0]](subject[1], node, now)
    if found.outcome != "waits":
        passed = found.outcome == "passed"
        target = "" if passed else back_to(tree, node)
        apply(instance, case_of(instance), Signal(token, passed, target, found.note), by=None, now=now)
    return found


def back_to(tree: Tree, node: Node) -> str:
    """Return the node a case goes back to when its action did not work: the one named, else where the cause is found."""
    named = str(node.options.get("fail_to", ""))
    if named in tree.nodes:
        return named
    before = [one for one in tree.walk() if tree.leads_back(node.id, one.id)]
    return next((one.id for one in before if ROOT_CAUSE in one.gates), "")


def _judges() -> dict[str, Judge]:
    known: dict[str, Judge] = current_app.extensions.get(JUDGES, {})
    return known
