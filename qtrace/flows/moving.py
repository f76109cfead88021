"""Move the tokens of one case through its tree: enter a node, leave it, fork, join, go back, end.

A `Run` is the workbench of one operation: it holds the parts of the state while they change, and the effects in order.
"""

from collections.abc import Iterable
from dataclasses import replace

from qtrace.flows.definition import ASKING, CHOSEN, FORKS, JUDGING, WAITING, Node, Policies, Tree, Who
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Draw, Facts, HeadOf, Holds, Keepers, People
from qtrace.flows.state import (
    CloseTask,
    Copied,
    Effect,
    Ended,
    Entered,
    Entry,
    Fork,
    Left,
    OpenTask,
    Outcome,
    Seat,
    State,
    Status,
    TakeBack,
    Token,
    Wait,
)
from qtrace.flows.verdicts import result_of, verdict_of

_ = str  # marks messages for extraction; they are translated where they are shown

MOST_STEPS = 2_000  # nodes one operation may enter; a tree of the allowed size has far fewer


class Run:
    """One operation on one case."""

    def __init__(self, tree: Tree, state: State, facts: Facts) -> None:
        self.tree, self.facts, self.before = tree, facts, state
        self.status: Status = state.status
        self.next_id = state.next_id
        self.tokens = {token.id: token for token in state.tokens}
        self.forks = {fork.id: fork for fork in state.forks}
        self.visits = list(state.visits)
        self.approved = list(state.approved)
        self.chosen = dict(state.chosen)
        self.joined = dict(state.joined)
        self.touched = state.touched
        self.effects: list[Effect] = []
        self.refused: set[str] = set()  # nodes that found nobody and sent the case back in this operation
        self.steps = 0

    def outcome(self, last: TakeBack | None = None) -> Outcome:
        """Return what the operation made."""
        version = self.before.version + 1
        moved = any(isinstance(one, Entered | Left | Ended) for one in self.effects)
        state = State(
            status=self.status, initiator=self.before.initiator, version=version,
            moved=version if moved else self.before.moved, next_id=self.next_id,
            tokens=tuple(self.tokens.values()), forks=tuple(self.forks.values()), visits=tuple(self.visits),
            approved=tuple(self.approved), chosen=tuple(self.chosen.items()),
            joined=tuple(one for one in self.joined.items() if one[1]), touched=self.touched, last=last,
        )  # fmt: skip
        return Outcome(state, tuple(self.effects))

    def new_id(self) -> int:
        """Return a number no token, fork or entry of this case has had."""
        self.next_id += 1
        return self.next_id - 1

    # Through the tree ------------------------------------------------------------------------------------------------

    def enter(self, node_id: str, forks: tuple[int, ...], straight_to: str = "") -> None:
        """Come to a node, and go on at once where nobody is asked."""
        if self.status != "running":
            return
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise FlowError("endless", _("流程在没有人处理的节点之间转圈,请流程管理员检查「%(node)s」。"), node=node_id)
        node = self.tree.nodes[node_id]
        self.visits.append(node_id)
        if node.kind in ASKING:
            self._ask(node, forks, straight_to)
        elif node.kind in WAITING:
            token = self._token(node, forks)
            self.effects.append(Wait(token.id, node_id))
        elif node.kind == "end":
            self.finish("rejected" if node.options.get("outcome") == "rejected" else "closed")
        elif node.kind == "cc":
            self.effects.append(Copied(node_id, tuple(user for user, _weight in self._people(node))))
            self.go_on(node_id, forks)
        elif node.kind == "branch":
            self._branch(node, forks)
        else:
            self._fork(node, forks)

    def leave(self, token: Token, how: str = "passed") -> None:
        """A token is done with its node and goes on."""
        self.drop(token, how)
        if token.straight_to:
            self.enter(token.straight_to, token.forks)
        else:
            self.go_on(token.node, token.forks)

    def go_on(self, node_id: str, forks: tuple[int, ...]) -> None:
        """Go from a finished node to what follows it, out of its branch where it was the last one there."""
        following = self.tree.following(node_id)
        if following is not None:
            self.enter(following, forks)
        elif not self.tree.places[node_id]:
            self.finish("closed")
        else:
            split, branch = self.tree.places[node_id][-1]
            self._out_of(self.tree.nodes[split], branch, forks)

    def back(self, token: Token, target: str, *, how: str = "returned", straight: bool = False) -> None:
        """Send a token back; the branches beside it end where the target lies before their split."""
        depth = len(self.tree.inside_forks(target))
        straight = straight and depth == len(token.forks)
        self.drop(token, how)
        if depth < len(token.forks):
            self._cancel_inside(token.forks[depth], token)
        self.forget_approvals(target)
        self.enter(target, token.forks[:depth], token.node if straight else "")

    def forget_approvals(self, target: str) -> None:
        """What was agreed from here on has to be agreed again."""
        place, first = self.tree.places[target], self.tree.order[target]
        undone = {
            node
            for node, order in self.tree.order.items()
            if order >= first and self.tree.places[node][: len(place)] == place
        }
        self.approved = [one for one in self.approved if one[0] not in undone]

    def finish(self, status: Status) -> None:
        """End the case: whatever is still open is cancelled."""
        self.cancel_all()
        self.status = status
        self.effects.append(Ended(status))

    def cancel_all(self) -> None:
        """Take every token from the tree."""
        for token in list(self.tokens.values()):
            self.drop(token, "cancelled")
        self.forks.clear()

    def drop(self, token: Token, how: str) -> None:
        """Take a token from the tree with its open turns."""
        for seat in self.tokens.pop(token.id).seats:
            self.effects.extend(CloseTask(entry.id, done=False) for entry in seat.chain if entry.state == "open")
        self.effects.append(Left(token.id, token.node, how))  # type: ignore[arg-type]

    def rejected(self, token: Token, target: str = "") -> None:
        """Do what the node says of a rejection."""
        policies = self.tree.nodes[token.node].policies
        if policies.reject_to in {"terminate", "parent"}:
            self.drop(token, "rejected")
            self.finish("rejected")
            return
        goal = self.tree.definition.first.id
        if policies.reject_to == "previous":
            goal = next(iter(self.targets(token)), goal)
        elif policies.reject_to == "chosen" and target:
            goal = self.allowed(token, target)
        self.back(token, goal, how="rejected", straight=policies.after_return == "straight")

    def targets(self, token: Token) -> tuple[str, ...]:
        """Return the nodes a token may be sent back to, the nearest first."""
        found = [
            node.id
            for node in self.tree.walk()
            if node.kind in ASKING and node.id in self.visits and self.tree.leads_back(token.node, node.id)
        ]
        return tuple(reversed(found))

    def allowed(self, token: Token, target: str) -> str:
        """Return the target of a return; refused where the case has not been."""
        if target not in self.targets(token):
            raise FlowError("not_an_earlier_node", _("只能退回到前面已经过的节点。"))
        return target

    def _branch(self, node: Node, forks: tuple[int, ...]) -> None:
        taken = next((one for one in node.branches if one.condition is not None and self._holds(node, one.id)), None)
        taken = taken or next(one for one in node.branches if one.condition is None)
        if taken.nodes:
            self.enter(taken.nodes[0].id, forks)
        else:
            self.go_on(node.id, forks)

    def _fork(self, node: Node, forks: tuple[int, ...]) -> None:
        taken = node.branches
        if node.kind == "inclusive":
            holding = [one for one in node.branches if one.condition is not None and self._holds(node, one.id)]
            taken = tuple(holding) or tuple(one for one in node.branches if one.condition is None)
        fork = Fork(self.new_id(), node.id, tuple(one.id for one in taken))
        self.forks[fork.id] = fork
        inside = (*forks, fork.id)
        for branch in taken:
            if fork.id not in self.forks:
                return  # what ran in a branch has ended or sent back the whole
            if branch.nodes:
                self.enter(branch.nodes[0].id, inside)
            else:
                self._out_of(node, branch.id, inside)

    def _out_of(self, split: Node, branch: str, forks: tuple[int, ...]) -> None:
        if split.kind not in FORKS:
            self.go_on(split.id, forks)
            return
        fork = self.forks[forks[-1]]
        fork = replace(fork, done=(*fork.done, branch))
        self.forks[fork.id] = fork
        if set(fork.done) == set(fork.taken):
            del self.forks[fork.id]
            self.go_on(split.id, forks[:-1])

    def _holds(self, node: Node, branch: str) -> bool:
        return bool(self.facts.answer(Holds(node.id, branch)))

    def _token(self, node: Node, forks: tuple[int, ...], straight_to: str = "") -> Token:
        token = Token(self.new_id(), node.id, forks, straight_to=straight_to)
        self.tokens[token.id] = token
        self.effects.append(Entered(token.id, node.id))
        return token

    def _cancel_inside(self, fork_id: int, leaving: Token) -> None:
        inside = [token for token in self.tokens.values() if fork_id in token.forks]
        gone = {fork for token in (*inside, leaving) for fork in token.forks[token.forks.index(fork_id) :]}
        for token in inside:
            self.drop(token, "cancelled")
        for fork in gone:
            self.forks.pop(fork, None)

    # Who is asked ----------------------------------------------------------------------------------------------------

    def _ask(self, node: Node, forks: tuple[int, ...], straight_to: str) -> None:
        token = self._token(node, forks, straight_to)
        people, joined = self._people(node), self._joined(node)
        if not people and not (joined and node.policies.nobody == "pass"):
            policies = node.policies
            if policies.nobody == "pass":
                self.leave(token, "nobody")
                return
            if policies.nobody == "reject" and node.kind in JUDGING and node.id not in self.refused:
                self.refused.add(node.id)
                self.rejected(token)
                return
            people = self._named(policies)
            if not people:
                self._pooled(token, self.keepers(), joined)
                return
        if node.kind in JUDGING:
            others = self._not_initiator(node.policies, people)
            if not others and not joined:
                self.leave(token)
                return
            people = others
        seats = tuple(self._repeated(node, seat) for seat in self._seats(node, people)) if people else ()
        more = tuple(user for user in joined if user not in dict(people))
        self.put(replace(token, seats=(*self._heard_first(more), *seats)))
        self.settle(token.id)

    def _pooled(self, token: Token, users: tuple[int, ...], joined: tuple[int, ...]) -> None:
        """Let one of these people take the turn."""
        entry = Entry(self.new_id(), None, pool=users) if len(users) > 1 else Entry(self.new_id(), users[0])
        self.put(replace(token, seats=(*self._heard_first(joined), Seat((entry,)))))
        self.settle(token.id)

    def _joined(self, node: Node) -> tuple[int, ...]:
        """Return who joined the node, without the initiator where nobody may judge the own case."""
        own = node.kind in JUDGING and node.policies.self_approval != "self"
        return tuple(user for user in self.joined.get(node.id, ()) if not (own and user == self.before.initiator))

    def _heard_first(self, users: tuple[int, ...]) -> tuple[Seat, ...]:
        return tuple(Seat((Entry(self.new_id(), user),), joined=True) for user in users)

    def _people(self, node: Node) -> list[tuple[int, int]]:
        """Return (person, weight) of everybody the node names, each once."""
        asked = (Who("initiator"),) if node.kind == "start" and not node.who else node.who
        found: dict[int, int] = {}
        for who in asked:
            picked = self.chosen.get(node.id, ()) if who.kind in CHOSEN else self.facts.answer(People(node.id, who))
            for user in picked:
                found.setdefault(user, who.weight)
        return list(found.items())

    def _named(self, policies: Policies) -> list[tuple[int, int]]:
        if policies.nobody != "named":
            return []
        return [(user, 1) for user in self.facts.answer(People("", Who("user", policies.nobody_user)))]

    def keepers(self) -> tuple[int, ...]:
        """Return who keeps the flows of the company."""
        found = self.facts.answer(Keepers())
        if not found:
            raise FlowError("no_keeper", _("没有在职的流程管理员,无法继续。请先指定一位。"))
        return found

    def head_or_keeper(self, user: int) -> int:
        """Return who stands above a person, or a keeper of the flows where nobody does."""
        return next(iter(self.facts.answer(HeadOf(user))), None) or self.keepers()[0]

    def _not_initiator(self, policies: Policies, people: list[tuple[int, int]]) -> list[tuple[int, int]]:
        who = self.before.initiator
        if policies.self_approval == "self" or who not in dict(people):
            return people
        others = dict(one for one in people if one[0] != who)
        if policies.self_approval == "head" and who is not None:
            others.setdefault(self.head_or_keeper(who), dict(people)[who])
        return list(others.items())

    def _seats(self, node: Node, people: list[tuple[int, int]]) -> list[Seat]:
        mode = node.signing.mode
        if mode == "claim" and len(people) > 1:
            return [Seat((Entry(self.new_id(), None, pool=tuple(user for user, _weight in people)),))]
        if mode == "random" and len(people) > 1:
            people = [people[self.facts.answer(Draw(node.id, len(people)))[0]]]
        return [Seat((Entry(self.new_id(), user),), weight) for user, weight in people]

    def _repeated(self, node: Node, seat: Seat) -> Seat:
        """Agree for who has agreed already, where the node says that once is enough."""
        entry, rule = seat.chain[0], node.policies.repeated
        if node.kind not in JUDGING or rule == "none" or entry.user is None:
            return seat
        before = [one for one in self.approved if one[0] != node.id]
        if rule == "consecutive":
            before = [one for one in before if one[0] == before[-1][0]]
        if entry.user not in {user for _node, user in before}:
            return seat
        return replace(seat, chain=(replace(entry, state="done", verdict="approve", by=entry.user, auto=True),))

    # Turns -----------------------------------------------------------------------------------------------------------

    def put(self, token: Token) -> None:
        """Keep the changed token."""
        self.tokens[token.id] = token

    def settle(self, token_id: int, target: str = "") -> None:
        """Open the turns that have come, or leave the node when its result is there."""
        token = self.tokens[token_id]
        node = self.tree.nodes[token.node]
        result = result_of(node.signing, token.seats)
        if result is None:
            self.put(replace(token, seats=tuple(self._opened(node, token))))
        elif result == "approve":
            self.note_approvals(token)
            self.leave(token)
        else:
            self.rejected(token, target)

    def note_approvals(self, token: Token) -> None:
        """Keep who agreed, for nodes below that need not ask them again."""
        if self.tree.nodes[token.node].kind in JUDGING:
            self.approved += [
                (token.node, entry.by)
                for seat in token.seats
                for entry in seat.chain
                if entry.verdict == "approve" and entry.kind == "sign" and entry.by is not None
            ]

    def _opened(self, node: Node, token: Token) -> Iterable[Seat]:
        """Return the voices with the next turn of each open: of all at once, or of the first undecided one."""
        sequential, busy = node.signing.order == "sequential", False
        first = any(seat.joined and verdict_of(seat) is None for seat in token.seats)
        for seat in token.seats:
            undecided = verdict_of(seat) is None
            waits = (sequential and busy) or (first and not seat.joined)
            yield self._next_turn(token, seat) if undecided and not waits else seat
            busy = busy or undecided

    def _next_turn(self, token: Token, seat: Seat) -> Seat:
        if any(entry.state == "open" for entry in seat.chain):
            return seat
        here = next(place for place, entry in enumerate(seat.chain) if entry.state == "waiting")
        entry = replace(seat.chain[here], state="open")
        self.effects.append(OpenTask(entry.id, token.id, token.node, entry.user, entry.pool, entry.kind))
        return replace(seat, chain=(*seat.chain[:here], entry, *seat.chain[here + 1 :]))
