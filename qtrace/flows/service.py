"""Start flows and decide: one compare-and-set per operation, its effects in the same transaction.

The instance's row is locked and its `version` is the guard. Whoever changes it first wins; a decision made on a page that
shows another node than the case stands on is refused, and told who decided what and when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flask_babel import gettext as _
from sqlalchemy import bindparam, func, insert, or_, select, update

from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import db, insert_row, require_write, table_of
from qtrace.core.errors import Conflict, Forbidden, NotFound, Refused
from qtrace.core.memo import remembered
from qtrace.flows.case import Case
from qtrace.flows.company import CompanyFacts, active
from qtrace.flows.definition import ASKING, JUDGING, Definition, Node, Tree
from qtrace.flows.engine import act, start
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Recorded
from qtrace.flows.gates import held_back, shut_gates
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance
from qtrace.flows.performing import Entry, Stage, drop_timers, end_spans, entry_of, perform, span_again
from qtrace.flows.reading import parse_definition
from qtrace.flows.state import (
    Decide,
    Finish,
    HandOver,
    OpenTask,
    Operation,
    Outcome,
    Reopen,
    Return,
    Signal,
    State,
    Token,
)
from qtrace.flows.state import Entry as Turn
from qtrace.flows.stored import dump_operation, dump_state, load_state
from qtrace.tasks.models import Task
from qtrace.tasks.service import close_tasks
from qtrace.tasks.standing import persons_behind, stands_in, stood_for

__all__ = ["Case", "Entry"]

Verdict = Literal["submit", "reject", "return", "terminate", "reopen", "close"]

DEFAULT_FLOW = "quality_issue"
CLOSE = "close"  # what watches are asked besides the stages when the flow ends
FLOWS = table_of(FlowDefinition)
ACTIVE = (
    select(FLOWS.c.id).where(FLOWS.c.key == bindparam("flow"), FLOWS.c.active).order_by(FLOWS.c.version.desc()).limit(1)
)
START = insert(table_of(FlowInstance))


@dataclass(frozen=True)
class Start:
    """A flow about to start: which version, what it began with, and how the first node is entered."""

    definition_id: int
    tree: Tree
    outcome: Outcome
    answers: tuple[Answer, ...]
    entry: Entry


def prepare_flow(
    *, initiator_id: int | None, department_id: int | None, now: datetime, flow: str = DEFAULT_FLOW
) -> Start:
    """Return how the newest active version of a flow starts, so that the subject can be stored with its first node."""
    definition_id, tree = _active_tree(flow)
    facts = Recorded(CompanyFacts(tree, ("", 0), initiator_id, department_id))
    outcome = start(tree, facts, initiator=initiator_id)
    opened = [effect for effect in outcome.effects if isinstance(effect, OpenTask)]
    entry = entry_of(tree.nodes[opened[0].node], opened, department_id, now)
    return Start(definition_id, tree, outcome, tuple(facts.answers), entry)


def start_flow(case: Case, prepared: Start, *, by: int | None, now: datetime) -> int:
    """Start a prepared flow for a stored subject and return the instance's id."""
    return _begin(case, prepared.definition_id, prepared.tree, prepared.outcome, prepared.answers, by=by, now=now)


def start_submitted(case: Case, *, flow: str, by: int | None, now: datetime) -> int:
    """Start a flow for a subject that is submitted as it is made: it stands past the first node at once."""
    definition_id, tree = _active_tree(flow)
    _check_gates((tree.definition.first,), case.subject)
    facts = Recorded(CompanyFacts(tree, case.subject, case.initiator_id, case.department_id, by))
    outcome = start(tree, facts, initiator=case.initiator_id, submitted=True)
    return _begin(case, definition_id, tree, outcome, tuple(facts.answers), by=by, now=now, submitted=True)


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
        raise Conflict(_who_was_faster(instance.id, tree))
    found = turn_for(tree, instance, state, by)
    if not may_decide(tree.definition, instance, by):
        raise Forbidden
    _check_deputy(tree, instance, found, by, now)
    if found and verdict in ("submit", "reject"):
        _check_simple(tree, state, tree.nodes[found[0].node], verdict)
    apply(instance, case, _operation(verdict, found, by.id, note, target or ""), by=by.id, now=now)


def choices_at(tree: Tree, node: Node) -> list[Node]:
    """Return the nodes whose people are chosen here: by the initiator at the start, or by whoever decides just above."""
    below = [one for one in tree.walk() if tree.order[one.id] > tree.order[node.id]]
    first = [one for one in below if any(who.kind == "initiator_choice" for who in one.who)]
    following = next((one for one in below if one.who), None)
    asked = following is not None and any(who.kind == "previous_choice" for who in following.who)
    return [*(first if node.kind == "start" else ()), *((following,) if following is not None and asked else ())]


def _check_simple(tree: Tree, state: State, node: Node, verdict: Verdict) -> None:
    """Refuse what the box on a subject's own page has no room for: a password, and people to be chosen."""
    if node.demands.level:
        raise Refused(_("这一步要输入密码确认,请从待办打开后处理。"), field="note")
    chosen = dict(state.chosen)
    if verdict == "submit" and any(not chosen.get(one.id) for one in choices_at(tree, node)):
        raise Refused(_("这一步要选择下一步由谁处理,请从待办打开后处理。"), field="note")


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


def may_act(tree: Tree, instance: FlowInstance, found: tuple[Token, Turn], by: User, now: datetime) -> bool:
    """Say whether a turn is the person's: its own, of a pool, stood in for, or an administrator helps out.

    Refused where a deputy would judge the own case and the node forbids that.
    """
    turn = found[1]
    deputy = stands_in(by.id, turn.user, tree.definition.key, now)
    if by.id != turn.user and by.id not in turn.pool and not deputy and not by.has_role("admin"):
        return False
    _check_deputy(tree, instance, found, by, now)
    return True


def apply(instance: FlowInstance, case: Case, operation: Operation, *, by: int | None, now: datetime) -> State:
    """Do one operation to a locked instance: checked, stored, noted, and its effects performed."""
    tree, before = stored_tree(instance.definition_id), load_state(instance.state)
    facts = Recorded(CompanyFacts(tree, case.subject, case.initiator_id, case.department_id, by))
    try:
        outcome = act(tree, before, operation, facts)
    except FlowError as error:
        raise Refused(_(error.message, **error.params), field="note") from error
    _check_gates(nodes_left(tree, before, operation, outcome.state), case.subject, outcome.state)
    _store(instance, outcome.state)
    _note(instance, tree, before, operation, facts.answers, by=by, now=now)
    acted = getattr(operation, "entry", None)
    perform(Stage(instance.id, case, tree, by, now), outcome.effects, done=acted)
    return _without_leavers(instance, case, outcome, now=now)


def may_decide(_definition: Definition, instance: FlowInstance, user: User) -> bool:
    """Say whether the person may decide now: by permission, and on an approval by being asked for it.

    Asked for are those whose turn it is and whoever its to-do was handed to; an administrator can always help out. What
    has ended is opened again by those who decide on the last node.
    """
    tree = stored_tree(instance.definition_id)
    node = tree.nodes[instance.node] if instance.node else last_asking(tree)
    if not user.can(node.permission):
        return _stands_in_for_one_who_may(instance, tree.definition.key, node, user)
    if node.kind not in JUDGING or user.has_role("admin"):
        return True
    role = next((who.value for who in node.who if who.kind == "role"), "")
    if node.signing.mode == "claim" and role and user.has_role(role):
        return True
    handed = select(Task.id).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.node == node.id, or_(Task.owner_id == user.id, stood_for(user)),
    )  # fmt: skip
    return db.session.scalar(handed.limit(1)) is not None


def _stands_in_for_one_who_may(instance: FlowInstance, flow: str, node: Node, user: User) -> bool:
    """Say whether somebody whose to-do the stage is may decide, and has this person as a deputy now."""
    behind = [one.user_id for one in persons_behind(user.id, clock.now()) if one.covers(flow)]
    if not behind:
        return False
    owners = select(User).join(Task, Task.owner_id == User.id).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.node == node.id, User.id.in_(behind),
    )  # fmt: skip
    return any(owner.can(node.permission) for owner in db.session.scalars(owners))


def last_asking(tree: Tree) -> Node:
    """Return the last node at which somebody is asked."""
    return [node for node in tree.walk() if node.kind in ASKING][-1]


def turn_for(tree: Tree, instance: FlowInstance, state: State, user: User) -> tuple[Token, Turn] | None:
    """Return the turn a person acts on: the own one, else one the person may take or stands in for, else the first."""
    behind = {one.user_id for one in persons_behind(user.id, clock.now()) if one.covers(tree.definition.key)}
    found = [
        (token, entry)
        for token in sorted(state.tokens, key=lambda token: tree.order[token.node])
        for seat in token.seats
        for entry in seat.chain
        if entry.state == "open"
    ]
    ranked = sorted(
        found, key=lambda one: (one[1].user != user.id, user.id not in one[1].pool, one[1].user not in behind)
    )
    here = [one for one in ranked if one[0].node == instance.node]
    return next(iter(here or ranked), None)


def halt(case: Case, *, by: int | None, now: datetime) -> None:
    """Let a running flow wait where it stands: its to-dos are cancelled and its time stops."""
    instance = _instance(*case.subject)
    if instance is not None and instance.status == "running":
        end_spans(instance.id, now)
        drop_timers(instance.id)
        close_tasks(case.subject, kind="stage", by=by, now=now, done=False)


def resume(case: Case, *, by: int | None, now: datetime) -> None:
    """Let a flow that waits go on where it stood, with new to-dos."""
    instance = _instance(*case.subject)
    if instance is not None and instance.status == "running":
        tree = stored_tree(instance.definition_id)
        span_again(Stage(instance.id, case, tree, by, now), load_state(instance.state))


def locked(subject: tuple[str, int]) -> FlowInstance:
    """Return the flow of a subject, which nobody else changes in this transaction."""
    instance = require_write().scalar(
        select(FlowInstance)
        .where(FlowInstance.subject_kind == subject[0], FlowInstance.subject_id == subject[1])
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if instance is None:
        raise NotFound
    return instance


def case_of(instance: FlowInstance) -> Case:
    """Return the case of an instance, as it was when the flow started."""
    subject = (instance.subject_kind, instance.subject_id)
    return Case(subject, instance.title, instance.url, instance.initiator_id, instance.department_id)


def definition_of(subject_kind: str, subject_id: int) -> tuple[Definition, FlowInstance] | None:
    """Return the flow of a subject and where it stands."""
    from_row = _instance(subject_kind, subject_id)
    return None if from_row is None else (stored_definition(from_row.definition_id), from_row)


def active_definition(flow: str) -> tuple[int, Definition] | None:
    """Return (id, definition) of the newest active version of a flow."""
    found = db.session.scalar(ACTIVE, {"flow": flow})
    return None if found is None else (found, stored_definition(found))


def stored_definition(definition_id: int) -> Definition:
    """Return one version of a flow; a version never changes, so it is read once."""
    return stored_tree(definition_id).definition


def stored_tree(definition_id: int) -> Tree:
    """Return the ways through one version of a flow."""
    return remembered(
        "flow",
        definition_id,
        lambda: Tree(parse_definition(db.session.get_one(FlowDefinition, definition_id).definition)),
    )


def _active_tree(flow: str) -> tuple[int, Tree]:
    found = db.session.scalar(ACTIVE, {"flow": flow})
    if found is None:
        raise Refused(_("没有启用的流程 %(key)s。请管理员先启用一个流程。", key=flow))
    return found, stored_tree(found)


def _instance(subject_kind: str, subject_id: int) -> FlowInstance | None:
    statement = select(FlowInstance).where(
        FlowInstance.subject_kind == subject_kind, FlowInstance.subject_id == subject_id
    )
    return db.session.scalar(statement)


def _begin(
    case: Case, definition_id: int, tree: Tree, outcome: Outcome, answers: Sequence[Answer], *, by: int | None,
    now: datetime, submitted: bool = False,
) -> int:  # fmt: skip
    kind, subject_id = case.subject
    values = {
        "definition_id": definition_id, "subject_kind": kind, "subject_id": subject_id, "title": case.title[:300],
        "url": case.url, "initiator_id": case.initiator_id, "department_id": case.department_id,
        "begun": [list(answer) for answer in answers], "submitted": submitted,
    } | stored_columns(tree, outcome.state)  # fmt: skip
    instance_id = insert_row(START, values)
    if submitted:
        first = tree.definition.first.id
        row = FlowDecision(
            instance_id=instance_id, version=outcome.state.version, node=first, verdict="submit", by=by, at=now
        )
        require_write().add(row)
    perform(Stage(instance_id, case, tree, by, now), outcome.effects)
    return instance_id


def stored_columns(tree: Tree, state: State) -> dict[str, object]:
    """Return the state and what of it stands in columns of its own."""
    places = sorted(state.tokens, key=lambda token: (tree.nodes[token.node].kind not in ASKING, tree.order[token.node]))
    node = places[0].node if places else None
    return {
        "state": dump_state(state), "node": node, "status": state.status, "version": state.version,
        "moved": state.moved,
    }  # fmt: skip


def _operation(verdict: Verdict, found: tuple[Token, Turn] | None, by: int, note: str, target: str) -> Operation:
    if verdict == "reopen":
        return Reopen(by, note, target)
    if verdict in ("close", "terminate"):
        return Finish(by, "closed" if verdict == "close" else "terminated", note)
    entry = found[1].id if found else 0
    if verdict == "return":
        return Return(entry, by, note, target)
    return Decide(entry, by, "reject" if verdict == "reject" else "approve", note, target)


def nodes_left(tree: Tree, before: State, operation: Operation, after: State) -> tuple[Node, ...]:
    """Return the nodes an operation leaves forwards; closing early leaves all that follow in the main column."""
    if isinstance(operation, Finish) and operation.status == "closed":
        first = min((tree.order[token.node] for token in before.tokens), default=0)
        return tuple(
            node for node in tree.walk()
            if tree.order[node.id] >= first and node.kind in ASKING
            and (not tree.places[node.id] or node.id in before.visits)
        )  # fmt: skip
    if not isinstance(operation, Decide) or operation.verdict != "approve":
        return ()
    still = {token.id for token in after.tokens}
    gone = [token for token in before.tokens if token.id not in still]
    return tuple(
        tree.nodes[token.node]
        for token in gone
        if any(entry.id == operation.entry for seat in token.seats for entry in seat.chain)
    )


def _check_gates(left: Sequence[Node], subject: tuple[str, int], after: State | None = None) -> None:
    if not left:
        return
    names = [node.id for node in left]
    if after is not None and after.status == "closed":
        names.append(CLOSE)
    gates = dict.fromkeys(gate for node in left for gate in node.gates)
    missing = [*shut_gates(gates, *subject), *held_back(*subject, names)]
    if missing:
        raise Refused("\n".join(missing), field="gates")


def _check_deputy(
    tree: Tree, instance: FlowInstance, found: tuple[Token, Turn] | None, by: User, now: datetime
) -> None:
    """Refuse a deputy to judge the own case where the node forbids that; the person stood in for still may."""
    if found is None or by.id != instance.initiator_id or found[1].user == by.id:
        return
    node = tree.nodes[found[0].node]
    forbidden = node.kind in JUDGING and node.policies.self_approval != "self"
    if forbidden and stands_in(by.id, found[1].user, tree.definition.key, now):
        raise Refused(_("这是您自己发起的,这一步不能由您代为审批。"), field="note")


def _open_turn(state: State, entry: int, instance: FlowInstance, tree: Tree) -> tuple[Token, Turn]:
    for token in state.tokens:
        for seat in token.seats:
            for turn in seat.chain:
                if turn.id == entry and turn.state == "open":
                    return token, turn
    raise Conflict(_who_was_faster(instance.id, tree))


def _store(instance: FlowInstance, new: State) -> None:
    tree = stored_tree(instance.definition_id)
    changed = (
        require_write()
        .execute(
            update(FlowInstance)
            .where(FlowInstance.id == instance.id, FlowInstance.version == new.version - 1)
            .values(**stored_columns(tree, new))
            .returning(FlowInstance.id)
        )
        .scalar_one_or_none()
    )
    if changed is None:
        raise Conflict(_("别人刚刚作了决定,您的没有保存。请刷新后查看。"))
    require_write().refresh(instance)


def _note(
    instance: FlowInstance, tree: Tree, before: State, operation: Operation, answers: Sequence[Answer], *,
    by: int | None, now: datetime,
) -> None:  # fmt: skip
    data = dump_operation(operation)
    require_write().add(
        FlowDecision(
            instance_id=instance.id, version=before.version + 1, node=_node_of(tree, before, operation),
            verdict=verdict_word(tree, before, operation), target=data.get("target", ""), note=data.get("note", ""),
            by=by, on_behalf=_on_behalf(tree, before, operation, by, now), at=now, operation=data, answers=[list(answer) for answer in answers],
        )
    )  # fmt: skip


def _on_behalf(tree: Tree, before: State, operation: Operation, by: int | None, now: datetime) -> int | None:
    """Return whose turn a deputy acted on; None where it was the own one, or nobody's."""
    entry = getattr(operation, "entry", None)
    if entry is None or by is None:
        return None
    turns = (one for token in before.tokens for seat in token.seats for one in seat.chain if one.id == entry)
    user = next((turn.user for turn in turns), None)
    return user if stands_in(by, user, tree.definition.key, now) else None


WORDS = {
    "Return": "return", "Withdraw": "withdraw", "TakeItBack": "take_back", "Transfer": "transfer",
    "Delegate": "delegate", "AddSigners": "add_signers", "RemoveSigner": "remove_signer", "Claim": "claim",
    "Release": "release", "HandOver": "hand_over", "TimedOut": "timeout", "Signal": "signal", "Jump": "jump",
    "Reopen": "reopen",
}  # fmt: skip


def verdict_word(tree: Tree, before: State, operation: Operation) -> str:
    """Return the word a history shows for an operation."""
    match operation:
        case Finish(_by, status):
            return "close" if status == "closed" else "terminate"
        case Signal(passed=False):
            return "failed"
        case Decide(entry, _by, "reject"):
            return "reject"
        case Decide(entry):
            node = next((one.node for one in before.tokens if _has(one, entry)), "")
            return "approve" if node and tree.nodes[node].kind == "countersign" else "submit"
        case _:
            return WORDS[type(operation).__name__]


def _node_of(tree: Tree, before: State, operation: Operation) -> str | None:
    entry, token_id = getattr(operation, "entry", None), getattr(operation, "token", None)
    for token in before.tokens:
        if token.id == token_id or (entry is not None and _has(token, entry)):
            return token.node
    first = sorted(before.tokens, key=lambda token: tree.order[token.node])
    return first[0].node if first else None


def _has(token: Token, entry: int) -> bool:
    return any(one.id == entry for seat in token.seats for one in seat.chain)


def _without_leavers(instance: FlowInstance, case: Case, outcome: Outcome, *, now: datetime) -> State:
    """Hand over turns that came to somebody who has left since the node was entered."""
    asked = [effect.user for effect in outcome.effects if isinstance(effect, OpenTask) and effect.user is not None]
    state = outcome.state
    for user in set(asked) - set(active(asked)):
        state = apply(instance, case, HandOver(user), by=None, now=now)
    return state


def _who_was_faster(instance_id: int, tree: Tree) -> str:
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
    node = tree.nodes.get(last.node)
    return _(
        "%(name)s 刚刚已对「%(node)s」作出决定:%(verdict)s。您的决定没有保存,请刷新后再看。",
        name=last.name or _("系统"), node=node.name_zh if node else "", verdict=word_of(last.verdict),
    )  # fmt: skip


def word_of(verdict: str) -> str:
    """Return what a history calls a kind of decision."""
    words = {
        "submit": _("提交"), "approve": _("同意"), "reject": _("驳回"), "return": _("退回"), "terminate": _("终止"),
        "reopen": _("重新打开"), "close": _("结案"), "withdraw": _("撤回"), "take_back": _("取回"),
        "transfer": _("转交"), "delegate": _("委派"), "add_signers": _("加签"), "remove_signer": _("减签"),
        "claim": _("领取"), "release": _("放回"), "hand_over": _("交接"), "timeout": _("超时"),
        "signal": _("自动推进"), "failed": _("自动退回"), "jump": _("跳转"),
    }  # fmt: skip
    return words.get(verdict, verdict)


def count_running(definition_id: int) -> int:
    """Return how many cases run on a version."""
    return db.session.scalar(
        select(func.count()).select_from(FlowInstance).where(
            FlowInstance.definition_id == definition_id, FlowInstance.status == "running"
        )
    ) or 0  # fmt: skip
