"""What a flow does by itself: automatic nodes, and flows inside a flow, each in a job after its node was entered.

A node's function says what is to be done; calls to other systems are made outside any transaction, then everything else and
the case going on are one write. What fails is tried again, and after the last try the case goes the node's way for a
failure, so that nothing waits unseen.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from qtrace.core import events
from qtrace.core.db import in_write, read, write
from qtrace.core.errors import Refused
from qtrace.core.jobs import JobContext
from qtrace.core.net import Unreachable
from qtrace.core.setting_fields import say
from qtrace.flows.addresses import settings_of
from qtrace.flows.callbacks import callback_url
from qtrace.flows.calling import make_call
from qtrace.flows.effects import do_effect, prepared
from qtrace.flows.node_values import Values, settled
from qtrace.flows.parts import begin_part
from qtrace.flows.performing import set_timer
from qtrace.flows.standing import StepCase, go_on, standing
from qtrace.flows.subjects import flow_subjects
from qtrace.plugins import flow_nodes
from qtrace.sdk.errors import ConnectorError
from qtrace.sdk.flow_nodes import CallAddress, FlowNode, NodeCase, NodeEffect, WaitForAnswer
from qtrace.sdk.senders import HttpCall, Outcome
from qtrace.sdk.text import Text

LONGEST_WAIT = timedelta(days=7)  # of a node that says nothing else
TRIES = 5  # of a step whose calls nobody answers, as the jobs count them

log = logging.getLogger("qtrace.flows")


@dataclass(frozen=True)
class Place:
    """A token of a case that a job is about; `key` tells the calls of one step from those of all others."""

    instance: int
    token: int
    key: str


class _AgainError(Exception):
    """The other side is away or busy; the job is tried again."""


def run_step(payload: dict[str, Any], context: JobContext) -> None:
    """Do what the node of a case asks; a case that has gone on meanwhile is left alone."""
    place, now = _place(payload, context), context.clock()
    try:
        effects = _asked(place, now)
        with write():
            found = standing(place.instance, place.token, now)
            if found is not None and found.instance.halted_at is not None:
                _park(found, payload, context)
            elif found is not None and found.node.kind == "subflow":
                begin_part(found)
            elif found is not None and effects is not None:
                _done(found, effects)
            context.complete()
    except (Refused, ConnectorError) as refused:
        _give_up(place, _reason(refused.message), context, now)
    except (Unreachable, _AgainError) as away:
        if context.tries < TRIES:
            raise
        _give_up(place, str(away), context, now)


def _asked(place: Place, now: datetime) -> Sequence[object] | None:
    """Return what is to be done in the write, the node's calls made already; None for a flow inside the flow."""
    with read():
        found = standing(place.instance, place.token, now, locked=False)
        if found is None or found.node.kind == "subflow" or found.instance.halted_at is not None:
            return None
        node = _node_of(found)
        case = _case_of(found, node, place)
    try:
        asked = [effect for one in node.run(case) for effect in _carried(node, case, one)]
        with read():
            still = standing(place.instance, place.token, now, locked=False)
            return [prepared(still, one) for one in asked] if still is not None else []
    except (Refused, ConnectorError, Unreachable, _AgainError):
        raise
    except Exception as error:  # a plugin's own mistake harms its one case, which says so
        log.exception("the flow node %s failed", node.key)
        raise Refused(_("自动处理程序出错:%(what)s", what=type(error).__name__)) from error


def _carried(node: FlowNode, case: NodeCase, effect: NodeEffect) -> Sequence[NodeEffect]:
    """Return what an effect leaves to be done: a call is made here, and leaves what its answer asks for."""
    if not isinstance(effect, CallAddress | HttpCall):
        return [effect]
    if in_write():
        raise RuntimeError("calls are made outside any transaction")
    outcome = node.read(case, make_call(effect, case_id=case.id))
    if not isinstance(outcome, Outcome):
        return outcome
    if outcome.state == "retry":
        raise _AgainError(_reason(outcome.reason))
    if outcome.state == "permanent":
        raise Refused(_reason(outcome.reason))
    return []


def _done(found: StepCase, effects: Sequence[object]) -> None:
    """Do the effects and let the case go on, unless it is to wait for an answer."""
    told = [do_effect(found, one) for one in effects if not isinstance(one, WaitForAnswer)]
    if any(isinstance(one, WaitForAnswer) for one in effects):
        body = {"node": found.node.id, "callback": callback_url(found.instance.id, found.token)}
        events.record("flow_waits", subject=found.case.subject, by=None, now=found.now, body=body)
        if not found.node.options.get("timeout_minutes"):  # nothing waits for ever
            set_timer(found.instance.id, found.token, "fail", found.now + LONGEST_WAIT)
        return
    go_on(found, passed=True, note="、".join(one for one in told if one))


def _place(payload: dict[str, Any], context: JobContext) -> Place:
    return Place(int(payload["instance"]), int(payload["token"]), str(payload.get("key") or context.id))


def _park(found: StepCase, payload: dict[str, Any], context: JobContext) -> None:
    """Put a step aside until the case goes on; its calls keep their key, should one have been made already."""
    kept = payload | {"key": _place(payload, context).key}
    found.instance.parked = [*(found.instance.parked or ()), kept]


def _give_up(place: Place, why: str, context: JobContext, now: datetime) -> None:
    with write():
        found = standing(place.instance, place.token, now)
        if found is not None and found.instance.halted_at is not None:
            _park(found, {"instance": place.instance, "token": place.token, "key": place.key}, context)
        elif found is not None:
            body = {"token": place.token, "node": found.node.id}
            events.record("flow_stuck", subject=found.case.subject, by=None, now=now, body=body, reason=why[:500])
            go_on(found, passed=False, note=why)
        context.complete()


def _node_of(found: StepCase) -> FlowNode:
    action = str(found.node.options.get("action", ""))
    node = flow_nodes(current_app).get(action)
    if node is None:
        raise Refused(_("没有自动处理「%(action)s」:提供它的插件可能已卸载。", action=action))
    if node.about and found.about[0] not in node.about:
        raise Refused(_("「%(name)s」不能用在这里。", name=say(node.name)))
    return node


def _case_of(found: StepCase, node: FlowNode, place: Place) -> NodeCase:
    kind, subject_id = found.about
    case, subject = found.case, flow_subjects().get(kind)
    url = f"{current_app.config['QTRACE_BASE_URL']}{case.url}"
    number = subject.number(subject_id) if subject else ""
    own = {"number": number, "title": case.title, "url": url}
    values = Values((kind, subject_id), own, found.now)
    return NodeCase(
        id=f"flow-{place.instance}-{place.token}-{place.key}", kind=kind, number=number, title=case.title, url=url,
        node=Text(found.node.name_zh, found.node.name_en), now=found.now, values=values.seen.values,
        callback=callback_url(place.instance, place.token),
        options=settled(node, settings_of(found.node.options), values),
    )  # fmt: skip


def _reason(message: Text | str) -> str:
    return say(message)
