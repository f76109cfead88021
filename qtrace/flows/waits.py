"""What the clock does to a node, and what comes to one that waits."""

from dataclasses import replace

from qtrace.flows.definition import ASKING, JUDGING
from qtrace.flows.errors import FlowError
from qtrace.flows.moving import Run
from qtrace.flows.state import Assigned, Escalate, Remind, Signal, TimedOut, Token

_ = str  # marks messages for extraction; they are translated where they are shown


def time_out(operation: TimedOut, run: Run) -> None:
    """Remind, escalate, or do what the node says when its time is up."""
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


def signal(operation: Signal, run: Run) -> None:
    """Let a node that waited go on, or go its way for a failure."""
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


def _token(run: Run, token_id: int) -> Token:
    if token_id not in run.tokens:
        raise FlowError("no_turn", _("这一步已经结束,请刷新后查看最新状态。"))
    return run.tokens[token_id]


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
