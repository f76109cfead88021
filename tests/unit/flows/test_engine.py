"""The engine by example: each operation and policy does what its name says."""

from dataclasses import replace

import pytest

from qtrace.flows.definition import Branch, Definition, Demands, Node, Policies, Signing, Tree, Who
from qtrace.flows.engine import act, migrated, replay, return_targets, start
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Answer, Draw, HeadOf, Holds, Keepers, People, Question, Recorded
from qtrace.flows.state import (
    AddSigners,
    Assigned,
    Claim,
    Copied,
    Decide,
    Delegate,
    Ended,
    Entry,
    Escalate,
    Finish,
    HandOver,
    Jump,
    Operation,
    Release,
    Remind,
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


@pytest.mark.parametrize(
    ("signing", "voices", "result"),
    [
        (Signing("any"), "y", "closed"),
        (Signing("any"), "n", "rejected"),
        (Signing("all"), "yy", "running"),
        (Signing("all"), "yyy", "closed"),
        (Signing("all"), "yn", "rejected"),
        (Signing("ratio", percent=60), "y", "running"),
        (Signing("ratio", percent=60), "yy", "closed"),
        (Signing("ratio", percent=60), "yn", "running"),
        (Signing("ratio", percent=60), "nn", "rejected"),
    ],
)  # fmt: skip
def test_the_voices_make_the_result(signing: Signing, voices: str, result: str) -> None:
    walk = Walk(node("sign", BEN, CARL, DORA, signing=signing, policies=Policies(reject_to="terminate")))
    for user, voice in zip((BEN, CARL, DORA), voices, strict=False):
        (walk.yes if voice == "y" else walk.no)(user)
    assert walk.state.status == result


def test_a_weighty_voice_counts_as_often_as_it_weighs() -> None:
    who = (Who("role", str(BEN), weight=3), Who("role", str(CARL)), Who("role", str(DORA)))
    weighted = replace(all_of(), who=who, signing=Signing("weighted", percent=60))
    assert Walk(weighted).yes(BEN).state.status == "closed"
    assert Walk(weighted).yes(CARL).yes(DORA).state.status == "running"


def test_one_after_another_only_the_first_is_asked() -> None:
    walk = Walk(node("sign", BEN, CARL, signing=Signing("all", "sequential")))
    assert walk.asked() == [BEN]
    assert walk.yes(BEN).asked() == [CARL]


def test_one_drawn_by_lot_decides_alone() -> None:
    walk = Walk(node("sign", BEN, CARL, DORA, signing=Signing("random")))
    assert walk.asked() == [CARL]
    assert walk.yes(CARL).state.status == "closed"


def test_a_pool_is_claimed_by_one_and_may_be_put_back() -> None:
    walk = Walk(node("sign", BEN, CARL, signing=Signing("claim")))
    entry = walk.turn(None).id
    assert refused(walk, Claim(entry, DORA)) == "not_in_pool"
    assert walk.do(Claim(entry, BEN)).asked() == [BEN]
    assert refused(walk, Claim(entry, CARL)) == "already_claimed"
    assert refused(walk, Release(entry, CARL)) == "not_claimed"
    assert walk.do(Release(entry, BEN)).asked() == [None]
    assert walk.do(Claim(entry, CARL)).yes(CARL).state.status == "closed"


def test_a_branch_is_taken_by_its_condition() -> None:
    ways = (Branch("big", "大额", "Big", AMOUNT, (node("boss", BEN),)), Branch("small", "其他", "Other"))
    split = Node("size", "branch", "金额", "Amount", branches=ways)
    assert Walk(split, company=Company(high=True)).at() == ["boss"]
    assert Walk(split).state.status == "closed"


def fork(kind: str = "parallel", condition: object = None) -> Node:
    """Return a fork of two branches of one node each."""
    ways = (
        Branch("a", "质量", "Quality", condition, (node("quality", BEN),)),
        Branch("b", "采购", "Buying", None, (node("buying", CARL),)),
    )
    return Node("both", kind, "会签", "Both", branches=ways)  # type: ignore[arg-type]


def test_parallel_branches_all_run_and_meet_again() -> None:
    walk = Walk(fork(), node("boss", DORA))
    assert walk.at() == ["quality", "buying"]
    assert walk.yes(CARL).at() == ["quality"]
    assert walk.yes(BEN).at() == ["boss"]


def test_of_inclusive_branches_those_that_hold_run_or_the_one_without_a_condition() -> None:
    split = fork("inclusive", AMOUNT)
    assert Walk(split, company=Company(high=True)).at() == ["quality"]
    assert Walk(split).at() == ["buying"]


def test_a_rejection_inside_a_fork_ends_the_branches_beside_it() -> None:
    walk = Walk(fork()).no(BEN)
    assert (walk.at(), walk.asked(), walk.state.forks) == (["ask"], [ANNA], ())
    assert walk.yes(ANNA).at() == ["quality", "buying"]


@pytest.mark.parametrize(
    ("policy", "at"), [("initiator", ["ask"]), ("previous", ["first"]), ("terminate", []), ("parent", [])]
)
def test_a_rejection_goes_where_the_node_says(policy: str, at: list[str]) -> None:
    walk = Walk(node("first", BEN), node("second", CARL, policies=Policies(reject_to=policy)))  # type: ignore[arg-type]
    walk.yes(BEN).no(CARL)
    assert walk.at() == at
    assert walk.state.status == ("running" if at else "rejected")


def test_who_rejects_may_choose_a_node_the_case_has_been_at() -> None:
    walk = Walk(node("first", BEN), node("second", CARL, policies=Policies(reject_to="chosen")), node("third", DORA))
    walk.yes(BEN)
    entry = walk.turn(CARL).id
    assert refused(walk, Decide(entry, CARL, "reject", "不行", "third")) == "not_an_earlier_node"
    assert walk.no(CARL, "first").at() == ["first"]


@pytest.mark.parametrize(("policy", "then"), [("again", ["second"]), ("straight", ["third"])])
def test_after_a_return_the_way_is_gone_again_or_cut_short(policy: str, then: list[str]) -> None:
    back = Policies(after_return=policy)  # type: ignore[arg-type]
    walk = Walk(node("first", BEN), node("second", CARL), node("third", DORA, policies=back)).yes(BEN).yes(CARL)
    assert return_targets(walk.tree, walk.state, walk.turn(DORA).id) == ("second", "first", "ask")
    walk.do(Return(walk.turn(DORA).id, DORA, "补资料", "first")).yes(BEN)
    assert walk.at() == then


def test_a_return_needs_a_reason_and_an_earlier_node() -> None:
    walk = Walk(node("first", BEN))
    assert refused(walk, Return(walk.turn(BEN).id, BEN, " ")) == "note_required"
    assert walk.do(Return(walk.turn(BEN).id, BEN, "重做")).asked() == [ANNA]
    assert refused(walk, Return(walk.turn(ANNA).id, ANNA, "重做")) == "no_earlier_node"


def test_a_transferred_turn_is_the_other_persons_for_good() -> None:
    walk = Walk(all_of(BEN, CARL))
    assert refused(walk, Transfer(walk.turn(BEN).id, BEN, CARL)) == "already_asked"
    walk.do(Transfer(walk.turn(BEN).id, BEN, DORA))
    assert walk.effects(Assigned) == [Assigned(walk.turn(DORA).id, DORA)]
    assert walk.yes(DORA).yes(CARL).state.status == "closed"


def test_a_delegate_gives_an_opinion_and_the_turn_comes_back() -> None:
    walk = Walk(node("boss", BEN, policies=Policies(reject_to="terminate")))
    walk.do(Delegate(walk.turn(BEN).id, BEN, CARL))
    assert walk.asked() == [CARL]
    assert refused(walk, Return(walk.turn(CARL).id, CARL, "重做")) == "only_opinion"
    assert walk.no(CARL).asked() == [BEN]  # an opinion decides nothing
    assert walk.yes(BEN).state.status == "closed"


def test_added_signers_come_before_or_after_and_all_must_agree() -> None:
    walk = Walk(node("boss", BEN, policies=Policies(reject_to="terminate")))
    walk.do(AddSigners(walk.turn(BEN).id, BEN, (CARL,), "before"))
    assert walk.asked() == [CARL]
    walk.yes(CARL).do(AddSigners(walk.turn(BEN).id, BEN, (DORA,), "after")).yes(BEN)
    assert (walk.asked(), walk.at()) == ([DORA], ["boss"])
    assert walk.no(DORA).state.status == "rejected"


def test_only_what_one_added_is_taken_out_and_never_the_last_voice() -> None:
    walk = Walk(all_of(BEN, CARL))
    walk.do(AddSigners(walk.turn(BEN).id, BEN, (DORA,), "after"))
    added = walk.turn(DORA).id
    assert refused(walk, RemoveSigner(added, CARL)) == "not_added_by_you"
    walk.do(RemoveSigner(added, BEN)).do(RemoveSigner(walk.turn(CARL).id, KEEPER, keeper=True))
    assert walk.asked() == [BEN]
    assert refused(walk, RemoveSigner(walk.turn(BEN).id, KEEPER, keeper=True)) == "last_signer"


def test_a_decision_is_taken_back_while_nobody_has_acted_on_it() -> None:
    walk = Walk(node("first", BEN), node("second", CARL))
    mine = walk.turn(BEN).id
    walk.yes(BEN)
    assert refused(walk, TakeItBack(mine, CARL)) == "cannot_take_back"
    assert walk.do(TakeItBack(mine, BEN)).asked() == [BEN]
    mine = walk.turn(BEN).id
    walk.yes(BEN).do(Transfer(walk.turn(CARL).id, CARL, DORA))
    assert refused(walk, TakeItBack(mine, BEN)) == "cannot_take_back"


def test_taking_back_one_of_several_voices_leaves_the_others_alone() -> None:
    walk = Walk(all_of(BEN, CARL))
    mine, other = walk.turn(BEN).id, walk.turn(CARL).id
    walk.yes(BEN).do(TakeItBack(mine, BEN))
    assert walk.asked() == [BEN, CARL]
    assert walk.turn(CARL).id == other


@pytest.mark.parametrize(("rule", "late"), [("any", ""), ("untouched", "too_late"), ("never", "too_late")])
def test_the_initiator_withdraws_as_long_as_the_flow_allows(rule: str, late: str) -> None:
    walk = Walk(node("first", BEN), node("second", CARL), withdrawal=rule)
    assert refused(walk, Withdraw(BEN)) == "not_initiator"
    walk.yes(BEN)
    if late:
        assert refused(walk, Withdraw(ANNA)) == late
    else:
        assert walk.do(Withdraw(ANNA)).effects(Ended) == [Ended("withdrawn")]


@pytest.mark.parametrize(
    ("policies", "asked"),
    [
        (Policies("pass"), []),
        (Policies("reject"), [ANNA]),
        (Policies("named", nobody_user=str(CARL)), [CARL]),
        (Policies("admin"), [KEEPER]),
    ],
)  # fmt: skip
def test_where_nobody_is_found_the_node_says_what_happens(policies: Policies, asked: list[int]) -> None:
    assert Walk(node("boss", policies=policies)).asked() == asked


@pytest.mark.parametrize(("policy", "asked"), [("self", [ANNA, BEN]), ("skip", [BEN]), ("head", [BEN, HEAD])])
def test_who_started_it_approves_it_or_not(policy: str, asked: list[int]) -> None:
    assert Walk(node("boss", ANNA, BEN, policies=Policies(self_approval=policy))).asked() == asked  # type: ignore[arg-type]


@pytest.mark.parametrize(("policy", "at"), [("none", ["third"]), ("once", []), ("consecutive", ["third"])])
def test_who_agreed_before_is_asked_again_or_not(policy: str, at: list[str]) -> None:
    again = node("third", BEN, policies=Policies(repeated=policy))  # type: ignore[arg-type]
    assert Walk(node("first", BEN), node("second", CARL), again).yes(BEN).yes(CARL).at() == at


def test_what_was_agreed_before_a_return_has_to_be_agreed_again() -> None:
    again = node("third", BEN, policies=Policies(repeated="once"))
    walk = Walk(node("first", BEN), node("second", CARL), again)
    walk.yes(BEN)
    walk.do(Return(walk.turn(CARL).id, CARL, "补资料", "first"))
    assert walk.asked() == [BEN]


def test_time_that_is_up_reminds_and_then_tells_those_above() -> None:
    walk = Walk(node("boss", BEN, policies=Policies(reminders=1)))
    token = walk.state.tokens[0].id
    assert walk.do(TimedOut(token)).effects(Remind) == [Remind(token, "boss", (BEN,), 1)]
    assert walk.do(TimedOut(token)).effects(Escalate) == [Escalate(token, "boss", (HEAD,))]
    assert walk.asked() == [BEN]


@pytest.mark.parametrize(("policy", "asked"), [("transfer", [HEAD]), ("pass", []), ("reject", [ANNA])])
def test_time_that_is_up_may_move_the_case(policy: str, asked: list[int]) -> None:
    walk = Walk(node("boss", BEN, policies=Policies(reminders=0, overdue=policy)))  # type: ignore[arg-type]
    assert walk.do(TimedOut(walk.state.tokens[0].id)).asked() == asked


def test_somebody_who_leaves_is_followed_by_the_head_in_every_turn() -> None:
    walk = Walk(fork(), node("boss", DORA)).do(HandOver(BEN))
    assert walk.asked() == [HEAD, CARL]


def test_a_verification_that_fails_goes_back_to_the_root_cause() -> None:
    proof = node("proof", DORA, kind="verify", options={"fail_to": "cause"})
    walk = Walk(node("cause", BEN, kind="handle"), node("fix", CARL, kind="handle"), proof).yes(BEN).yes(CARL)
    assert walk.do(Signal(walk.state.tokens[0].id, passed=False)).at() == ["cause"]
    walk.yes(BEN).yes(CARL)
    assert walk.do(Signal(walk.state.tokens[0].id)).state.status == "closed"


def test_copies_go_out_and_nothing_waits_for_them() -> None:
    walk = Walk(node("tell", BEN, CARL, kind="cc"), node("boss", DORA))
    assert walk.effects(Copied) == [Copied("tell", (BEN, CARL))]
    assert walk.at() == ["boss"]


def test_a_decision_carries_what_the_node_demands() -> None:
    walk = Walk(node("boss", BEN, demands=Demands(opinion=True, signature=True)))
    entry = walk.turn(BEN).id
    assert refused(walk, Decide(entry, BEN)) == "note_required"
    assert refused(walk, Decide(entry, BEN, note="同意")) == "signature_required"
    assert walk.do(Decide(entry, BEN, note="同意", signed=True)).state.status == "closed"


def test_what_is_handled_is_not_rejected_and_a_rejection_has_a_reason() -> None:
    walk = Walk(node("work", BEN, kind="handle"), node("boss", CARL))
    assert refused(walk, Decide(walk.turn(BEN).id, BEN, "reject", "不行")) == "cannot_reject"
    walk.yes(BEN)
    assert refused(walk, Decide(walk.turn(CARL).id, CARL, "reject")) == "note_required"


def test_the_keeper_jumps_with_a_reason_but_not_into_a_fork() -> None:
    walk = Walk(node("first", BEN), fork(), node("last", DORA))
    assert refused(walk, Jump(KEEPER, "last", "")) == "note_required"
    assert refused(walk, Jump(KEEPER, "quality", "补救")) == "inside_fork"
    assert walk.do(Jump(KEEPER, "last", "补救")).asked() == [DORA]


def test_what_has_ended_is_opened_again_unless_it_was_terminated() -> None:
    walk = Walk(node("first", BEN), node("second", CARL), reopen_at="second").yes(BEN).yes(CARL)
    assert refused(walk, Decide(1, BEN)) == "already_ended"
    assert walk.do(Reopen(BEN, "又坏了")).at() == ["second"]
    walk.do(Finish(BEN, "terminated", "误报"))
    assert refused(walk, Reopen(BEN, "再看")) == "already_ended"


def test_somebody_chosen_by_the_initiator_is_asked() -> None:
    chosen = replace(node("boss"), who=(Who("initiator_choice"),))
    walk = Walk(node("first", BEN), chosen)
    walk.do(Decide(walk.turn(BEN).id, BEN, chosen=(("boss", (DORA,)),)))
    assert walk.asked() == [DORA]


def test_a_history_replays_to_the_same_state_when_everybody_has_left() -> None:
    walk = Walk(fork(), node("boss", DORA))
    recorded = Recorded(walk.company)
    state, history = start(walk.tree, recorded, initiator=ANNA, submitted=True).state, []
    begun = recorded.answers
    for user in (BEN, CARL, DORA):
        recorded = Recorded(walk.company)
        entry = next(e for t in state.tokens for s in t.seats for e in s.chain if e.user == user)
        operation = Decide(entry.id, user)
        state = act(walk.tree, state, operation, recorded).state
        history.append((operation, recorded.answers))
    assert state.status == "closed"
    assert replay(walk.tree, ANNA, begun, history, submitted=True) == state


def test_a_running_case_moves_to_a_new_version_where_it_has_its_place() -> None:
    walk = Walk(node("first", BEN), node("second", CARL))
    newer = Tree(replace(walk.tree.definition, version=2, nodes=(*walk.tree.definition.nodes, node("third", DORA))))
    walk.outcome, walk.tree = replace(walk.outcome, state=migrated(walk.tree, walk.state, newer)), newer
    assert walk.yes(BEN).yes(CARL).at() == ["third"]
    without = Tree(replace(newer.definition, nodes=newer.definition.nodes[:1]))
    with pytest.raises(FlowError, match="third"):
        migrated(newer, walk.state, without)


@pytest.mark.parametrize(("before", "after"), [("branch", "parallel"), ("parallel", "branch"), ("inclusive", "branch")])
def test_a_case_inside_a_split_stays_where_the_split_runs_its_branches_another_way(before: str, after: str) -> None:
    walk = Walk(fork(before, AMOUNT), node("last", DORA))
    first, *rest = walk.tree.definition.nodes[1:]
    other = Tree(
        replace(walk.tree.definition, version=2, nodes=(walk.tree.definition.first, replace(first, kind=after), *rest))
    )
    with pytest.raises(FlowError, match=r"quality|buying|split|fork"):
        migrated(walk.tree, walk.state, other)
