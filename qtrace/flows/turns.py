"""What somebody does with one turn: agree, reject, return, hand on, let others sign, claim, release."""

from dataclasses import replace

from qtrace.flows.definition import JUDGING
from qtrace.flows.errors import FlowError
from qtrace.flows.moving import Run
from qtrace.flows.state import (
    AddSigners,
    Assigned,
    Claim,
    CloseTask,
    Decide,
    Delegate,
    Entry,
    Release,
    RemoveSigner,
    Return,
    Seat,
    State,
    Token,
    Transfer,
)
from qtrace.flows.verdicts import verdict_of

_ = str  # marks messages for extraction; they are translated where they are shown


def decide(operation: Decide, run: Run) -> None:
    """Agree, reject, or hand in what was asked for."""
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


def send_back(operation: Return, run: Run) -> None:
    """Send the case back to a node it has been at."""
    token, _seat, entry = _open_turn(run, operation.entry)
    if entry.kind != "sign":
        raise FlowError("only_opinion", _("您只需要给出意见,由委派人决定是否退回。"))
    need_note(operation.note, _("退回需要填写原因。"))
    targets = run.targets(token)
    if not targets:
        raise FlowError("no_earlier_node", _("前面没有可以退回的节点。"))
    run.touched = True
    target = run.allowed(token, operation.target) if operation.target else targets[0]
    straight = run.tree.nodes[token.node].policies.after_return == "straight"
    run.back(token, target, straight=straight)


def transfer(operation: Transfer, run: Run) -> None:
    """Give the turn to somebody else."""
    token, seat, entry = _open_turn(run, operation.entry)
    _not_yet_asked(token, operation.to)
    _swap(run, token, seat, entry, (replace(entry, user=operation.to, pool=()),))
    run.effects.append(Assigned(entry.id, operation.to))


def delegate(operation: Delegate, run: Run) -> None:
    """Ask somebody else for an opinion first."""
    token, seat, entry = _own_turn(run, operation.entry)
    _not_yet_asked(token, operation.to)
    asked = Entry(run.new_id(), operation.to, kind="opinion", added_by=operation.by)
    run.effects.append(CloseTask(entry.id, done=False))
    _swap(run, token, seat, entry, (asked, replace(entry, state="waiting")))
    run.settle(token.id)


def add_signers(operation: AddSigners, run: Run) -> None:
    """Let others sign before or after oneself."""
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


def remove_signer(operation: RemoveSigner, run: Run) -> None:
    """Take out somebody who has not signed yet."""
    token, seat, entry = find(run.before, operation.entry)
    if entry.state in {"done", "gone"}:
        raise FlowError("already_signed", _("已经处理过的人不能减签。"))
    if entry.added_by != operation.by and not operation.keeper:
        raise FlowError("not_added_by_you", _("只能减掉自己加签的人。"))
    named = sum(_can_still_sign(one) for one in token.seats if not one.joined)
    if entry.added_by is None and not seat.joined and named < 2:
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


def claim(operation: Claim, run: Run) -> None:
    """Take the turn out of its pool."""
    token, seat, entry = _open_turn(run, operation.entry)
    if entry.user is not None:
        raise FlowError("already_claimed", _("这件待办已由别人领取。请刷新列表。"))
    if operation.by not in entry.pool and not operation.admitted:
        raise FlowError("not_in_pool", _("这件待办属于别的角色,不能领取。"))
    _swap(run, token, seat, entry, (replace(entry, user=operation.by),))
    run.effects.append(Assigned(entry.id, operation.by))


def release(operation: Release, run: Run) -> None:
    """Put a claimed turn back."""
    token, seat, entry = _own_turn(run, operation.entry)
    if not entry.pool or entry.user != operation.by:
        raise FlowError("not_claimed", _("只能放回自己领取的待办。"))
    _swap(run, token, seat, entry, (replace(entry, user=None),))
    run.effects.append(Assigned(entry.id, None))


def find(state: State, entry_id: int) -> tuple[Token, Seat, Entry]:
    """Return a turn with its voice and its token; refused when it is over."""
    for token in state.tokens:
        for seat in token.seats:
            for entry in seat.chain:
                if entry.id == entry_id:
                    return token, seat, entry
    raise FlowError("no_turn", _("这一步已经结束,请刷新后查看最新状态。"))


def need_note(note: str, message: str) -> None:
    """Refuse what needs a reason and has none."""
    if not note.strip():
        raise FlowError("note_required", message)


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
