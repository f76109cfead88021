"""The changes a designer makes to a flow: each takes a definition and returns the changed one. Pure.

A place is a column and an index in it. The column is "" for the trunk, else `split.branch`, so that every change can be
sent by a plain form. Ids of nodes are given once and never change: running cases stand on them.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from qtrace.flows.checking import MOST_NODES
from qtrace.flows.definition import ASKING, SPLITS, Branch, Definition, Node, NodeKind
from qtrace.flows.errors import FlowError

_ = str  # marks messages for extraction; they are translated where they are shown

TRUNK: Final = ""
DAY: Final = 8 * 60  # a working day, in minutes
NODE_ID: Final = re.compile(r"node_(\d+)")
BRANCH_ID: Final = re.compile(r"way_(\d+)")
DEEPEST: Final = 12  # splits in one another; nobody can read more
MOST_WAYS: Final = 20

Nodes = tuple[Node, ...]


@dataclass(frozen=True)
class Spot:
    """Where a node goes: the column, and before which of its nodes; None is the end."""

    column: str = TRUNK
    index: int | None = None


@dataclass(frozen=True)
class Names:
    """What a new thing is called in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Starter:
    """The names of the branches a new split begins with."""

    first: Names
    second: Names


def add_node(
    definition: Definition, kind: NodeKind, spot: Spot, names: Names, ways: Starter, taken: Collection[str] = ()
) -> tuple[Definition, str]:
    """Return the definition with a new node, and its id; `taken` are ids of older versions, which it leaves alone."""
    if kind == "start":
        raise FlowError("one_start", _("「发起」只能有一个,就是第一个节点。"))
    node_id = _free(NODE_ID, {*ids(definition), *taken})
    return _inserted(definition, _starter(node_id, kind, names, ways), spot), node_id


def copy_node(
    definition: Definition, node_id: str, names: Names, taken: Collection[str] = ()
) -> tuple[Definition, str]:
    """Return the definition with a second node like this one, all that stands in it too, right below it."""
    node = find_node(definition, node_id)
    if node.kind == "start":
        raise FlowError("one_start", _("「发起」只能有一个,就是第一个节点。"))
    used = {*ids(definition), *taken}

    def renamed(one: Node) -> Node:
        new = _free(NODE_ID, used)
        used.add(new)
        ways = tuple(replace(way, nodes=tuple(map(renamed, way.nodes))) for way in one.branches)
        return replace(one, id=new, branches=ways)

    copy = replace(renamed(node), name_zh=names.zh, name_en=names.en)
    spot = place_of(definition, node_id)
    return _inserted(definition, copy, Spot(spot.column, (spot.index or 0) + 1)), copy.id


def remove_node(definition: Definition, node_id: str) -> Definition:
    """Return the definition without the node and all that stands in it."""
    if node_id == definition.first.id:
        raise FlowError("no_start", _("第一个节点不能删除:流程要有人发起。"))
    find_node(definition, node_id)
    return _settled(_without(definition, node_id))


def move_node(definition: Definition, node_id: str, spot: Spot) -> Definition:
    """Return the definition with the node at another place; the index counts without the node itself."""
    node = find_node(definition, node_id)
    if node_id == definition.first.id:
        raise FlowError("start_stays", _("第一个节点不能移动。"))
    if spot.column != TRUNK and _split_of(spot.column) in ids(replace(definition, nodes=(node,))):
        raise FlowError("into_itself", _("不能把分支移到它自己里面。"))
    return _inserted(_without(definition, node_id), node, spot)


def shift_node(definition: Definition, node_id: str, *, up: bool) -> Definition:
    """Return the definition with the node one place further; at the end of a branch it leaves it beside the split."""
    spot = place_of(definition, node_id)
    at, last = spot.index or 0, len(column_of(definition, spot.column)) - 1
    if up and at > (1 if spot.column == TRUNK else 0):
        return move_node(definition, node_id, Spot(spot.column, at - 1))
    if not up and at < last and node_id != definition.first.id:
        return move_node(definition, node_id, Spot(spot.column, at + 1))
    if spot.column == TRUNK:
        return definition
    outside = place_of(definition, _split_of(spot.column))
    return move_node(definition, node_id, Spot(outside.column, (outside.index or 0) + (0 if up else 1)))


def change_node(definition: Definition, changed: Node) -> Definition:
    """Return the definition with the node as it is now; what stands in it, and which kind of column it opens, stay."""
    before = find_node(definition, changed.id)
    if (before.kind == "start") != (changed.kind == "start") or (before.kind in SPLITS) != (changed.kind in SPLITS):
        raise FlowError("other_kind", _("这个节点不能换成别的种类。"))
    kept = replace(changed, branches=before.branches)
    if changed.kind == "parallel" and before.kind != "parallel":
        kept = replace(kept, branches=tuple(replace(way, condition=None) for way in before.branches))
    return _each(definition, lambda node: kept if node.id == changed.id else node)


def add_branch(definition: Definition, split_id: str, names: Names) -> tuple[Definition, str]:
    """Return the definition with one more way through a split, before the one for all other cases, and its id."""
    split = _split(definition, split_id)
    if len(split.branches) >= MOST_WAYS:
        raise FlowError("too_many_ways", _("一个分支节点最多 %(most)d 条分支。"), most=MOST_WAYS)
    way = Branch(_free(BRANCH_ID, {one.id for one in split.branches}), names.zh, names.en)
    last_is_rest = split.kind != "parallel" and bool(split.branches) and split.branches[-1].condition is None
    at = len(split.branches) - (1 if last_is_rest else 0)
    return _with_ways(definition, split, (*split.branches[:at], way, *split.branches[at:])), way.id


def change_branch(definition: Definition, split_id: str, changed: Branch) -> Definition:
    """Return the definition with the way as it is now; its nodes stay."""
    split, before = find_branch(definition, split_id, changed.id)
    kept = replace(changed, nodes=before.nodes, condition=None if split.kind == "parallel" else changed.condition)
    return _with_ways(definition, split, tuple(kept if one.id == changed.id else one for one in split.branches))


def remove_branch(definition: Definition, split_id: str, branch_id: str) -> Definition:
    """Return the definition without the way and its nodes; a split keeps two."""
    split, way = find_branch(definition, split_id, branch_id)
    if len(split.branches) <= 2:
        raise FlowError("two_ways", _("分支节点至少要有两条分支。不需要分支时,请删除整个节点。"))
    return _settled(_with_ways(definition, split, tuple(one for one in split.branches if one is not way)))


def shift_branch(definition: Definition, split_id: str, branch_id: str, *, left: bool) -> Definition:
    """Return the definition with the way one place further to the left or right; conditions are asked from the left."""
    split, way = find_branch(definition, split_id, branch_id)
    at = split.branches.index(way) + (-1 if left else 1)
    if not 0 <= at < len(split.branches):
        return definition
    others = [one for one in split.branches if one is not way]
    others.insert(at, way)
    return _with_ways(definition, split, tuple(others))


def change_flow(definition: Definition, **changes: Any) -> Definition:
    """Return the definition under other names, with another place to reopen at, or another rule to withdraw."""
    return _settled(replace(definition, **changes))


def find_node(definition: Definition, node_id: str) -> Node:
    """Return a node by its id; refused without it."""
    found = next((node for node in walk(definition.nodes) if node.id == node_id), None)
    if found is None:
        raise FlowError("no_node", _("这个节点已经不在了。"))
    return found


def find_branch(definition: Definition, split_id: str, branch_id: str) -> tuple[Node, Branch]:
    """Return a way with its split; refused without it."""
    split = _split(definition, split_id)
    found = next((one for one in split.branches if one.id == branch_id), None)
    if found is None:
        raise FlowError("no_branch", _("这条分支已经不在了。"))
    return split, found


def place_of(definition: Definition, node_id: str) -> Spot:
    """Return where a node stands."""
    for column, nodes in columns(definition):
        for index, node in enumerate(nodes):
            if node.id == node_id:
                return Spot(column, index)
    raise FlowError("no_node", _("这个节点已经不在了。"))


def columns(definition: Definition) -> Iterator[tuple[str, Nodes]]:
    """Yield every column with its nodes, the trunk first, then from top to bottom and left to right."""
    yield TRUNK, definition.nodes
    for node in walk(definition.nodes):
        for way in node.branches:
            yield column_name(node.id, way.id), way.nodes


def column_name(split_id: str, branch_id: str) -> str:
    """Return what the column of a way is called."""
    return f"{split_id}.{branch_id}"


def column_of(definition: Definition, column: str) -> Nodes:
    """Return the nodes of a column; refused without it."""
    for name, nodes in columns(definition):
        if name == column:
            return nodes
    raise FlowError("no_branch", _("这条分支已经不在了。"))


def walk(nodes: Nodes) -> Iterator[Node]:
    """Yield every node from top to bottom, branches from left to right."""
    for node in nodes:
        yield node
        for way in node.branches:
            yield from walk(way.nodes)


def ids(definition: Definition) -> set[str]:
    """Return the ids of all nodes."""
    return {node.id for node in walk(definition.nodes)}


def _starter(node_id: str, kind: NodeKind, names: Names, ways: Starter) -> Node:
    """Return a new node with what most companies would set first."""
    options: dict[str, Any] = {}
    match kind:
        case "timer":
            options = {"minutes": DAY}
        case "auto":
            options = {"action": "callback", "timeout_minutes": 24 * 60}
        case "subflow":
            options = {"timeout_minutes": 30 * 24 * 60}
    branches: tuple[Branch, ...] = ()
    if kind in SPLITS:
        first, second = ways.first, ways.second
        branches = (Branch("way_1", first.zh, first.en), Branch("way_2", second.zh, second.en))
    node = Node(node_id, kind, names.zh, names.en, due_minutes=DAY if kind in ASKING else 0, options=options)
    node = replace(node, branches=branches)
    return replace(node, signing=replace(node.signing, mode="all")) if kind == "countersign" else node


def _inserted(definition: Definition, node: Node, spot: Spot) -> Definition:
    column_of(definition, spot.column)
    if sum(1 for _node in walk((*definition.nodes, node))) > MOST_NODES:
        raise FlowError("too_many", _("节点太多,请拆成子流程。"))
    if _depth(definition, spot.column) + _height(node) > DEEPEST:
        raise FlowError("too_deep", _("分支套得太深,请拆成子流程。"))

    def put(nodes: Nodes) -> Nodes:
        lowest = 1 if spot.column == TRUNK and nodes and nodes[0].kind == "start" else 0
        at = len(nodes) if spot.index is None else max(lowest, min(spot.index, len(nodes)))
        return (*nodes[:at], node, *nodes[at:])

    if spot.column == TRUNK:
        return replace(definition, nodes=put(definition.nodes))
    split_id, _dot, branch_id = spot.column.partition(".")

    def inside(one: Node) -> Node:
        if one.id != split_id:
            return one
        ways = (replace(way, nodes=put(way.nodes)) if way.id == branch_id else way for way in one.branches)
        return replace(one, branches=tuple(ways))

    return _each(definition, inside)


def _without(definition: Definition, node_id: str) -> Definition:
    def kept(nodes: Nodes) -> Nodes:
        return tuple(
            replace(node, branches=tuple(replace(way, nodes=kept(way.nodes)) for way in node.branches))
            for node in nodes
            if node.id != node_id
        )

    return replace(definition, nodes=kept(definition.nodes))


def _each(definition: Definition, change: Callable[[Node], Node]) -> Definition:
    """Return the definition with every node changed, the inner ones first."""

    def changed(node: Node) -> Node:
        ways = tuple(replace(way, nodes=tuple(map(changed, way.nodes))) for way in node.branches)
        return change(replace(node, branches=ways) if ways else node)

    return replace(definition, nodes=tuple(map(changed, definition.nodes)))


def _with_ways(definition: Definition, split: Node, ways: tuple[Branch, ...]) -> Definition:
    return _each(definition, lambda node: replace(node, branches=ways) if node.id == split.id else node)


def _settled(definition: Definition) -> Definition:
    """Forget the place to reopen at where it is gone."""
    gone = definition.reopen_at and definition.reopen_at not in ids(definition)
    return replace(definition, reopen_at="") if gone else definition


def _split(definition: Definition, split_id: str) -> Node:
    split = find_node(definition, split_id)
    if split.kind not in SPLITS:
        raise FlowError("no_split", _("只有分支节点才有分支。"))
    return split


def _split_of(column: str) -> str:
    return column.partition(".")[0]


def _depth(definition: Definition, column: str) -> int:
    depth = 0
    while column != TRUNK:
        depth, column = depth + 1, place_of(definition, _split_of(column)).column
    return depth


def _height(node: Node) -> int:
    if node.kind not in SPLITS:
        return 0
    return 1 + max((_height(inner) for way in node.branches for inner in way.nodes), default=0)


def _free(pattern: re.Pattern[str], taken: Collection[str]) -> str:
    """Return the first numbered id after all that are taken."""
    numbers = [int(found[1]) for key in taken if (found := pattern.fullmatch(key))]
    return pattern.pattern.replace(r"(\d+)", str(max(numbers, default=0) + 1))
