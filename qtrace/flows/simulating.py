"""Walk a flow on a real case without writing: who would get each step and why, whatever is decided on the way.

What is decided is a path of letters, one for each stop: agree or done, reject or send back, time out. Where the path ends
everybody agrees, so that a simulation always shows the whole way. The engine is the one that runs the cases.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from qtrace.flows.definition import ASKING, CHOSEN, FORKS, JUDGING, SPLITS, WAITING, Node, Tree, Who
from qtrace.flows.engine import act, return_targets, start
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Draw, Facts, HeadOf, Holds, Keepers, People, Question
from qtrace.flows.state import (
    Assigned,
    Copied,
    Decide,
    Effect,
    Entered,
    Entry,
    Escalate,
    Left,
    OpenTask,
    Operation,
    Remind,
    Return,
    Signal,
    State,
    Status,
    TimedOut,
    Token,
)

_ = str  # marks messages for extraction; they are translated where they are shown

AGREE, REJECT, LATE = "a", "r", "t"
LETTERS: Final = frozenset({AGREE, REJECT, LATE})
MOST_STOPS: Final = 60
MOST_TURNS: Final = 300  # voices of one node

Jumped = Literal[
    "nobody_pass", "nobody_reject", "nobody_named", "nobody_admin", "to_choose", "self_skip", "self_head", "repeated",
    "drawn", "reminded", "escalated", "transferred", "late_pass", "late_reject", "unmoved",
]  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One way to find people, and whom it found."""

    who: Who
    users: tuple[int, ...]


@dataclass(frozen=True)
class Asked:
    """One voice of a node: a person, a pool, or one that had agreed before."""

    user: int | None
    pool: tuple[int, ...] = ()
    before: bool = False


@dataclass(frozen=True)
class Taken:
    """One branch of a split: did its condition hold (None: it was not asked), and was it taken."""

    branch: str
    holds: bool | None
    taken: bool


@dataclass
class Stop:
    """One node on the way: who was found and how, who is asked, which branches are taken, what policy jumped in.

    A stop that waits for somebody has `choices` and the `choice` that was made, and `path` leads to it.
    """

    node: str
    found: list[Found] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    copied: tuple[int, ...] = ()
    jumped: list[Jumped] = field(default_factory=list)
    told: dict[str, tuple[int, ...]] = field(default_factory=dict)  # whom a policy reached, by its name
    reminders: int = 0
    waits: bool = False
    again: bool = False
    choices: tuple[str, ...] = ()
    choice: str = ""
    path: str = ""


@dataclass(frozen=True)
class Simulation:
    """The whole way: its stops, how it ended, and where the engine refused to go on."""

    stops: tuple[Stop, ...]
    status: Status
    problem: FlowError | None = None
    cut: bool = False


@dataclass
class Watched:
    """Facts that note down what was asked; a lot always falls on the first."""

    facts: Facts
    log: list[tuple[Question, Answer]] = field(default_factory=list)

    def answer(self, question: Question, /) -> Answer:
        """Return and note the answer."""
        found = (0,) if isinstance(question, Draw) else self.facts.answer(question)
        self.log.append((question, found))
        return found

    def drain(self) -> list[tuple[Question, Answer]]:
        """Return what was asked since the last time."""
        noted, self.log = self.log, []
        return noted


def simulate(tree: Tree, facts: Facts, *, initiator: int | None, path: str = "", submitted: bool = False) -> Simulation:
    """Return the way a case of this initiator would go with these decisions."""
    walk = _Walk(tree, Watched(facts))
    try:
        walk.begin(initiator, submitted=submitted)
        while walk.state.status == "running":
            if walk.decided >= MOST_STOPS:
                return Simulation(tuple(walk.stops), walk.state.status, cut=True)
            walk.decide(path)
    except FlowError as error:
        return Simulation(tuple(walk.stops), walk.status, error)
    return Simulation(tuple(walk.stops), walk.state.status)


class _Walk:
    """A simulation under way."""

    def __init__(self, tree: Tree, facts: Watched) -> None:
        self.tree, self.facts = tree, facts
        self.stops: list[Stop] = []
        self.here: dict[int, Stop] = {}  # the stop of each live token
        self.decided = 0
        self.path = ""
        self.initiator: int | None = None
        self.state = State("running", None)

    @property
    def status(self) -> Status:
        """Return how far it came."""
        return self.state.status

    def begin(self, initiator: int | None, *, submitted: bool) -> None:
        """Start the case."""
        self.initiator = initiator
        outcome = start(self.tree, self.facts, initiator=initiator, submitted=submitted)
        before, self.state = State("running", initiator), outcome.state
        self._note(before, outcome.effects, submitted=submitted)

    def decide(self, path: str) -> None:
        """Let the stop that comes first in the tree be decided as the path says."""
        token = min(self.state.tokens, key=lambda one: (self.tree.order[one.node], one.id))
        node, stop = self.tree.nodes[token.node], self.here[token.id]
        if stop.choice:  # it was late and is still open: the same people, once more
            stop = replace(stop, jumped=[], told={}, reminders=0, again=True, choice="")
            self.stops.append(stop)
            self.here[token.id] = stop
            stop.asked = [_asked(entry) for seat in token.seats for entry in seat.chain if entry.state == "open"]
        stop.choices = self._choices(node, token)
        wanted = path[self.decided : self.decided + 1]
        stop.choice = wanted if wanted in stop.choices else AGREE
        stop.path = self.path
        self.path += stop.choice
        self.decided += 1
        before = self.state
        effects = self._late(token) if stop.choice == LATE else self._judged(node, token, stop.choice)
        if stop.choice == LATE:
            self._note_late(stop, effects, token)
        elif any(one.id == token.id for one in self.state.tokens):
            stop.jumped.append("unmoved")
        self._note(before, effects)

    def _choices(self, node: Node, token: Token) -> tuple[str, ...]:
        if node.kind in WAITING:
            return (AGREE,) if node.kind == "timer" else (AGREE, REJECT)
        entry = _first_open(token)
        back = node.kind in JUDGING or (entry is not None and bool(return_targets(self.tree, self.state, entry.id)))
        return (AGREE, REJECT, LATE) if back else (AGREE, LATE)

    def _judged(self, node: Node, token: Token, choice: str) -> list[Effect]:
        """Let everybody of the node say the same until it is left."""
        effects: list[Effect] = []
        for _turn in range(MOST_TURNS):
            now = next((one for one in self.state.tokens if one.id == token.id), None)
            entry = _first_open(now) if now else None
            if now is None or (entry is None and node.kind in ASKING):
                break
            effects += self._do(self._operation(node, now, entry, choice))
        return effects

    def _operation(self, node: Node, token: Token, entry: Entry | None, choice: str) -> Operation:
        if entry is None:
            return Signal(token.id, passed=choice == AGREE)
        by = entry.user if entry.user is not None else next(iter(entry.pool), 0)
        if choice == REJECT and node.kind not in JUDGING:
            return Return(entry.id, by, "-")
        return Decide(entry.id, by, "reject" if choice == REJECT else "approve", "-", signed=True)

    def _late(self, token: Token) -> list[Effect]:
        """Let the time run out until more than a reminder comes of it."""
        effects: list[Effect] = []
        for _time in range(self.tree.nodes[token.node].policies.reminders + 1):
            done = self._do(TimedOut(token.id))
            effects += done
            if not all(isinstance(one, Remind) for one in done):
                break
        return effects

    def _do(self, operation: Operation) -> list[Effect]:
        outcome = act(self.tree, self.state, operation, self.facts)
        self.state = outcome.state
        return list(outcome.effects)

    # What came of it -------------------------------------------------------------------------------------------------

    def _note(self, before: State, effects: Iterable[Effect], *, submitted: bool = False) -> None:
        """Make a stop of every node that was entered, and tell what was asked and answered there."""
        effects = list(effects)
        entered = list(self.state.visits[len(before.visits) :])
        first = entered.pop(0) if submitted and entered else ""
        if first:
            self.stops.append(Stop(first, asked=[Asked(self.initiator)]))
        stops = [Stop(node) for node in entered]
        self._answers(stops, self.facts.drain())
        tokens = [one for one in effects if isinstance(one, Entered)]
        copies = [one for one in effects if isinstance(one, Copied)]
        for stop in stops:
            node = self.tree.nodes[stop.node]
            if node.kind == "cc":
                stop.copied = copies.pop(0).users
            elif node.kind in ASKING or node.kind in WAITING:
                place = next(one for one in tokens if one.node == stop.node)
                tokens.remove(place)
                stop.waits = node.kind in WAITING
                self.here[place.token] = stop
                self._people(stop, node, place.token, effects)
            elif node.kind in SPLITS:
                self._ways(stop, node)
        self.stops += stops

    def _answers(self, stops: list[Stop], log: list[tuple[Question, Answer]]) -> None:
        here = 0
        for question, answer in log:
            place = getattr(question, "node", "")
            if place:
                here = next((now for now in range(here, len(stops)) if stops[now].node == place), here)
            if not stops:
                return
            stop = stops[here]
            match question:
                case People(node, who) if node:
                    stop.found.append(Found(who, answer))
                case People(_node, who):
                    stop.told["nobody_named"] = answer
                case Keepers():
                    stop.told["nobody_admin"] = answer
                case HeadOf():
                    stop.told["self_head"] = answer
                case Draw():
                    stop.jumped.append("drawn")
                case Holds(_node, branch):
                    stop.taken.append(Taken(branch, bool(answer), taken=False))

    def _people(self, stop: Stop, node: Node, token_id: int, effects: list[Effect]) -> None:
        """Tell who is asked at a node, and which policy put them there."""
        if node.kind not in ASKING:
            return
        left = next((one for one in effects if isinstance(one, Left) and one.token == token_id), None)
        opened = [one for one in effects if isinstance(one, OpenTask) and one.token == token_id]
        token = next((one for one in self.state.tokens if one.id == token_id), None)
        seats = token.seats if token else ()
        stop.asked = [_asked(entry) for seat in seats for entry in seat.chain] or [
            Asked(one.user, one.pool) for one in opened
        ]
        known = {user for one in stop.found for user in one.users}
        if any(who.kind in CHOSEN for who in node.who) and not known:
            stop.jumped.append("to_choose")
        if not known:
            self._nobody(stop, node, left)
        elif node.kind in JUDGING:
            self._self(stop, node, known)
            if any(one.before for one in stop.asked) or (left and not opened and "self_skip" not in stop.jumped):
                stop.jumped.append("repeated")

    def _nobody(self, stop: Stop, node: Node, left: Left | None) -> None:
        if left is not None and left.how == "nobody":
            stop.jumped.append("nobody_pass")
        elif left is not None and left.how == "rejected":
            stop.jumped.append("nobody_reject")
        elif node.policies.nobody == "named" and stop.told.get("nobody_named"):
            stop.jumped.append("nobody_named")
        else:
            stop.jumped.append("nobody_admin")

    def _self(self, stop: Stop, node: Node, known: set[int]) -> None:
        rule = node.policies.self_approval
        if rule != "self" and self.initiator in known:
            stop.jumped.append("self_head" if rule == "head" else "self_skip")
            if rule == "head" and not stop.told.get("self_head"):
                stop.told["self_head"] = stop.told.get("nobody_admin", ())[:1]

    def _ways(self, stop: Stop, node: Node) -> None:
        """Tell which branches of a split were taken."""
        held = {one.branch: bool(one.holds) for one in stop.taken}
        through = [one.id for one in node.branches if held.get(one.id)]
        other = [one.id for one in node.branches if one.condition is None]
        if node.kind == "parallel":
            taken = {one.id for one in node.branches}
        elif node.kind in FORKS:
            taken = set(through or other)
        else:
            taken = set((through or other)[:1])
        stop.taken = [Taken(one.id, held.get(one.id), one.id in taken) for one in node.branches]

    def _note_late(self, stop: Stop, effects: list[Effect], token: Token) -> None:
        stop.reminders = sum(isinstance(one, Remind) for one in effects)
        if stop.reminders:
            stop.jumped.append("reminded")
        for effect in effects:
            if isinstance(effect, Escalate):
                stop.jumped.append("escalated")
                stop.told["escalated"] = effect.users
        left = next((one for one in effects if isinstance(one, Left) and one.token == token.id), None)
        moved = tuple(one.user for one in effects if isinstance(one, Assigned) and one.user is not None)
        if left is not None:
            stop.jumped.append("late_reject" if left.how == "rejected" else "late_pass")
        elif moved:
            stop.jumped.append("transferred")
            stop.told["transferred"] = moved


def described(simulation: Simulation, people: Mapping[int, str]) -> list[str]:
    """Return the way in one line for each stop, for tests and the command line."""
    return [
        " ".join(
            part
            for part in (
                stop.node,
                ",".join(
                    people.get(one.user, str(one.user))
                    if one.user is not None
                    else "|".join(people.get(user, str(user)) for user in one.pool)
                    for one in stop.asked
                ),
                ",".join(one.branch for one in stop.taken if one.taken),
                stop.choice,
                ",".join(stop.jumped),
            )
            if part
        )
        for stop in simulation.stops
    ]


def _first_open(token: Token) -> Entry | None:
    return next((entry for seat in token.seats for entry in seat.chain if entry.state == "open"), None)


def _asked(entry: Entry) -> Asked:
    return Asked(entry.user, entry.pool, before=entry.auto)
