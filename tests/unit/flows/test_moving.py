"""A case goes through its tree: split, joined, sent back, passed by what nobody is asked."""

from dataclasses import replace

import pytest

from qtrace.flows.definition import Branch, Node, Policies, Signing, Who
from qtrace.flows.engine import return_targets
from qtrace.flows.state import (
    Copied,
    Return,
)
from tests.unit.flows.walks import (
    AMOUNT,
    ANNA,
    BEN,
    CARL,
    DORA,
    HEAD,
    KEEPER,
    Company,
    Walk,
    all_of,
    fork,
    node,
)


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


def test_a_branch_is_taken_by_its_condition() -> None:
    ways = (Branch("big", "大额", "Big", AMOUNT, (node("boss", BEN),)), Branch("small", "其他", "Other"))
    split = Node("size", "branch", "金额", "Amount", branches=ways)
    assert Walk(split, company=Company(high=True)).at() == ["boss"]
    assert Walk(split).state.status == "closed"


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


@pytest.mark.parametrize(("policy", "then"), [("again", ["second"]), ("straight", ["third"])])
def test_after_a_return_the_way_is_gone_again_or_cut_short(policy: str, then: list[str]) -> None:
    back = Policies(after_return=policy)  # type: ignore[arg-type]
    walk = Walk(node("first", BEN), node("second", CARL), node("third", DORA, policies=back)).yes(BEN).yes(CARL)
    assert return_targets(walk.tree, walk.state, walk.turn(DORA).id) == ("second", "first", "ask")
    walk.do(Return(walk.turn(DORA).id, DORA, "补资料", "first")).yes(BEN)
    assert walk.at() == then


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


def test_copies_go_out_and_nothing_waits_for_them() -> None:
    walk = Walk(node("tell", BEN, CARL, kind="cc"), node("boss", DORA))
    assert walk.effects(Copied) == [Copied("tell", (BEN, CARL))]
    assert walk.at() == ["boss"]
