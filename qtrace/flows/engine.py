"""The flow engine: a definition, where the case stands, and one operation make where it stands next and what must happen.

It is pure: whatever it needs to know of the company it asks through `Facts`, so that the recorded answers replay to
the same state. Every operation is whole: it is refused with a `FlowError` and changes nothing, or it happens.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from qtrace.flows.definition import ASKING, Tree
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Facts, Replayed
from qtrace.flows.joining import join
from qtrace.flows.moving import Run
from qtrace.flows.state import (
    AddSigners,
    Claim,
    Copied,
    Decide,
    Delegate,
    Ended,
    Finish,
    HandOver,
    Join,
    Jump,
    Move,
    Operation,
    Outcome,
    Release,
    RemoveSigner,
    Reopen,
    Return,
    Signal,
    State,
    TakeBack,
    TakeItBack,
    TimedOut,
    Transfer,
    Wait,
    Withdraw,
)
from qtrace.flows.turns import add_signers, claim, decide, delegate, find, release, remove_signer, send_back, transfer
from qtrace.flows.waits import signal, time_out
from qtrace.flows.whole_case import finish, hand_over, jump, reopen, take_back, withdraw

_ = str  # marks messages for extraction; they are translated where they are shown

ENDED = {
    "closed": _("已经结案，请先重新打开。"),
    "rejected": _("已经被驳回结束,请先重新打开。"),
    "terminated": _("已经终止，不能再处理。"),
    "withdrawn": _("发起人已经撤回。"),
}


def start(tree: Tree, facts: Facts, *, initiator: int | None, submitted: bool = False) -> Outcome:
    """Return a new case at the first node, or past it where it is submitted as it is made."""
    run = Run(tree, State("running", initiator, version=1 if submitted else 0), facts)  # making and handing in are two
    first = tree.definition.first
    if submitted:
        run.visits.append(first.id)
        run.go_on(first.id, ())
    else:
        run.enter(first.id, ())
    return run.outcome()


def act(tree: Tree, state: State, operation: Operation, facts: Facts) -> Outcome:
    """Return what the operation makes of the state; refuse one the state does not allow."""
    if isinstance(operation, Reopen) and state.status != "terminated":
        if state.status == "running":
            raise FlowError("not_ended", _("还在进行中,不需要重新打开。"))
    elif state.status != "running":
        raise FlowError("already_ended", ENDED[state.status])
    run = Run(tree, state, facts)
    _do(operation, run)
    return run.outcome(_take_back_point(run, operation))


def replay(
    tree: Tree, initiator: int | None, begun: Iterable[Answer], history: Iterable[tuple[Operation, Iterable[Answer]]],
    *, submitted: bool = False, versions: Mapping[int, Tree] | None = None,
) -> State:  # fmt: skip
    """Return the state a case reached by its operations and the answers noted with them.

    `versions` are those of its flow it was moved to, by number; `tree` is the one it began with.
    """
    state = start(tree, Replayed(begun), initiator=initiator, submitted=submitted).state
    for operation, answers in history:
        if isinstance(operation, Move):
            target = (versions or {})[operation.new]
            tree, state = target, migrated(tree, state, target)
        else:
            state = act(tree, state, operation, Replayed(answers)).state
    return state


def migrated(tree: Tree, state: State, target: Tree) -> State:
    """Return the state of a running case under another version of its flow; refused where it has no place there."""
    for token in state.tokens:
        for node in (token.node, token.straight_to):
            if node and not _same_place(tree, target, node):
                raise FlowError("no_place", _("新版本里没有节点「%(node)s」,或它不在原来的分支里。"), node=node)
    for fork in state.forks:
        if not _same_place(tree, target, fork.node) or not set(fork.taken) <= {
            one.id for one in target.nodes[fork.node].branches
        }:
            raise FlowError("no_place", _("新版本里没有节点「%(node)s」,或它不在原来的分支里。"), node=fork.node)
    kept = target.nodes
    return replace(
        state, version=state.version + 1, last=None, visits=tuple(node for node in state.visits if node in kept),
        approved=tuple(one for one in state.approved if one[0] in kept),
        chosen=tuple(one for one in state.chosen if one[0] in kept),
        joined=tuple(one for one in state.joined if one[0] in kept),
    )  # fmt: skip


def return_targets(tree: Tree, state: State, entry_id: int) -> tuple[str, ...]:
    """Return the nodes whoever has this turn may send the case back to, the nearest first."""
    token, _seat, _entry = find(state, entry_id)
    return Run(tree, state, Replayed(())).targets(token)


def _do(operation: Operation, run: Run) -> None:
    match operation:
        case Decide():
            decide(operation, run)
        case Return():
            send_back(operation, run)
        case Withdraw():
            withdraw(operation, run)
        case TakeItBack():
            take_back(operation, run)
        case Transfer():
            transfer(operation, run)
        case Delegate():
            delegate(operation, run)
        case AddSigners():
            add_signers(operation, run)
        case RemoveSigner():
            remove_signer(operation, run)
        case Join():
            join(operation, run)
        case Claim():
            claim(operation, run)
        case Release():
            release(operation, run)
        case HandOver():
            hand_over(operation, run)
        case TimedOut():
            time_out(operation, run)
        case Signal():
            signal(operation, run)
        case Finish():
            finish(operation, run)
        case Jump():
            jump(operation, run)
        case Reopen():
            reopen(operation, run)
        case Move():
            raise FlowError("unknown_operation", _("不支持的操作，请刷新页面后重试。"))


def _take_back_point(run: Run, operation: Operation) -> TakeBack | None:
    """Remember what stood before a decision, unless it let something happen that cannot be taken back."""
    if not isinstance(operation, Decide) or any(isinstance(one, Wait | Copied | Ended) for one in run.effects):
        return None
    before = run.before
    return TakeBack(operation.entry, operation.by, before.tokens, before.forks, before.visits, before.approved)


def _same_place(old: Tree, new: Tree, node: str) -> bool:
    if node not in new.nodes or new.places[node] != old.places[node]:
        return False
    if new.inside_forks(node) != old.inside_forks(node):  # a split around it now runs one branch, or several at once
        return False
    before, after = old.nodes[node].kind, new.nodes[node].kind
    return before == after or (before in ASKING and after in ASKING)
