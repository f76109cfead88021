"""The flow engine: a definition, where the case stands, and one operation make where it stands next and what must happen.

It is pure: whatever it needs to know of the company it asks through `Facts`, so that the recorded answers replay to
the same state. Every operation is whole: it is refused with a `FlowError` and changes nothing, or it happens.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch

from qtrace.flows.definition import ASKING, JUDGING, Definition, Tree
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Facts, Replayed
from qtrace.flows.moving import Run
from qtrace.flows.state import (
    AddSigners,
    Assigned,
    Claim,
    CloseTask,
    Copied,
    Decide,
    Delegate,
    Ended,
    Entered,
    Entry,
    Escalate,
    Finish,
    HandOver,
    Jump,
    Left,
    OpenTask,
    Operation,
    Outcome,
    Release,
    Remind,
    RemoveSigner,
    Reopen,
    Reopened,
    Return,
    Seat,
    Signal,
    State,
    TakeBack,
    TakeItBack,
    TimedOut,
    Token,
    Transfer,
    Wait,
    Withdraw,
)
from qtrace.flows.verdicts import verdict_of

_ = str  # marks messages for extraction; they are translated where they are shown


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
    *, submitted: bool = False,
) -> State:  # fmt: skip
    """Return the state a case reached by its operations and the answers noted with them."""
    state = start(tree, Replayed(begun), initiator=initiator, submitted=submitted).state
    for operation, answers in history:
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
    )  # fmt: skip


def return_targets(tree: Tree, state: State, entry_id: int) -> tuple[str, ...]:
    """Return the nodes whoever has this turn may send the case back to, the nearest first."""
    token, _seat, _entry = find(state, entry_id)
    return Run(tree, state, Replayed(())).targets(token)


def find(state: State, entry_id: int) -> tuple[Token, Seat, Entry]:
    """Return a turn with its voice and its token; refused when it is over."""
    for token in state.tokens:
        for seat in token.seats:
            for entry in seat.chain:
                if entry.id == entry_id:
                    return token, seat, entry
    raise FlowError("no_turn", _("这一步已经结束,请刷新后查看最新状态。"))


ENDED = {
    "closed": _("已经结案，请先重新打开。"),
    "rejected": _("已经被驳回结束,请先重新打开。"),
    "terminated": _("已经终止，不能再处理。"),
    "withdrawn": _("发起人已经撤回。"),
}


@singledispatch
def _do(operation: object, run: Run) -> None:  # noqa: ARG001 -- what the registered ones are called with
    raise FlowError("unknown_operation", _("不支持的操作，请刷新页面后重试。"))


@_do.register
def _decide(operation: Decide, run: Run) -> None:
    token, seat, entry = _open_turn(run, operation.entry)
    node = run.tree.nodes[token.node]
    if operation.verdict == "reject" and node.kind not in JUDGING and entry.kind == "sign":
        raise FlowError("cannot_reject", _("这一步不能驳回,可以退回。"))
    if (node.demands.opinion or operation.verdict == "reject") and not operation.note.strip():
        raise FlowError("note_required", _("请填写意见。"))
    if node.demands.signature and not operation.signed:
        raise FlowError("signature_required", _("请先签名。"))
    if operation.target and entry.kind == "sign" and operation.verdict == "reject":
        run.allowed(token, operation.target)
    run.chosen.update(dict(operation.chosen))
    run.touched = run.touched or node.kind != "start"
    run.effects.append(CloseTask(entry.id, done=True))
    done = replace(entry, state="done", verdict=operation.verdict, by=operation.by)
    _swap(run, token, seat, entry, (done,))
    run.settle(token.id, operation.target)


@_do.register
def _return(operation: Return, run: Run) -> None:
    token, _seat, entry = _open_turn(run, operation.entry)
    if entry.kind != "sign":
        raise FlowError("only_opinion", _("您只需要给出意见,由委派人决定是否退回。"))
    _need_note(operation.note, _("退回需要填写原因。"))
    targets = run.targets(token)
    if not targets:
        raise FlowError("no_earlier_node", _("前面没有可以退回的节点。"))
    run.touched = True
    target = run.allowed(token, operation.target) if operation.target else targets[0]
    straight = run.tree.nodes[token.node].policies.after_return == "straight"
    run.back(token, target, straight=straight)


@_do.register
def _withdraw(operation: Withdraw, run: Run) -> None:
    rule = run.tree.definition.withdrawal
    if operation.by != run.before.initiator:
        raise FlowError("not_initiator", _("只有发起人可以撤回。"))
    if rule == "never" or (rule == "untouched" and run.touched):
        raise FlowError("too_late", _("已经有人处理过,不能再撤回。"))
    run.finish("withdrawn")


@_do.register
def _take_it_back(operation: TakeItBack, run: Run) -> None:
    last = run.before.last
    if last is None or (last.entry, last.by) != (operation.entry, operation.by):
        raise FlowError("cannot_take_back", _("后面已经有人处理,不能再取回。"))
    before = {token.id: token for token in last.tokens}
    for token in list(run.tokens.values()):
        if token.id not in before:
            run._drop(token, "cancelled")
    run.forks = {fork.id: fork for fork in last.forks}
    run.visits, run.approved = list(last.visits), list(last.approved)
    now = run.tokens
    run.tokens = {}
    for token in last.tokens:
        run.put(_restored(run, token, now.get(token.id)))


@_do.register
def _transfer(operation: Transfer, run: Run) -> None:
    token, seat, entry = _open_turn(run, operation.entry)
    _not_yet_asked(token, operation.to)
    _swap(run, token, seat, entry, (replace(entry, user=operation.to, pool=()),))
    run.effects.append(Assigned(entry.id, operation.to))


@_do.register
def _delegate(operation: Delegate, run: Run) -> None:
    token, seat, entry = _own_turn(run, operation.entry)
    _not_yet_asked(token, operation.to)
    asked = Entry(run.new_id(), operation.to, kind="opinion", added_by=operation.by)
    run.effects.append(CloseTask(entry.id, done=False))
    _swap(run, token, seat, entry, (asked, replace(entry, state="waiting")))
    run.settle(token.id)


@_do.register
def _add_signers(operation: AddSigners, run: Run) -> None:
    token, seat, entry = _own_turn(run, operation.entry)
    if run.tree.nodes[token.node].kind not in JUDGING or entry.kind != "sign":
        raise FlowError("nothing_to_sign", _("只有审批可以加签。"))
    if not operation.users or len(set(operation.users)) < len(operation.users):
        raise FlowError("nobody_added", _("请选择要加签的人,每人一次。"))
    for user in operation.users:
        _not_yet_asked(token, user)
    added = tuple(Entry(run.new_id(), user, added_by=operation.by) for user in operation.users)
    if operation.place == "after":
        _swap(run, token, seat, entry, (entry, *added))
        return
    run.effects.append(CloseTask(entry.id, done=False))
    _swap(run, token, seat, entry, (*added, replace(entry, state="waiting")))
    run.settle(token.id)


@_do.register
def _remove_signer(operation: RemoveSigner, run: Run) -> None:
    token, seat, entry = find(run.before, operation.entry)
    if entry.state in {"done", "gone"}:
        raise FlowError("already_signed", _("已经处理过的人不能减签。"))
    if entry.added_by != operation.by and not operation.keeper:
        raise FlowError("not_added_by_you", _("只能减掉自己加签的人。"))
    if entry.added_by is None and sum(_can_still_sign(one) for one in token.seats) < 2:
        raise FlowError("last_signer", _("这一步只剩一个人,不能再减。"))
    if entry.state == "open":
        run.effects.append(CloseTask(entry.id, done=False))
    if entry.added_by is None:
        for other in seat.chain:
            if other.state == "open" and other.id != entry.id:
                run.effects.append(CloseTask(other.id, done=False))
        run.put(replace(token, seats=tuple(one for one in token.seats if one != seat)))
    else:
        _swap(run, token, seat, entry, (replace(entry, state="gone"),))
    run.settle(token.id)


@_do.register
def _claim(operation: Claim, run: Run) -> None:
    token, seat, entry = _open_turn(run, operation.entry)
    if entry.user is not None:
        raise FlowError("already_claimed", _("这件待办已由别人领取。请刷新列表。"))
    if operation.by not in entry.pool and not operation.admitted:
        raise FlowError("not_in_pool", _("这件待办属于别的角色,不能领取。"))
    _swap(run, token, seat, entry, (replace(entry, user=operation.by),))
    run.effects.append(Assigned(entry.id, operation.by))


@_do.register
def _release(operation: Release, run: Run) -> None:
    token, seat, entry = _own_turn(run, operation.entry)
    if not entry.pool or entry.user != operation.by:
        raise FlowError("not_claimed", _("只能放回自己领取的待办。"))
    _swap(run, token, seat, entry, (replace(entry, user=None),))
    run.effects.append(Assigned(entry.id, None))


@_do.register
def _hand_over(operation: HandOver, run: Run) -> None:
    if operation.to == operation.user:
        raise FlowError("same_person", _("请选择另一位同事。"))
    asked = {
        entry.user
        for token in run.tokens.values()
        for seat in token.seats
        for entry in seat.chain
        if entry.state in {"open", "waiting"}
    } | {user for token in run.tokens.values() for seat in token.seats for entry in seat.chain for user in entry.pool}
    picked = {user for users in run.chosen.values() for user in users}
    if operation.user not in asked | picked:
        return
    to = operation.to or run.head_or_keeper(operation.user)
    for token in list(run.tokens.values()):
        seats = tuple(
            replace(seat, chain=tuple(_handed(run, entry, operation.user, to) for entry in seat.chain))
            for seat in token.seats
        )
        run.put(replace(token, seats=seats))
    run.chosen = {
        node: tuple(dict.fromkeys(to if user == operation.user else user for user in users))
        for node, users in run.chosen.items()
    }


@_do.register
def _timed_out(operation: TimedOut, run: Run) -> None:
    token = _token(run, operation.token)
    node = run.tree.nodes[token.node]
    if node.kind not in ASKING:
        raise FlowError("no_turn", _("这一步已经结束,请刷新后查看最新状态。"))
    waiting = [entry for seat in token.seats for entry in seat.chain if entry.state == "open"]
    users = tuple(dict.fromkeys(user for entry in waiting for user in ((entry.user,) if entry.user else entry.pool)))
    reminded = replace(token, reminded=token.reminded + 1)
    if token.reminded < node.policies.reminders:
        run.put(reminded)
        run.effects.append(Remind(token.id, node.id, users, reminded.reminded))
    elif node.policies.overdue == "transfer":
        _to_heads(run, replace(token, reminded=0))
    elif node.policies.overdue == "pass":
        run.leave(token)
    elif node.policies.overdue == "reject" and node.kind in JUDGING:
        run.rejected(token)
    else:
        run.put(reminded)
        run.effects.append(Escalate(token.id, node.id, tuple(dict.fromkeys(map(run.head_or_keeper, users)))))


@_do.register
def _signal(operation: Signal, run: Run) -> None:
    token = _token(run, operation.token)
    node = run.tree.nodes[token.node]
    if node.kind in ASKING and node.kind != "verify":
        raise FlowError("no_turn", _("这一步已经结束,请刷新后查看最新状态。"))
    run.touched = True
    if operation.passed:
        run.leave(token)
        return
    target = operation.target or str(node.options.get("fail_to", ""))
    if target in run.targets(token):
        run.back(token, target, how="rejected")
    else:
        run.rejected(token)


@_do.register
def _finish(operation: Finish, run: Run) -> None:
    here = [token.node for token in run.tokens.values()]
    if operation.status == "terminated":
        _need_note(operation.note, _("终止需要填写原因。"))
    elif here != [run.tree.definition.nodes[-1].id]:
        _need_note(operation.note, _("提前结案需要填写原因。"))
    run.touched = True
    run.finish(operation.status)


@_do.register
def _jump(operation: Jump, run: Run) -> None:
    _need_note(operation.note, _("跳转需要填写原因。"))
    target = _outside_forks(run.tree, operation.target)
    run.touched = True
    run.cancel_all()
    run.forget_approvals(target)
    run.enter(target, ())


@_do.register
def _reopen(operation: Reopen, run: Run) -> None:
    _need_note(operation.note, _("重新打开需要填写原因。"))
    target = _outside_forks(run.tree, operation.target or reopen_target(run.tree.definition))
    run.status = "running"
    run.forget_approvals(target)
    run.effects.append(Reopened(target))
    run.enter(target, ())


def reopen_target(definition: Definition) -> str:
    """Return the node at which a reopened case goes on unless another is named."""
    return definition.reopen_at or definition.first.id


def _outside_forks(tree: Tree, target: str) -> str:
    if target not in tree.nodes:
        raise FlowError("unknown_node", _("流程里没有节点 %(id)s。"), id=target)
    if tree.inside_forks(target):
        raise FlowError("inside_fork", _("不能直接跳到并行分支里面,请选择分支之前或之后的节点。"))
    return target


def _token(run: Run, token_id: int) -> Token:
    if token_id not in run.tokens:
        raise FlowError("no_turn", _("这一步已经结束,请刷新后查看最新状态。"))
    return run.tokens[token_id]


def _open_turn(run: Run, entry_id: int) -> tuple[Token, Seat, Entry]:
    token, seat, entry = find(run.before, entry_id)
    if entry.state != "open":
        raise FlowError("not_your_turn", _("还没有轮到这一步,或它刚刚已被处理。请刷新后查看最新状态。"))
    return token, seat, entry


def _own_turn(run: Run, entry_id: int) -> tuple[Token, Seat, Entry]:
    token, seat, entry = _open_turn(run, entry_id)
    if entry.user is None:
        raise FlowError("not_claimed", _("请先领取这件待办。"))
    return token, seat, entry


def _swap(run: Run, token: Token, seat: Seat, entry: Entry, new: tuple[Entry, ...]) -> None:
    """Put other turns where one was."""
    here = seat.chain.index(entry)
    changed = replace(seat, chain=(*seat.chain[:here], *new, *seat.chain[here + 1 :]))
    run.put(replace(token, seats=tuple(changed if one is seat else one for one in token.seats)))


def _not_yet_asked(token: Token, user: int) -> None:
    for seat in token.seats:
        for entry in seat.chain:
            if entry.user == user and entry.state in {"open", "waiting"}:
                raise FlowError("already_asked", _("这位同事已经在这一步里,请选别人。"))


def _can_still_sign(seat: Seat) -> bool:
    return verdict_of(seat) is not None or any(entry.state in {"open", "waiting"} for entry in seat.chain)


def _handed(run: Run, entry: Entry, user: int, to: int) -> Entry:
    if entry.state not in {"open", "waiting"}:
        return entry
    pool = tuple(dict.fromkeys(to if one == user else one for one in entry.pool))
    new = replace(entry, user=to if entry.user == user else entry.user, pool=pool)
    if new != entry and entry.state == "open":
        run.effects.append(Assigned(entry.id, new.user))
    return new


def _to_heads(run: Run, token: Token) -> None:
    seats = []
    for seat in token.seats:
        chain = []
        for entry in seat.chain:
            if entry.state == "open":
                to = run.head_or_keeper(entry.user) if entry.user else run.keepers()[0]
                run.effects.append(Assigned(entry.id, to))
                chain.append(replace(entry, user=to, pool=()))
            else:
                chain.append(entry)
        seats.append(replace(seat, chain=tuple(chain)))
    run.put(replace(token, seats=tuple(seats)))


def _need_note(note: str, message: str) -> None:
    if not note.strip():
        raise FlowError("note_required", message)


def _same_place(old: Tree, new: Tree, node: str) -> bool:
    if node not in new.nodes or new.places[node] != old.places[node]:
        return False
    if new.inside_forks(node) != old.inside_forks(node):  # a split around it now runs one branch, or several at once
        return False
    before, after = old.nodes[node].kind, new.nodes[node].kind
    return before == after or (before in ASKING and after in ASKING)


def _take_back_point(run: Run, operation: Operation) -> TakeBack | None:
    """Remember what stood before a decision, unless it let something happen that cannot be taken back."""
    if not isinstance(operation, Decide) or any(isinstance(one, Wait | Copied | Ended) for one in run.effects):
        return None
    before = run.before
    return TakeBack(operation.entry, operation.by, before.tokens, before.forks, before.visits, before.approved)


def _restored(run: Run, token: Token, now: Token | None) -> Token:
    """Return a token as it stood before, with new numbers for the turns whose to-dos are closed meanwhile."""
    if now is None:
        fresh = replace(token, id=run.new_id())
        run.effects.append(Entered(fresh.id, fresh.node))
    else:
        fresh = token
    kept = {entry.id for seat in now.seats for entry in seat.chain if entry.state == "open"} if now else set()
    wanted = {entry.id for seat in token.seats for entry in seat.chain if entry.state == "open"}
    run.effects.extend(CloseTask(entry_id, done=False) for entry_id in sorted(kept - wanted))
    seats = []
    for seat in fresh.seats:
        chain = []
        for entry in seat.chain:
            if entry.state == "open" and entry.id not in kept:
                entry = replace(entry, id=run.new_id())
                run.effects.append(OpenTask(entry.id, fresh.id, fresh.node, entry.user, entry.pool, entry.kind))
            chain.append(entry)
        seats.append(replace(seat, chain=tuple(chain)))
    return replace(fresh, seats=tuple(seats))


__all__ = [
    "Escalate", "Left", "Remind", "act", "find", "migrated", "reopen_target", "replay", "return_targets", "start",
]  # fmt: skip
