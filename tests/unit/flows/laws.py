"""The laws every case keeps, checked from outside: what its effects add up to, its live tokens, and what its voices carry."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from qtrace.flows.definition import FORKS, JUDGING, WAITING, Signing, Tree
from qtrace.flows.state import (
    Assigned,
    CloseTask,
    Decide,
    Entered,
    Entry,
    Left,
    OpenTask,
    Operation,
    Outcome,
    RemoveSigner,
    Seat,
    State,
    TimedOut,
    Token,
)


@dataclass(frozen=True)
class Turn:
    """A live turn and where it is."""

    token: Token
    entry: Entry


def turns(state: State) -> list[Turn]:
    """Return every turn that is open or waits to be."""
    return [
        Turn(token, entry)
        for token in state.tokens
        for seat in token.seats
        for entry in seat.chain
        if entry.state in {"open", "waiting"}
    ]


def open_turns(state: State) -> dict[int, Entry]:
    """Return the open turns by number."""
    return {turn.entry.id: turn.entry for turn in turns(state) if turn.entry.state == "open"}


@dataclass
class Ledger:
    """What a service would have stored: the to-dos with their owners and pools, the nodes entered and left."""

    to_dos: dict[int, tuple[int | None, tuple[int, ...]]] = field(default_factory=dict)
    entered: set[int] = field(default_factory=set)
    over: set[int] = field(default_factory=set)

    def follow(self, outcome: Outcome) -> None:
        """Do what the effects say to the tokens and to-dos, and check each against its law."""
        for effect in outcome.effects:
            match effect:
                case Entered(token, _node):
                    assert token not in self.entered
                    self.entered.add(token)
                case Left(token):
                    assert token in self.entered
                    assert token not in self.over, "a node ends exactly once"
                    self.over.add(token)
                case OpenTask(entry, token, _node, user, pool):
                    assert entry not in self.to_dos
                    assert token in self.entered - self.over
                    assert user is not None or pool, "a to-do belongs to somebody"
                    self.to_dos[entry] = (user, pool)
                case CloseTask(entry):
                    del self.to_dos[entry]  # only what was open is closed, and once
                case Assigned(entry, user):
                    self.to_dos[entry] = (user, self.to_dos[entry][1])
                case _:
                    pass

    def check(self, state: State) -> None:
        """The open to-dos are the open turns, and the live tokens those that were entered and not left."""
        live = open_turns(state)
        assert live.keys() == self.to_dos.keys()
        assert all(self.to_dos[number][0] == entry.user for number, entry in live.items())
        assert {token.id for token in state.tokens} == self.entered - self.over


def check_tokens(tree: Tree, state: State) -> None:
    """Exactly one token is under way in every branch that runs, each can go on, and none is left when the case has ended."""
    if state.status != "running":
        assert (state.tokens, state.forks) == ((), ())
        return
    _check_cut(tree, state, list(state.tokens), 0)
    assert {fork.id for fork in state.forks} == {one for token in state.tokens for one in token.forks}
    for token in state.tokens:
        if tree.nodes[token.node].kind not in WAITING:
            assert any(entry.state == "open" for seat in token.seats for entry in seat.chain), "somebody can act"


def _check_cut(tree: Tree, state: State, tokens: list[Token], depth: int) -> None:
    """Check the tokens of one branch: one of its own, or those of one fork with each of its branches."""
    inside = [token for token in tokens if len(token.forks) > depth]
    if not inside:
        assert len(tokens) == 1
        return
    assert len(inside) == len(tokens)
    numbers = {token.forks[depth] for token in tokens}
    assert len(numbers) == 1
    fork = next(one for one in state.forks if one.id in numbers)
    branches: dict[str, list[Token]] = {}
    for token in tokens:
        split, branch = tree.inside_forks(token.node)[depth]
        assert (split, tree.nodes[split].kind in FORKS) == (fork.node, True)
        branches.setdefault(branch, []).append(token)
    assert set(branches) == set(fork.taken) - set(fork.done)
    for among in branches.values():
        _check_cut(tree, state, among, depth + 1)


def check_quorum(tree: Tree, before: State, operation: Operation, outcome: Outcome) -> None:
    """No node is passed or rejected by a decision that its voices do not carry."""
    left = {one.token: one for one in outcome.effects if isinstance(one, Left)}
    for token in before.tokens:
        node = tree.nodes[token.node]
        if token.id not in left or left[token.id].how not in {"passed", "rejected"} or node.kind not in JUDGING:
            continue
        if isinstance(operation, TimedOut):
            assert (node.policies.overdue, left[token.id].how) in {("pass", "passed"), ("reject", "rejected")}
            continue
        found = _heard_first(token, operation) or forced(node.signing, list(_voices(token, operation)))
        assert found == {"passed": "approve", "rejected": "reject"}[left[token.id].how]


def check_joined(state: State) -> None:
    """Whom a node names is asked when everybody who joined it has agreed, and not before."""
    for token in state.tokens:
        joined = [entry for seat in token.seats if seat.joined for entry in seat.chain]
        if any(entry.state in {"open", "waiting"} for entry in joined):
            named = [entry for seat in token.seats if not seat.joined for entry in seat.chain]
            assert not any(entry.state == "open" for entry in named)


def _heard_first(token: Token, operation: Operation) -> str | None:
    """Say what those who joined a node settle: it is rejected by any of them, and passed where it names nobody."""
    first = [_voice(chain) for seat, chain in _chains(token, operation) if seat.joined]
    assert None not in first or "reject" in first, "nobody passes who joined without an answer"
    if "reject" in first:
        return "reject"
    return "approve" if first and all(seat.joined for seat, _chain in _chains(token, operation)) else None


def forced(signing: Signing, voices: list[tuple[int, str | None]]) -> str | None:
    """Say what a node's voices come to by trying every way the open ones may still go: an oracle without shortcuts."""
    if signing.mode in {"any", "random", "claim"}:
        return next((verdict for _weight, verdict in voices if verdict), None)
    asked = 100 if signing.mode == "all" else signing.percent
    weights = [weight if signing.mode == "weighted" else 1 for weight, _verdict in voices]
    found = set()
    for rest in product(("approve", "reject"), repeat=sum(verdict is None for _weight, verdict in voices)):
        going = iter(rest)
        final = [verdict or next(going) for _weight, verdict in voices]
        agreed = sum(weight for weight, verdict in zip(weights, final, strict=True) if verdict == "approve")
        found.add("approve" if agreed * 100 >= asked * sum(weights) else "reject")
    return found.pop() if len(found) == 1 else None


def _voices(token: Token, operation: Operation) -> Iterator[tuple[int, str | None]]:
    """Return weight and verdict of each voice after the operation, worked out from before."""
    for seat, chain in _chains(token, operation):
        if not seat.joined:
            yield seat.weight, _voice(chain)


def _chains(token: Token, operation: Operation) -> Iterator[tuple[Seat, list[Entry]]]:
    """Return the voices with their turns after the operation, worked out from before."""
    for seat in token.seats:
        chain = list(seat.chain)
        for place, entry in enumerate(chain):
            if isinstance(operation, Decide) and entry.id == operation.entry:
                chain[place] = replace(entry, verdict=operation.verdict, state="done")
            if isinstance(operation, RemoveSigner) and entry.id == operation.entry:
                chain[place] = replace(entry, state="gone")
                if entry.added_by is None:
                    chain = []
                    break
        if chain:
            yield seat, chain


def _voice(chain: list[Entry]) -> str | None:
    """Say what one voice came to."""
    counted = [entry.verdict for entry in chain if entry.kind == "sign" and entry.state != "gone"]
    if "reject" in counted:
        return "reject"
    return None if None in counted or not counted else "approve"
