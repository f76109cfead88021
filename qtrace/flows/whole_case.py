"""What happens to a case as a whole: withdrawn, taken back, handed over, ended, put elsewhere, opened again."""

from dataclasses import replace

from qtrace.flows.definition import Tree
from qtrace.flows.errors import FlowError
from qtrace.flows.moving import Run
from qtrace.flows.state import (
    Assigned,
    CloseTask,
    Entered,
    Entry,
    Finish,
    HandOver,
    Jump,
    OpenTask,
    Reopen,
    Reopened,
    TakeItBack,
    Token,
    Withdraw,
)
from qtrace.flows.turns import need_note

_ = str  # marks messages for extraction; they are translated where they are shown


def withdraw(operation: Withdraw, run: Run) -> None:
    """Let the initiator take the case back."""
    rule = run.tree.definition.withdrawal
    if operation.by != run.before.initiator:
        raise FlowError("not_initiator", _("只有发起人可以撤回。"))
    if rule == "never" or (rule == "untouched" and run.touched):
        raise FlowError("too_late", _("已经有人处理过,不能再撤回。"))
    run.finish("withdrawn")


def take_back(operation: TakeItBack, run: Run) -> None:
    """Undo the last decision while nobody has acted on it."""
    last = run.before.last
    if last is None or (last.entry, last.by) != (operation.entry, operation.by):
        raise FlowError("cannot_take_back", _("后面已经有人处理,不能再取回。"))
    before = {token.id: token for token in last.tokens}
    for token in list(run.tokens.values()):
        if token.id not in before:
            run.drop(token, "cancelled")
    run.forks = {fork.id: fork for fork in last.forks}
    run.visits, run.approved = list(last.visits), list(last.approved)
    now = run.tokens
    run.tokens = {}
    for token in last.tokens:
        run.put(_restored(run, token, now.get(token.id)))


def hand_over(operation: HandOver, run: Run) -> None:
    """Give everything of one person in this case to another."""
    if operation.to == operation.user:
        raise FlowError("same_person", _("请选择另一位同事。"))
    asked = {
        entry.user
        for token in run.tokens.values()
        for seat in token.seats
        for entry in seat.chain
        if entry.state in {"open", "waiting"}
    } | {user for token in run.tokens.values() for seat in token.seats for entry in seat.chain for user in entry.pool}
    picked = {user for users in (*run.chosen.values(), *run.joined.values()) for user in users}
    if operation.user not in asked | picked:
        return
    to = operation.to or run.head_or_keeper(operation.user)
    for token in list(run.tokens.values()):
        seats = tuple(
            replace(seat, chain=tuple(_handed(run, entry, operation.user, to) for entry in seat.chain))
            for seat in token.seats
        )
        run.put(replace(token, seats=seats))
    run.chosen, run.joined = (
        {
            node: tuple(dict.fromkeys(to if user == operation.user else user for user in users))
            for node, users in picks.items()
        }
        for picks in (run.chosen, run.joined)
    )


def finish(operation: Finish, run: Run) -> None:
    """End the case from wherever it stands."""
    here = [token.node for token in run.tokens.values()]
    if operation.status == "terminated":
        need_note(operation.note, _("终止需要填写原因。"))
    elif here != [run.tree.definition.nodes[-1].id]:
        need_note(operation.note, _("提前结案需要填写原因。"))
    run.touched = True
    run.finish(operation.status)


def jump(operation: Jump, run: Run) -> None:
    """Put the whole case on a node."""
    need_note(operation.note, _("跳转需要填写原因。"))
    target = _outside_forks(run.tree, operation.target)
    run.touched = True
    run.cancel_all()
    run.forget_approvals(target)
    run.enter(target, ())


def reopen(operation: Reopen, run: Run) -> None:
    """Let an ended case run again."""
    need_note(operation.note, _("重新打开需要填写原因。"))
    definition = run.tree.definition
    target = _outside_forks(run.tree, operation.target or definition.reopen_at or definition.first.id)
    run.status = "running"
    run.forget_approvals(target)
    run.effects.append(Reopened(target))
    run.enter(target, ())


def _outside_forks(tree: Tree, target: str) -> str:
    if target not in tree.nodes:
        raise FlowError("unknown_node", _("流程里没有节点 %(id)s。"), id=target)
    if tree.inside_forks(target):
        raise FlowError("inside_fork", _("不能直接跳到并行分支里面,请选择分支之前或之后的节点。"))
    return target


def _handed(run: Run, entry: Entry, user: int, to: int) -> Entry:
    if entry.state not in {"open", "waiting"}:
        return entry
    pool = tuple(dict.fromkeys(to if one == user else one for one in entry.pool))
    new = replace(entry, user=to if entry.user == user else entry.user, pool=pool)
    if new != entry and entry.state == "open":
        run.effects.append(Assigned(entry.id, new.user))
    return new


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
