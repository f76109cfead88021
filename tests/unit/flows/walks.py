"""A small company and a case of Anna's that walks through a flow, for tests of the engine by example."""

import pytest

from qtrace.flows.definition import Branch, Definition, Node, Signing, Tree, Who
from qtrace.flows.engine import act, start
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Draw, HeadOf, Holds, Keepers, People, Question
from qtrace.flows.state import (
    Decide,
    Entry,
    Operation,
    State,
)

ANNA, BEN, CARL, DORA, HEAD, KEEPER = 1, 2, 3, 4, 8, 9
AMOUNT = {"amount": "high"}


class Company:
    """Users by number; `high` says whether the amount is, and the second of several is drawn by lot."""

    def __init__(self, *, high: bool = False, left: tuple[int, ...] = ()) -> None:
        self.high, self.left = high, left

    def answer(self, question: Question, /) -> Answer:
        """Answer as the fields say."""
        match question:
            case People(_node, Who("initiator")):
                found: Answer = (ANNA,)
            case People(_node, who):
                found = tuple(int(one) for one in who.value.split(",") if one)
            case HeadOf():
                found = (HEAD,)
            case Keepers():
                found = (KEEPER,)
            case Draw():
                return (1,)
            case Holds():
                return (1,) if self.high else ()
        return tuple(user for user in found if user not in self.left)


def node(name: str, *users: int, kind: str = "approve", **more: object) -> Node:
    """Return a node for these people."""
    who = () if kind == "start" else (Who("role", ",".join(map(str, users))),)
    given = {"who": who, "due_minutes": 60} | more
    return Node(name, kind, name, name, **given)  # type: ignore[arg-type]


class Walk:
    """A case of Anna's that was handed in, and what happens to it."""

    def __init__(self, *nodes: Node, company: Company | None = None, **more: object) -> None:
        self.company = company or Company()
        self.tree = Tree(Definition("claim", 1, (node("ask", kind="start"), *nodes), **more))  # type: ignore[arg-type]
        self.outcome = start(self.tree, self.company, initiator=ANNA, submitted=True)

    @property
    def state(self) -> State:
        """Return where it stands."""
        return self.outcome.state

    def do(self, operation: Operation) -> "Walk":
        """Do one thing."""
        self.outcome = act(self.tree, self.state, operation, self.company)
        return self

    def turn(self, user: int | None) -> Entry:
        """Return the person's live turn."""
        return next(entry for entry in self.live() if entry.user == user)

    def live(self) -> list[Entry]:
        """Return the turns that are open or will be."""
        return [
            entry for token in self.state.tokens for seat in token.seats for entry in seat.chain
            if entry.state in {"open", "waiting"}
        ]  # fmt: skip

    def yes(self, user: int) -> "Walk":
        """Let the person agree."""
        return self.do(Decide(self.turn(user).id, user))

    def no(self, user: int, target: str = "") -> "Walk":
        """Let the person reject."""
        return self.do(Decide(self.turn(user).id, user, "reject", "不行", target))

    def at(self) -> list[str]:
        """Return the nodes it stands on."""
        return [token.node for token in self.state.tokens]

    def asked(self) -> list[int | None]:
        """Return whose turn it is now."""
        return [entry.user for entry in self.live() if entry.state == "open"]

    def effects(self, kind: type) -> list[object]:
        """Return the effects of a kind of the last operation."""
        return [effect for effect in self.outcome.effects if isinstance(effect, kind)]


def refused(walk: Walk, operation: Operation) -> str:
    """Return the code of the refusal; the case stands as before."""
    before = walk.state
    with pytest.raises(FlowError) as error:
        walk.do(operation)
    assert walk.state == before
    return error.value.code


def all_of(*users: int, **more: object) -> Node:
    """Return a node everybody has to countersign."""
    return node("sign", *users, kind="countersign", signing=Signing("all"), **more)


def fork(kind: str = "parallel", condition: object = None) -> Node:
    """Return a fork of two branches of one node each."""
    ways = (
        Branch("a", "质量", "Quality", condition, (node("quality", BEN),)),
        Branch("b", "采购", "Buying", None, (node("buying", CARL),)),
    )
    return Node("both", kind, "会签", "Both", branches=ways)  # type: ignore[arg-type]
