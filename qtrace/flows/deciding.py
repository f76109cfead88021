"""Decide where a case stands, from its own page or from one's to-do; who was slower is told who was faster."""

from datetime import datetime
from typing import Literal

from flask_babel import gettext as _

from qtrace.accounts.models import User
from qtrace.core.errors import Conflict, Forbidden, Refused
from qtrace.flows.case import Case
from qtrace.flows.definition import Node, Tree
from qtrace.flows.history import who_was_faster
from qtrace.flows.instances import locked, stored_tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.rights import check_deputy, may_act, may_decide, turn_for
from qtrace.flows.service import apply
from qtrace.flows.state import Decide, Finish, Operation, Reopen, Return, State, Token
from qtrace.flows.state import Entry as Turn
from qtrace.flows.stored import load_state
from qtrace.tasks.standing import stands_in

Verdict = Literal["submit", "reject", "return", "terminate", "reopen", "close"]


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
    """Decide on where the case stands; refused with everything that is missing, or with who was faster.

    `expected_version` is the instance's `moved` as the page showed it.
    """
    instance = locked(case.subject)
    tree, state = stored_tree(instance.definition_id), load_state(instance.state)
    if state.moved != expected_version:
        raise Conflict(who_was_faster(instance.id, tree))
    found = turn_for(tree, instance, state, by)
    if not may_decide(tree.definition, instance, by):
        raise Forbidden
    check_deputy(tree, instance, found, by, now)
    if found and verdict in ("submit", "reject", "return"):
        _check_joined(tree, found, by, now)
    if found and verdict in ("submit", "reject"):
        _check_simple(tree, state, tree.nodes[found[0].node], verdict)
    apply(instance, case, _operation(verdict, found, by.id, note, target or ""), by=by.id, now=now)


def decide_turn(
    case: Case, entry: int, *, verdict: Verdict, by: User, now: datetime, note: str = "", target: str = ""
) -> None:
    """Decide on one's own turn, from its to-do; refused when it is over, or is somebody else's.

    Other voices of the same node do not disturb it: only the turn itself has to be open still.
    """
    instance = locked(case.subject)
    tree, state = stored_tree(instance.definition_id), load_state(instance.state)
    token, turn = _open_turn(state, entry, instance, tree)
    if not may_act(tree, instance, (token, turn), by, now):
        raise Forbidden
    apply(instance, case, _operation(verdict, (token, turn), by.id, note, target), by=by.id, now=now)


def choices_at(tree: Tree, node: Node) -> list[Node]:
    """Return the nodes whose people are chosen here: by the initiator at the start, or by whoever decides just above."""
    below = [one for one in tree.walk() if tree.order[one.id] > tree.order[node.id]]
    first = [one for one in below if any(who.kind == "initiator_choice" for who in one.who)]
    following = next((one for one in below if one.who), None)
    asked = following is not None and any(who.kind == "previous_choice" for who in following.who)
    return [*(first if node.kind == "start" else ()), *((following,) if following is not None and asked else ())]


def asks_more(tree: Tree, state: State, node: Node, *, agreeing: bool = True) -> str:
    """Say what a node asks for that the box on a subject's own page has no room for; empty where a note is enough."""
    if node.demands.level:
        return _("这一步要输入密码确认,请从待办打开后处理。")
    if node.demands.signature and agreeing:
        return _("这一步要手写签名,请从待办打开后处理。")
    chosen = dict(state.chosen)
    if agreeing and any(not chosen.get(one.id) for one in choices_at(tree, node)):
        return _("这一步要选择下一步由谁处理,请从待办打开后处理。")
    return ""


def _check_simple(tree: Tree, state: State, node: Node, verdict: Verdict) -> None:
    told = asks_more(tree, state, node, agreeing=verdict == "submit")
    if told:
        raise Refused(told, field="note")


def _check_joined(tree: Tree, found: tuple[Token, Turn], by: User, now: datetime) -> None:
    """Refuse to answer for somebody who joined: whoever may decide here is asked when that person has agreed."""
    token, turn = found
    joined = any(turn in seat.chain for seat in token.seats if seat.joined)
    if joined and by.id != turn.user and not stands_in(by.id, turn.user, tree.definition.key, now):
        raise Refused(_("这一步先由追加的人办,他们都同意了才轮到您。"), field="note")


def _operation(verdict: Verdict, found: tuple[Token, Turn] | None, by: int, note: str, target: str) -> Operation:
    if verdict == "reopen":
        return Reopen(by, note, target)
    if verdict in ("close", "terminate"):
        return Finish(by, "closed" if verdict == "close" else "terminated", note)
    entry = found[1].id if found else 0
    if verdict == "return":
        return Return(entry, by, note, target)
    return Decide(entry, by, "reject" if verdict == "reject" else "approve", note, target)


def _open_turn(state: State, entry: int, instance: FlowInstance, tree: Tree) -> tuple[Token, Turn]:
    for token in state.tokens:
        for seat in token.seats:
            for turn in seat.chain:
                if turn.id == entry and turn.state == "open":
                    return token, turn
    raise Conflict(who_was_faster(instance.id, tree))
