"""A flow as pages draw it: cards under one another, branches side by side, all of it in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from qtrace.flows.definition import ASKING, JUDGING, SPLITS, Definition, Node
from qtrace.flows.wording import Wording

ICONS = {
    "start": "play", "fill": "edit", "handle": "wrench", "approve": "check-circle", "countersign": "users",
    "verify": "target", "cc": "send", "branch": "git-branch", "parallel": "columns", "inclusive": "split",
    "timer": "clock", "auto": "zap", "subflow": "workflow", "end": "flag",
}  # fmt: skip


@dataclass(frozen=True)
class Card:
    """One node in words; `told` are (label, words) of what is unusual about it."""

    id: str
    kind: str
    tone: str
    icon: str
    name: str
    kind_name: str
    line: str
    told: Sequence[tuple[str, str]]
    ways: "Sequence[Way]"


@dataclass(frozen=True)
class Way:
    """One branch: what it is called, when it is taken, and what stands in it."""

    id: str
    name: str
    condition: str
    cards: Sequence[Card]


def steps_of(definition: Definition, words: Wording) -> str:
    """Return the main column in one line."""
    return " → ".join(words.called(node) for node in definition.nodes)


def cards_of(definition: Definition, words: Wording) -> list[Card]:
    """Return the flow from top to bottom."""
    return _column(definition.nodes, words.of(definition))


def _column(nodes: Sequence[Node], words: Wording) -> list[Card]:
    return [
        Card(
            node.id, node.kind, tone_of(node), ICONS[node.kind], words.called(node), words.kind(node), words.line(node),
            words.unusual(node), [
                Way(
                    branch.id, words.called(branch), "" if node.kind == "parallel" else words.condition(branch),
                    _column(branch.nodes, words),
                )
                for branch in node.branches
            ],
        )
        for node in nodes
    ]  # fmt: skip


def height_of(cards: Sequence[Card]) -> int:
    """Return how many cards stand under one another on the longest way."""
    return sum(1 + max((height_of(way.cards) for way in card.ways), default=0) for card in cards)


def tone_of(node: Node) -> str:
    """Return the colour a node has: who starts, who judges, who works, what runs by itself."""
    if node.kind in SPLITS:
        return "split"
    if node.kind == "start":
        return "origin"
    if node.kind in JUDGING:
        return "judge"
    return "work" if node.kind in ASKING else "quiet"
