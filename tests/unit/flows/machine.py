"""One case and everything people, clocks, absences and crashes do to it: a machine that draws its steps at random."""

import json
from collections import Counter
from random import Random
from typing import ClassVar, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from qtrace.flows.checking import faults
from qtrace.flows.definition import JUDGING, WAITING, Tree
from qtrace.flows.engine import act, migrated, replay, return_targets, start
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Recorded
from qtrace.flows.joining import joinable
from qtrace.flows.state import (
    AddSigners,
    Claim,
    Decide,
    Delegate,
    Finish,
    HandOver,
    Join,
    Jump,
    Move,
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
    Transfer,
    Withdraw,
)
from qtrace.flows.stored import dump_operation, dump_state, load_operation, load_state
from tests.unit.flows.away import Absences, Away
from tests.unit.flows.laws import Ledger, Turn, check_joined, check_quorum, check_tokens, turns
from tests.unit.flows.trees import KEEPER, USERS, Company, edited, tree

STEPS: Final = 50
SEEDS = st.integers(0, 2**24 - 1)  # drawn evenly: of wider ranges Hypothesis mostly draws a few small numbers

# Of the 22 operations on to-dos those that move a case or change whose turn it is; the others leave it as it stands.
OPERATIONS: Final = (
    "submit", "approve", "reject", "return", "withdraw", "take_back", "transfer", "delegate", "add_before", "add_after",
    "remove_signer", "claim", "release", "hand_over", "stand_in", "terminate", "jump", "reopen",
    "join", "unjoin",
)  # fmt: skip
# What else happens to a case.
HAPPENINGS: Final = (
    "close", "timeout", "passed", "failed", "user_disabled", "stand_in_set", "stand_in_over", "stand_in_ended",
    "publish", "move", "crash", "double_tap", "refused",
)  # fmt: skip
NAMES: Final = {
    "Return": "return", "Withdraw": "withdraw", "TakeItBack": "take_back", "Transfer": "transfer",
    "Delegate": "delegate", "RemoveSigner": "remove_signer", "Claim": "claim", "Release": "release",
    "TimedOut": "timeout", "Jump": "jump", "Reopen": "reopen", "Move": "move",
}  # fmt: skip


def run(cases: int) -> None:
    """Run so many cases of 50 steps at most; the first law that is broken is raised with the steps that broke it."""
    Case.tally.clear()
    chosen = settings(
        max_examples=cases, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck),
        database=None, phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    run_state_machine_as_test(Case, settings=chosen)


def name_of(tree: Tree, before: State, operation: Operation) -> str:
    """Return what people call the operation."""
    match operation:
        case Decide(entry, _by, verdict):
            node = next(turn.token.node for turn in turns(before) if turn.entry.id == entry)
            return "submit" if tree.nodes[node].kind not in JUDGING else verdict
        case AddSigners():
            return f"add_{operation.place}"
        case Join():
            return "unjoin" if operation.leave else "join"
        case Finish():
            return "close" if operation.status == "closed" else "terminate"
        case Signal():
            return "passed" if operation.passed else "failed"
        case HandOver():
            return "user_disabled" if operation.to is None else "hand_over"
        case _:
            return NAMES[type(operation).__name__]


class Case(RuleBasedStateMachine):
    """One case from its start to its end and on; `tally` counts what was done in all cases of a run."""

    tally: ClassVar[Counter[str]] = Counter()

    @initialize(seed=SEEDS, more=SEEDS)
    def begin(self, seed: int, more: int) -> None:
        """Draw a flow and a company, and start."""
        self.seed, self.steps = f"{seed} {more}", 0
        self.random = Random(self.seed)
        self.tree = Tree(tree(self.random))
        assert faults(self.tree.definition) == []
        self.versions = {1: self.tree}
        self.company, self.absences = Company(self.random, self.random.choice(USERS)), Absences()
        self.ledger, self.newest = Ledger(), self.tree.definition
        self.history: list[tuple[Operation, list[Answer]]] = []
        recorded = Recorded(self.company)
        self.submitted = self.random.random() < 0.5
        begun = start(self.tree, recorded, initiator=self.company.initiator, submitted=self.submitted)
        self.begun, self.state = recorded.answers, begun.state
        self.ledger.follow(begun)
        self.tally["cases"] += 1

    def teardown(self) -> None:
        """Play the history again: the same state, although people have left and lots would fall differently."""
        if hasattr(self, "state"):
            again = replay(
                self.versions[1], self.company.initiator, self.begun, self.history, submitted=self.submitted,
                versions=self.versions,
            )  # fmt: skip
            assert again == self.state
            assert load_state(json.loads(json.dumps(dump_state(self.state)))) == self.state
            for operation, _answers in self.history:
                assert load_operation(json.loads(json.dumps(dump_operation(operation)))) == operation

    def do(self, operation: Operation, *, behind: int | None = None) -> None:
        """Do one thing; it happens whole, is refused whole, or is lost whole by a crash before it is stored.

        `behind` is the person a deputy acts for.
        """
        before, recorded = self.state, Recorded(self.company)
        try:
            outcome = act(self.tree, before, operation, recorded)
        except FlowError as refused:
            assert refused.code != "endless"
            self.tally["refused"] += 1
            return
        if self.random.random() < 0.1:
            self.tally["crash"] += 1
            return  # the machine stopped before the commit: nothing has happened
        check_quorum(self.tree, before, operation, outcome)
        self.ledger.follow(outcome)
        self.state = outcome.state
        assert self.state.version == before.version + 1
        self.history.append((operation, recorded.answers))
        self.tally[name_of(self.tree, before, operation)] += 1
        if behind is not None:
            self.check_deputy(operation, outcome, behind)
        if isinstance(operation, Decide | Return):  # sent again by a double tap, or after a crash before the answer
            self.tap_again(operation)

    def tap_again(self, operation: Operation) -> None:
        """The same decision counts once."""
        self.tally["double_tap"] += 1
        try:
            act(self.tree, self.state, operation, self.company)
        except FlowError:
            return
        raise AssertionError("the same decision counted twice")

    def check_deputy(self, operation: Operation, outcome: Outcome, behind: int) -> None:
        """What a deputy decided stands under the deputy's name in the turn of the person, who cannot take it back."""
        self.tally["stand_in"] += 1
        if not isinstance(operation, Decide):
            return
        for turn in (entry for token in outcome.state.tokens for seat in token.seats for entry in seat.chain):
            if turn.id == operation.entry:
                assert (turn.user, turn.by, turn.state) == (behind, operation.by, "done")
        if outcome.state.last is not None:
            assert outcome.state.last.by == operation.by != behind
            try:
                act(self.tree, outcome.state, TakeItBack(operation.entry, behind), self.company)
            except FlowError:
                return
            raise AssertionError("somebody took back what a deputy decided")

    def draw(self, seed: int) -> None:
        """Let the choices of this step follow from the case, the step's place and its seed, which Hypothesis likes to repeat."""
        self.steps += 1
        self.tally["steps"] += 1
        self.random.seed(f"{self.seed} {self.steps} {seed}")

    def some_turn(self) -> Turn | None:
        """Return any live turn, mostly an open one."""
        found = turns(self.state)
        ready = [turn for turn in found if turn.entry.state == "open"]
        return self.random.choice(ready if ready and self.random.random() < 0.9 else found) if found else None

    def actor(self, turn: Turn) -> tuple[int, int | None]:
        """Return who acts on a turn, and for whom: whose it is, mostly, or the deputy while that person is away."""
        deputy = self.absences.deputy_of(turn.entry.user)
        if deputy is not None and self.random.random() < 0.8:
            return deputy, turn.entry.user
        fallback = turn.entry.pool or USERS
        found = turn.entry.user if turn.entry.user and self.random.random() < 0.95 else self.random.choice(fallback)
        return found, None

    @rule(seed=SEEDS)
    def decide(self, seed: int) -> None:
        """Somebody agrees or rejects."""
        self.draw(seed)
        if turn := self.some_turn():
            verdict = "reject" if self.random.random() < 0.25 else "approve"
            target = self.random.choice(("", "", *self.targets(turn)))
            by, behind = self.actor(turn)
            self.do(Decide(turn.entry.id, by, verdict, self.note(), target), behind=behind)

    @rule(seed=SEEDS)
    def agree(self, seed: int) -> None:
        """Somebody agrees: cases get on."""
        self.draw(seed)
        if self.state.status != "running" and self.random.random() < 0.3:
            self.do(Reopen(KEEPER, "再看一次"))
        for _more in range(self.random.randrange(1, 4)):
            if turn := self.some_turn():
                by, behind = self.actor(turn)
                self.do(Decide(turn.entry.id, by), behind=behind)

    @rule(seed=SEEDS)
    def send_back(self, seed: int) -> None:
        """Somebody returns it."""
        self.draw(seed)
        if turn := self.some_turn():
            target = self.random.choice(("", *self.targets(turn), "n1"))
            by, behind = self.actor(turn)
            self.do(Return(turn.entry.id, by, self.note(), target), behind=behind)

    @rule(seed=SEEDS)
    def hand_on(self, seed: int) -> None:
        """Somebody transfers, delegates, lets others sign, takes a signer out, claims or releases."""
        self.draw(seed)
        for _more in range(2):
            if turn := self.some_turn():
                by, behind = self.actor(turn)
                chosen = self.random.choice(self.handings(turn, by))
                self.do(chosen, behind=None if isinstance(chosen, RemoveSigner) else behind)

    def handings(self, turn: Turn, by: int) -> list[Operation]:
        """Return what may be done with a turn besides deciding, mostly what fits it."""
        entry, to = turn.entry.id, self.random.choice(USERS)
        others = tuple(self.random.sample(USERS, self.random.randrange(3)))
        if turn.entry.pool and self.random.random() < 0.7:
            return [Claim(entry, by) if turn.entry.user is None else Release(entry, by)]
        if turn.entry.added_by and self.random.random() < 0.3:
            return [RemoveSigner(entry, turn.entry.added_by)]
        return [
            Transfer(entry, by, to),
            Delegate(entry, by, to),
            AddSigners(entry, by, others, "before"),
            AddSigners(entry, by, others, "after"),
            RemoveSigner(entry, by, keeper=self.random.random() < 0.5),
            Claim(entry, by),
            Release(entry, by),
        ]

    @rule(seed=SEEDS)
    def people_join(self, seed: int) -> None:
        """Somebody lets others join a node ahead, or takes them out again."""
        self.draw(seed)
        if self.random.random() < 0.5:
            return  # most cases are decided by whom their flow names
        ahead = joinable(self.tree, self.state) if self.random.random() < 0.9 else tuple(self.tree.nodes)
        joined = [(node, user) for node, users in self.state.joined for user in users]
        if joined and self.random.random() < 0.3:
            node, user = self.random.choice(joined)
            self.do(Join(self.company.initiator, node, (user,), leave=True))
        elif ahead:
            others = tuple(self.random.sample(USERS, self.random.randrange(3)))
            self.do(Join(self.company.initiator, self.random.choice(ahead), others))

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
    def somebody_is_away(self, seed: int) -> None:
        """A person names a deputy for some days, days pass and absences end, or a person is back early."""
        self.draw(seed)
        self.tally["stand_in_over"] += self.absences.pass_days(self.random.randrange(2))
        asked = [turn.entry.user for turn in turns(self.state) if turn.entry.user]
        for user in {self.random.choice([*asked, *USERS]), self.random.choice(USERS)}:
            if self.random.random() < 0.2:
                self.tally["stand_in_ended"] += self.absences.come_back(user)
            else:
                begins = self.absences.today + self.random.randrange(2)
                away = Away(user, self.random.choice(USERS), begins, begins + self.random.randrange(1, 4))
                self.tally["stand_in_set"] += self.absences.set(away)

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
        by, note = self.random.choice((self.company.initiator, self.random.choice(USERS))), self.note()
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
        if self.random.random() < 0.5:
            return
        number = self.newest.version
        newer = tree(self.random, number + 1) if self.random.random() < 0.2 else edited(self.newest, self.random)
        if faults(newer):
            return  # a flow that cannot run is not published
        self.tally["publish"] += 1
        self.newest, self.versions[newer.version] = newer, Tree(newer)
        if self.state.status == "running" and self.random.random() < 0.5:
            self.move(newer.version)

    def move(self, version: int) -> None:
        """Move the case to another version, where it has a place there."""
        target = self.versions[version]
        try:
            moved = migrated(self.tree, self.state, target)
        except FlowError:
            return
        self.tally["move"] += 1
        self.history.append((Move(KEEPER, self.tree.definition.version, version), []))
        self.state, self.tree = moved, target

    def targets(self, turn: Turn) -> tuple[str, ...]:
        """Return where a turn may send the case back to."""
        return return_targets(self.tree, self.state, turn.entry.id)

    def note(self) -> str:
        """Return a reason, or forget it."""
        return "已核实" if self.random.random() < 0.9 else " "

    @invariant()
    def every_to_do_has_its_turn(self) -> None:
        """No to-do is orphaned and none is missing; the live tokens are those that were entered and not left."""
        if hasattr(self, "state"):
            self.ledger.check(self.state)

    @invariant()
    def the_tokens_are_one_live_set(self) -> None:
        """One token is under way in every branch that runs, and whoever a node asks can act."""
        if hasattr(self, "state"):
            check_tokens(self.tree, self.state)
            check_joined(self.state)
