"""A flow as a tree: nodes one under another, and splits whose branches stand side by side.

Every node is reached from the one above it, a split is left where its branches meet again, and the only way back is a
return. So where a case goes next is read off the tree, and no definition can hold a loop of its own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

NodeKind = Literal[
    "start", "fill", "handle", "approve", "countersign", "verify", "cc",
    "branch", "parallel", "inclusive", "timer", "auto", "subflow", "end",
]  # fmt: skip
WhoKind = Literal[
    "user", "role", "department", "head", "nth_head", "head_chain", "initiator", "initiator_choice", "previous_choice",
    "user_field", "department_field_head", "expression", "responsible_contact", "sku_owner", "supplier_contact",
    "shop_owner", "department_head", "current",
]  # fmt: skip
Mode = Literal["any", "all", "ratio", "weighted", "random", "claim"]
Order = Literal["parallel", "sequential"]
Nobody = Literal["pass", "reject", "named", "admin"]
SelfApproval = Literal["self", "skip", "head"]
Repeated = Literal["none", "once", "consecutive"]
RejectTo = Literal["initiator", "previous", "chosen", "terminate", "parent"]
AfterReturn = Literal["again", "straight"]
Overdue = Literal["escalate", "transfer", "pass", "reject"]
Withdrawal = Literal["any", "untouched", "never"]

NODE_KINDS: Final[tuple[str, ...]] = get_args(NodeKind)
WHO_KINDS: Final[tuple[str, ...]] = get_args(WhoKind)
MODES: Final[tuple[str, ...]] = get_args(Mode)
SPLITS: Final = frozenset({"branch", "parallel", "inclusive"})
FORKS: Final = frozenset({"parallel", "inclusive"})
ASKING: Final = frozenset({"start", "fill", "handle", "approve", "countersign", "verify"})  # open a to-do for a person
JUDGING: Final = frozenset({"approve", "countersign"})  # somebody agrees or rejects; the others are simply done
WAITING: Final = frozenset({"timer", "auto", "subflow"})  # go on when something outside says so
NAMED: Final = frozenset({"user", "role", "department", "user_field", "department_field_head", "expression"})
CHOSEN: Final = frozenset({"initiator_choice", "previous_choice"})

Place = tuple[tuple[str, str], ...]  # the splits a node stands in, outermost first: (split, branch)


@dataclass(frozen=True)
class Who:
    """One way to find the people of a node; `value` names what is looked up, `level` counts heads upwards from 1."""

    kind: WhoKind
    value: str = ""
    level: int = 1
    weight: int = 1


@dataclass(frozen=True)
class Signing:
    """How many have to agree, and whether they are asked at once or one after another.

    `percent` is the share of the people (`ratio`) or of the weights (`weighted`) that must agree.
    """

    mode: Mode = "any"
    order: Order = "parallel"
    percent: int = 100


@dataclass(frozen=True)
class Policies:
    """What happens where nobody planned for it."""

    nobody: Nobody = "admin"
    nobody_user: str = ""
    self_approval: SelfApproval = "self"
    repeated: Repeated = "none"
    reject_to: RejectTo = "initiator"
    after_return: AfterReturn = "again"
    reminders: int = 3
    overdue: Overdue = "escalate"


@dataclass(frozen=True)
class Demands:
    """What a decision must carry: an opinion, a drawn signature, and a password (level 1 each time, 2 twice at first)."""

    opinion: bool = False
    signature: bool = False
    level: int = 0


@dataclass(frozen=True)
class Helper:
    """A department that works beside the node, with a due time of its own in working minutes."""

    department: str
    due_minutes: int


@dataclass(frozen=True)
class Node:
    """One node; what its kind does not use stays as it is made.

    `fields` says what its people may do with a field of the form (write, read, hidden); `options` holds what a timer,
    an automatic step, a subflow or a verification needs.
    """

    id: str
    kind: NodeKind
    name_zh: str
    name_en: str
    who: tuple[Who, ...] = ()
    signing: Signing = Signing()
    policies: Policies = Policies()
    demands: Demands = Demands()
    due_minutes: int = 0
    permission: str = ""
    gates: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    buttons: tuple[str, ...] = ()
    notice: str = ""
    print_template: str = ""
    helpers: tuple[Helper, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    branches: "tuple[Branch, ...]" = ()


@dataclass(frozen=True)
class Branch:
    """One way through a split; the one without a condition is taken when no other holds."""

    id: str
    name_zh: str
    name_en: str
    condition: Any = None
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Definition:
    """One version of a flow; `reopen_at` is where a reopened case goes on (the first node if empty).

    The names are for people; the key is what forms and cases refer to.
    """

    key: str
    version: int
    nodes: tuple[Node, ...]
    reopen_at: str = ""
    withdrawal: Withdrawal = "any"
    name_zh: str = ""
    name_en: str = ""

    @property
    def first(self) -> Node:
        """Return the node everything begins at."""
        return self.nodes[0]


class Tree:
    """The ways through a definition, worked out once."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.nodes: dict[str, Node] = {}
        self.order: dict[str, int] = {}
        self.places: dict[str, Place] = {}
        self._following: dict[str, str | None] = {}
        self._read(definition.nodes, ())

    def _read(self, nodes: tuple[Node, ...], place: Place) -> None:
        for here, node in enumerate(nodes):
            self.order.setdefault(node.id, len(self.order))
            self.nodes[node.id], self.places[node.id] = node, place
            self._following[node.id] = nodes[here + 1].id if here + 1 < len(nodes) else None
            for branch in node.branches:
                self._read(branch.nodes, (*place, (node.id, branch.id)))

    def following(self, node_id: str) -> str | None:
        """Return the node below in the same column, None for the last one."""
        return self._following[node_id]

    def below(self, node_id: str) -> str | None:
        """Return the node a case comes to next, out of its branches where they end; None where the flow ends."""
        found, place = self._following[node_id], self.places[node_id]
        while found is None and place:
            found, place = self._following[place[-1][0]], place[:-1]
        return found

    def inside_forks(self, node_id: str) -> Place:
        """Return only those splits around the node of which several branches run at once."""
        return tuple(step for step in self.places[node_id] if self.nodes[step[0]].kind in FORKS)

    def leads_back(self, node_id: str, target: str) -> bool:
        """Say whether the target lies before the node on its own way, and not in a column beside it."""
        way, back = self.places[node_id], self.places[target]
        return self.order[target] < self.order[node_id] and way[: len(back)] == back

    def walk(self) -> Iterator[Node]:
        """Return every node from top to bottom, branches from left to right."""
        yield from sorted(self.nodes.values(), key=lambda node: self.order[node.id])
