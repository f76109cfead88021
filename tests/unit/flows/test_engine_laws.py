"""Whatever is done to a case, in whatever order, its flow keeps its laws.

`QTRACE_TEST_FLOWS` sets how many cases are run, of 50 steps at most; the nightly run asks for 50,000.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from qtrace.flows.checking import faults
from qtrace.flows.definition import FORKS, JUDGING, WAITING, Definition, Signing, Tree
from qtrace.flows.engine import act, migrated, replay, return_targets, start
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Recorded
from qtrace.flows.state import (
    AddSigners,
    Assigned,
    Claim,
    CloseTask,
    Decide,
    Delegate,
    Entered,
    Entry,
    Finish,
    HandOver,
    Jump,
    Left,
    OpenTask,
    Operation,
    Outcome,
    Release,
    RemoveSigner,
    Reopen,
    Return,
    Signal,
    State,
    TakeItBack,
    TimedOut,
    Token,
    Transfer,
    Withdraw,
)
from qtrace.flows.stored import dump_operation, dump_state, load_operation, load_state
from tests.unit.flows.trees import KEEPER, USERS, Company, tree

EXAMPLES = int(os.environ.get("QTRACE_TEST_FLOWS") or 2000)
STEPS = 50
SEEDS = st.integers(0, 2**32 - 1)


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


def voice(chain: list[Entry]) -> str | None:
    """Say what one voice came to."""
    counted = [entry.verdict for entry in chain if entry.kind == "sign" and entry.state != "gone"]
    if "reject" in counted:
        return "reject"
    return None if None in counted or not counted else "approve"


class Case(RuleBasedStateMachine):
    """One case from its start through anything people and clocks do to it, and a crash between any two steps."""

    @initialize(seed=SEEDS, more=SEEDS)
    def begin(self, seed: int, more: int) -> None:
        """Draw a flow and a company, and start."""
        self.random, self.steps = Random(f"{seed} {more}"), 0
        self.definition: Definition = tree(self.random)
        assert faults(self.definition) == []
        self.tree = Tree(self.definition)
        self.company = Company(self.random, self.random.choice(USERS))
        self.to_dos: dict[int, tuple[int | None, tuple[int, ...]]] = {}
        self.entered: set[int] = set()
        self.over: set[int] = set()
        self.history: list[tuple[Operation, list[Answer]]] = []
        recorded = Recorded(self.company)
        self.submitted = self.random.random() < 0.5
        begun = start(self.tree, recorded, initiator=self.company.initiator, submitted=self.submitted)
        self.begun = recorded.answers
        self.follow(begun)

    def teardown(self) -> None:
        """Play the history again: the same state, although people have left and lots would fall differently."""
        if hasattr(self, "state"):
            again = replay(
                self.tree_at_start, self.company.initiator, self.begun, self.history, submitted=self.submitted
            )
            assert again == self.state_before_moves
            assert load_state(json.loads(json.dumps(dump_state(self.state)))) == self.state
            for operation, _answers in self.history:
                assert load_operation(json.loads(json.dumps(dump_operation(operation)))) == operation

    def follow(self, outcome: Outcome) -> None:
        """Do what the effects say to the tokens and to-dos, as a service would, and check each against its law."""
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
        self.state = outcome.state
        if not hasattr(self, "tree_at_start"):
            self.tree_at_start, self.state_before_moves = self.tree, outcome.state

    def do(self, operation: Operation) -> None:
        """Do one thing; it happens whole, is refused whole, or is lost whole by a crash before it is stored."""
        before, recorded = self.state, Recorded(self.company)
        try:
            outcome = act(self.tree, before, operation, recorded)
        except FlowError as refused:
            assert refused.code != "endless"
            return
        if self.random.random() < 0.1:
            return  # the machine stopped before the commit: nothing has happened
        self.check_quorum(before, operation, outcome)
        self.follow(outcome)
        assert self.state.version == before.version + 1
        if self.tree is self.tree_at_start:
            self.history.append((operation, recorded.answers))
            self.state_before_moves = self.state
        if isinstance(operation, Decide | Return):  # sent again by a double tap, or after a crash before the answer
            try:
                act(self.tree, self.state, operation, self.company)
            except FlowError:
                return
            raise AssertionError("the same decision counted twice")

    def check_quorum(self, before: State, operation: Operation, outcome: Outcome) -> None:
        """No node is passed or rejected by a decision that its voices do not carry."""
        left = {one.token: one for one in outcome.effects if isinstance(one, Left)}
        for token in before.tokens:
            node = self.tree.nodes[token.node]
            if token.id not in left or left[token.id].how not in {"passed", "rejected"} or node.kind not in JUDGING:
                continue
            if isinstance(operation, TimedOut):
                assert (node.policies.overdue, left[token.id].how) in {("pass", "passed"), ("reject", "rejected")}
                continue
            found = forced(node.signing, list(self.voices(token, operation)))
            assert found == {"passed": "approve", "rejected": "reject"}[left[token.id].how]

    def voices(self, token: Token, operation: Operation) -> Iterator[tuple[int, str | None]]:
        """Return weight and verdict of each voice after the operation, worked out from before."""
        for seat in token.seats:
            chain = list(seat.chain)
            for place, entry in enumerate(chain):
                if isinstance(operation, Decide) and entry.id == operation.entry:
                    chain[place] = Entry(**(vars(entry) | {"verdict": operation.verdict, "state": "done"}))
                if isinstance(operation, RemoveSigner) and entry.id == operation.entry:
                    chain[place] = Entry(**(vars(entry) | {"state": "gone"}))
                    if entry.added_by is None:
                        chain = []
                        break
            if chain:
                yield seat.weight, voice(chain)

    def draw(self, seed: int) -> None:
        """Let the choices of this step follow from its seed and its place, so that the same seed twice is no repetition."""
        self.steps += 1
        self.random.seed(f"{self.steps} {seed}")

    def some_turn(self) -> Turn | None:
        """Return any live turn, mostly an open one."""
        found = turns(self.state)
        ready = [turn for turn in found if turn.entry.state == "open"]
        return self.random.choice(ready if ready and self.random.random() < 0.9 else found) if found else None

    def actor(self, turn: Turn) -> int:
        """Return who acts on a turn: whose it is, mostly."""
        fallback = turn.entry.pool or USERS
        return turn.entry.user if turn.entry.user and self.random.random() < 0.95 else self.random.choice(fallback)

    @rule(seed=SEEDS)
    def decide(self, seed: int) -> None:
        """Somebody agrees or rejects."""
        self.draw(seed)
        if turn := self.some_turn():
            verdict = "reject" if self.random.random() < 0.25 else "approve"
            target = self.random.choice(("", "", *self.targets(turn)))
            self.do(Decide(turn.entry.id, self.actor(turn), verdict, self.note(), target))

    @rule(seed=SEEDS)
    def agree(self, seed: int) -> None:
        """Somebody agrees: cases get on."""
        self.draw(seed)
        for _more in range(3):
            if turn := self.some_turn():
                self.do(Decide(turn.entry.id, self.actor(turn)))

    @rule(seed=SEEDS)
    def send_back(self, seed: int) -> None:
        """Somebody returns it."""
        self.draw(seed)
        if turn := self.some_turn():
            target = self.random.choice(("", *self.targets(turn), "n1"))
            self.do(Return(turn.entry.id, self.actor(turn), self.note(), target))

    @rule(seed=SEEDS)
    def hand_on(self, seed: int) -> None:
        """Somebody transfers, delegates, lets others sign, takes a signer out, claims or releases."""
        self.draw(seed)
        turn = self.some_turn()
        if turn is None:
            return
        entry, by, to = turn.entry.id, self.actor(turn), self.random.choice(USERS)
        others = tuple(self.random.sample(USERS, self.random.randrange(3)))
        self.do(
            self.random.choice(
                (
                    Transfer(entry, by, to),
                    Delegate(entry, by, to),
                    AddSigners(entry, by, others, "before"),
                    AddSigners(entry, by, others, "after"),
                    RemoveSigner(entry, turn.entry.added_by or by, keeper=self.random.random() < 0.5),
                    Claim(entry, by),
                    Release(entry, by),
                )
            )
        )

    @rule(seed=SEEDS)
    def take_back(self, seed: int) -> None:
        """Somebody takes the last decision back."""
        self.draw(seed)
        if last := self.state.last:
            self.do(TakeItBack(last.entry, last.by if self.random.random() < 0.9 else KEEPER))

    @rule(seed=SEEDS)
    def time_passes(self, seed: int) -> None:
        """A clock runs out, or what a node waited for comes."""
        self.draw(seed)
        if self.state.tokens:
            token = self.random.choice(self.state.tokens)
            if self.tree.nodes[token.node].kind in WAITING | {"verify"} and self.random.random() < 0.8:
                self.do(Signal(token.id, passed=self.random.random() < 0.7))
            else:
                self.do(TimedOut(token.id))

    @rule(seed=SEEDS)
    def somebody_leaves(self, seed: int) -> None:
        """A person leaves the company, and the to-dos go to somebody else; or hands over and stays."""
        self.draw(seed)
        user = self.random.choice(USERS)
        if len(self.company.left) < 6 and self.random.random() < 0.5:
            self.company.left.add(user)
            self.do(HandOver(user))
        else:
            self.do(HandOver(user, self.random.choice(USERS), user))

    @rule(seed=SEEDS)
    def whole_case(self, seed: int) -> None:
        """Somebody withdraws, ends, opens again or moves the whole case."""
        self.draw(seed)
        by, note = self.random.choice((self.company.initiator, *USERS)), self.note()
        target = self.random.choice(list(self.tree.nodes))
        if self.state.status == "running" and self.random.random() < 0.6:
            return  # most cases run on
        if self.state.status != "running":
            self.do(Reopen(by, note, self.random.choice(("", target))))
        elif self.random.random() < 0.5:
            self.do(
                self.random.choice((Withdraw(by, note), Finish(by, "closed", note), Finish(by, "terminated", note)))
            )
        else:
            self.do(Jump(by, target, note))

    @rule(seed=SEEDS)
    def publish(self, seed: int) -> None:
        """A new version is published: running cases keep theirs, unless moved to it where they have a place."""
        self.draw(seed)
        newer = tree(self.random, self.definition.version + 1)
        if self.random.random() < 0.9:
            return  # the running case keeps its version
        try:
            moved = migrated(self.tree, self.state, Tree(newer))
        except FlowError:
            return
        self.state, self.definition, self.tree = moved, newer, Tree(newer)

    def targets(self, turn: Turn) -> tuple[str, ...]:
        """Return where a turn may send the case back to."""
        return return_targets(self.tree, self.state, turn.entry.id)

    def note(self) -> str:
        """Return a reason, or forget it."""
        return "已核实" if self.random.random() < 0.9 else " "

    @invariant()
    def every_to_do_has_its_turn(self) -> None:
        """The open to-dos are the open turns: none is orphaned, none is missing."""
        if hasattr(self, "state"):
            live = {turn.entry.id: turn.entry for turn in turns(self.state) if turn.entry.state == "open"}
            assert live.keys() == self.to_dos.keys()
            assert all(self.to_dos[number][0] == entry.user for number, entry in live.items())

    @invariant()
    def the_tokens_are_one_live_set(self) -> None:
        """Exactly one token is under way in every branch that runs, and none when the case has ended."""
        if hasattr(self, "state"):
            assert {token.id for token in self.state.tokens} == self.entered - self.over
            if self.state.status != "running":
                assert (self.state.tokens, self.state.forks) == ((), ())
            else:
                self.check_cut(list(self.state.tokens), 0)
                assert {fork.id for fork in self.state.forks} == {one for t in self.state.tokens for one in t.forks}

    def check_cut(self, tokens: list[Token], depth: int) -> None:
        """Check the tokens of one branch: one of its own, or those of one fork with each of its branches."""
        inside = [token for token in tokens if len(token.forks) > depth]
        if not inside:
            assert len(tokens) == 1
            return
        assert len(inside) == len(tokens)
        numbers = {token.forks[depth] for token in tokens}
        assert len(numbers) == 1
        fork = next(one for one in self.state.forks if one.id in numbers)
        branches: dict[str, list[Token]] = {}
        for token in tokens:
            split, branch = self.tree.inside_forks(token.node)[depth]
            assert (split, self.tree.nodes[split].kind in FORKS) == (fork.node, True)
            branches.setdefault(branch, []).append(token)
        assert set(branches) == set(fork.taken) - set(fork.done)
        for among in branches.values():
            self.check_cut(among, depth + 1)

    @invariant()
    def nobody_waits_without_a_turn(self) -> None:
        """Whoever a running node asks can act: some turn of it is open."""
        if hasattr(self, "state"):
            for token in self.state.tokens:
                if self.tree.nodes[token.node].kind not in WAITING:
                    assert any(entry.state == "open" for seat in token.seats for entry in seat.chain)


TestCase = Case.TestCase
TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
)
