"""Definitions and companies drawn at random, for tests of the flow engine."""

from dataclasses import dataclass, field, replace
from random import Random

from qtrace.flows.definition import Branch, Definition, Node, NodeKind, Policies, Signing, Who
from qtrace.flows.facts import Answer, Draw, HeadOf, Holds, Keepers, People, Question

USERS = tuple(range(1, 9))
KEEPER = 9
ROLES = {"service": (1, 2, 3), "lead": (4, 5), "warehouse": (6, 7, 8), "nobody": ()}


@dataclass
class Company:
    """People of whom some have left; conditions and lots fall as the random numbers say."""

    random: Random
    initiator: int
    left: set[int] = field(default_factory=set)

    def answer(self, question: Question, /) -> Answer:
        """Answer as the company stands now."""
        match question:
            case Keepers():
                return (KEEPER,)
            case Draw(_node, among):
                return (self.random.randrange(among),)
            case Holds():
                return (1,) if self.random.random() < 0.5 else ()
            case HeadOf(user):
                return self.here((user + 1,))
            case People(_node, who):
                return self.here(self.meant(who))

    def meant(self, who: Who) -> tuple[int, ...]:
        """Return who is meant, whether still there or not."""
        match who.kind:
            case "user":
                return (int(who.value),)
            case "role":
                return ROLES[who.value]
            case "initiator":
                return (self.initiator,)
            case "head_chain":
                return tuple(user for user in USERS if user > self.initiator)[:3]
            case _:
                return ()

    def here(self, users: tuple[int, ...]) -> Answer:
        """Leave out who has left."""
        return tuple(user for user in users if user in USERS and user not in self.left)


def tree(random: Random, version: int = 1) -> Definition:
    """Return a definition of all kinds of nodes, three splits deep at most."""
    names = iter(range(1, 10_000))
    nodes = [make("start", names, random), *column(names, random, depth=3, most=5, least=1)]
    return Definition("drawn", version, tuple(nodes), withdrawal=random.choice(("any", "untouched", "never")))


def edited(definition: Definition, random: Random) -> Definition:
    """Return the next version of a definition as people make one: a step more, a step less, or other settings."""
    nodes, version = list(definition.nodes), definition.version + 1
    names = iter(range(version * 10_000, version * 10_000 + 100))
    place = random.randrange(1, len(nodes))
    change = random.choice(("add", "leave_out", "settings"))
    if change == "add":
        nodes.insert(place, plain("approve", names, random))
    elif change == "leave_out" and len(nodes) > 2:
        del nodes[place]
    else:
        nodes[place] = replace(nodes[place], policies=make("approve", names, random).policies)
    return replace(definition, version=version, nodes=tuple(nodes))


def column(names, random: Random, *, depth: int, most: int, least: int = 0) -> list[Node]:  # type: ignore[no-untyped-def]
    """Return nodes one under another."""
    found: list[Node] = []
    for _place in range(random.randrange(least, most + 1)):
        kind = random.choices(KINDS, WEIGHTS)[0]
        found.append(split(kind, names, random, depth) if kind in SPLITTING and depth else plain(kind, names, random))
    if found and depth < 3 and random.random() < 0.08:
        found.append(make("end", names, random))
    return found


def plain(kind: NodeKind, names, random: Random) -> Node:  # type: ignore[no-untyped-def]
    """Return a node without branches."""
    return make("approve" if kind in SPLITTING else kind, names, random)


def split(kind: NodeKind, names, random: Random, depth: int) -> Node:  # type: ignore[no-untyped-def]
    """Return a split; only its last branch has no condition, unless all branches run."""
    number, count = next(names), random.randrange(2, 4)
    branches = []
    for side in range(count):
        condition = None if kind == "parallel" or side == count - 1 else {"drawn": side}
        inner = tuple(column(names, random, depth=depth - 1, most=2))
        if kind == "parallel" or side == count - 1:  # something must come out of a split, or nothing below is reached
            inner = without_ends(inner)
        branches.append(Branch(f"b{side}", f"分支{side}", f"Branch {side}", condition, inner))
    return Node(f"n{number}", kind, f"分支{number}", f"Split {number}", branches=tuple(branches))


def without_ends(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Leave out what ends the case, at every depth."""
    kept = []
    for node in nodes:
        if node.kind == "end":
            continue
        branches = tuple(
            Branch(one.id, one.name_zh, one.name_en, one.condition, without_ends(one.nodes)) for one in node.branches
        )
        kept.append(Node(**(vars(node) | {"branches": branches})))
    return tuple(kept)


def make(kind: NodeKind, names, random: Random) -> Node:  # type: ignore[no-untyped-def]
    """Return a node with settings of its kind, each possible one now and then."""
    number = next(names)
    who = tuple(random.choice(WHO) for _one in range(random.choice((1, 1, 2))))
    signing = Signing(
        random.choice(("any", "all", "ratio", "weighted", "random", "claim", "claim")),
        random.choice(("parallel", "sequential")),
        random.choice((1, 34, 50, 67, 100)),
    )
    policies = Policies(
        nobody=random.choice(("pass", "reject", "named", "admin")),
        nobody_user=str(random.choice(USERS)),
        self_approval=random.choice(("self", "skip", "head")),
        repeated=random.choice(("none", "once", "consecutive")),
        reject_to=random.choice(("initiator", "previous", "chosen", "terminate", "parent")),
        after_return=random.choice(("again", "straight")),
        reminders=random.choice((0, 1, 2)),
        overdue=random.choice(
            ("escalate", "transfer", "pass", *(("reject",) if kind in {"approve", "countersign"} else ()))
        ),
    )
    options = {"minutes": 5, "action": "callback", "flow": "other", "timeout_minutes": 5}
    return Node(
        f"n{number}", kind, f"节点{number}", f"Node {number}", () if kind == "start" else who, signing, policies,
        due_minutes=60, options=options,
    )  # fmt: skip


WHO = (
    Who("user", "1"), Who("user", "5", weight=3), Who("role", "service"), Who("role", "lead", weight=2),
    Who("role", "warehouse"), Who("role", "nobody"), Who("initiator"), Who("head_chain"),
)  # fmt: skip
KINDS: tuple[NodeKind, ...] = (
    "fill", "handle", "approve", "countersign", "verify", "cc", "branch", "parallel", "inclusive", "timer", "auto",
    "subflow",
)  # fmt: skip
WEIGHTS = (1, 2, 4, 4, 1, 1, 2, 3, 2, 1, 1, 1)
SPLITTING = frozenset({"branch", "parallel", "inclusive"})
