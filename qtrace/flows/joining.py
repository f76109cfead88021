"""People who join a node before the case comes to it: heard first, so that they never stand in for whom the flow names."""

from qtrace.flows.definition import ASKING, Tree
from qtrace.flows.errors import FlowError
from qtrace.flows.moving import Run
from qtrace.flows.state import Join, State

_ = str  # marks messages for extraction; they are translated where they are shown

JOINABLE = ASKING - {"start", "verify"}  # nodes at which people, and nobody else, say how it goes on


def joinable(tree: Tree, state: State) -> tuple[str, ...]:
    """Return the nodes ahead of where the case stands that people may join, from top to bottom."""
    here = [token.node for token in state.tokens]
    return tuple(
        node.id
        for node in tree.walk()
        if node.kind in JOINABLE and node.id not in here and any(_lies_ahead(tree, one, node.id) for one in here)
    )


def join(operation: Join, run: Run) -> None:
    """Let people join a node ahead, or take them out."""
    if operation.target not in joinable(run.tree, run.before):
        raise FlowError("not_ahead", _("只能给还没有开始的一步追加人。"))
    before = run.joined.get(operation.target, ())
    if not operation.users or len(set(operation.users)) < len(operation.users):
        raise FlowError("nobody_added", _("请选择要追加的人,每人一次。"))
    if operation.leave:
        if not set(operation.users) <= set(before):
            raise FlowError("not_joined", _("这位同事没有追加在这一步。"))
        run.joined[operation.target] = tuple(user for user in before if user not in operation.users)
        return
    if set(operation.users) & set(before):
        raise FlowError("already_asked", _("这位同事已经在这一步里,请选别人。"))
    run.joined[operation.target] = (*before, *operation.users)


def _lies_ahead(tree: Tree, node: str, target: str) -> bool:
    """Say whether a case at the node may still come to the target without going back."""
    ways = zip(tree.places[node], tree.places[target], strict=False)
    beside = any(here[0] == there[0] and here != there for here, there in ways)  # in another branch of one split
    return tree.order[target] > tree.order[node] and not beside
