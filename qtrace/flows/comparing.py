"""What differs between two versions of a flow, in words: nodes added, removed and moved, properties from and to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from qtrace.flows.definition import Branch, Definition, Node, Tree
from qtrace.flows.wording import LABELS, WITHDRAWAL, Wording

_ = str  # marks messages for extraction; they are translated where they are shown

Kind = Literal["added", "removed", "moved", "changed", "flow"]
NOTHING: Final = _("没有")


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was; a change has what it was and what it is."""

    kind: Kind
    node: str
    name: str
    words: str
    old: str = ""
    new: str = ""


def compare(old: Definition, new: Definition, words: Wording) -> list[Difference]:
    """Return what differs: the flow as a whole, then node by node as the new version goes, then what is gone."""
    before, after = Tree(old), Tree(new)
    found = [*_whole(old, new, words)]
    moved = _moved(before, after)
    old_words, new_words = words.of(old), words.of(new)
    for node in after.walk():
        was = before.nodes.get(node.id)
        if was is None:
            told = words.say(_("新增%(kind)s:%(line)s"), kind=words.kind(node), line=words.line(node))
            found.append(Difference("added", node.id, words.called(node), told))
            continue
        found += _changes((was, old_words), (node, new_words))
        if node.id in moved:
            found.append(Difference("moved", node.id, words.called(node), _place(after, node, words)))
    for node in before.walk():
        if node.id not in after.nodes:
            told = words.say(_("去掉了%(kind)s"), kind=words.kind(node))
            found.append(Difference("removed", node.id, words.called(node), told))
    return found


def grouped(found: Sequence[Difference]) -> list[tuple[str, list[Difference]]]:
    """Return the differences by the name of the node they are about, in their order."""
    return [(name, list(rows)) for (_node, name), rows in groupby(found, key=lambda one: (one.node, one.name))]


def _whole(old: Definition, new: Definition, words: Wording) -> Iterator[Difference]:
    sides = [
        {
            _("名称"): words.called(one), _("撤回"): words.say(WITHDRAWAL[one.withdrawal]),
            _("重新打开后从哪里继续"): _called_node(one, one.reopen_at or one.first.id, words),
        }
        for one in (old, new)
    ]  # fmt: skip
    yield from _sides("flow", "", words.say(_("整个流程")), *sides, words=words)


def _changes(*both: tuple[Node, Wording]) -> Iterator[Difference]:
    sides = [
        {LABELS[name]: value for name, value in words.properties(node).items()} | _ways(node, words)
        for node, words in both
    ]
    new, words = both[1]
    yield from _sides("changed", new.id, words.called(new), *sides, words=words)


def _ways(node: Node, words: Wording) -> dict[str, str]:
    """Return the branches of a split, each with its condition."""
    return {
        words.say(_("分支「%(name)s」"), name=words.called(branch)): words.condition(branch)
        if node.kind != "parallel"
        else words.say(_("同时走"))
        for branch in node.branches
    }


def _sides(
    kind: Kind, node: str, name: str, old: Mapping[str, str], new: Mapping[str, str], *, words: Wording
) -> Iterator[Difference]:
    for label in dict.fromkeys((*new, *old)):
        was, now = old.get(label, ""), new.get(label, "")
        if was != now:
            nothing = words.say(NOTHING)
            yield Difference(kind, node, name, words.say(label), was or nothing, now or nothing)


def _moved(before: Tree, after: Tree) -> set[str]:
    """Return the nodes that stand elsewhere: in another column, or out of the order the others kept."""
    kept = [node for node in after.order if node in before.order]
    elsewhere = {node for node in kept if before.places[node] != after.places[node]}
    rest = [node for node in kept if node not in elsewhere]
    return elsewhere | (set(rest) - set(_longest(rest, before.order)))


def _longest(nodes: list[str], order: Mapping[str, int]) -> list[str]:
    """Return the longest run of nodes that kept their order, so that as few as possible count as moved."""
    best: list[list[str]] = []
    for node in nodes:
        fitting = [run for run in best if order[run[-1]] < order[node]]
        best.append([*max(fitting, key=len, default=[]), node])
    return max(best, key=len, default=[])


def _place(tree: Tree, node: Node, words: Wording) -> str:
    """Say where a node stands now: in which branch, behind which node."""
    column = tree.definition.nodes
    told = ""
    for split, branch in tree.places[node.id]:
        way = next(one for one in tree.nodes[split].branches if one.id == branch)
        column, told = way.nodes, words.called(way)
    here = [one.id for one in column].index(node.id)
    if here:
        return words.say(_("移到「%(node)s」之后"), node=words.called(column[here - 1]))
    return words.say(_("移到分支「%(name)s」的最前面"), name=told) if told else words.say(_("移到最前面"))


def _called_node(definition: Definition, node: str, words: Wording) -> str:
    found: Node | Branch | None = Tree(definition).nodes.get(node)
    return words.called(found) if found else node
