"""Who joins a node ahead is heard first, and never stands in for whom the flow names."""

import pytest

from qtrace.flows.definition import Policies, Signing
from qtrace.flows.joining import joinable
from qtrace.flows.state import HandOver, Join, Return
from tests.unit.flows.walks import ANNA, BEN, CARL, DORA, KEEPER, Company, Walk, all_of, fork, node, refused


@pytest.mark.parametrize("mode", ["any", "all", "ratio", "claim", "random"])
def test_who_joined_agrees_before_those_the_flow_names_are_asked(mode: str) -> None:
    walk = Walk(node("first", BEN), node("boss", CARL, signing=Signing(mode)))  # type: ignore[arg-type]
    walk.do(Join(ANNA, "boss", (DORA,))).yes(BEN)
    assert walk.asked() == [DORA]
    assert walk.yes(DORA).asked() == [CARL]
    assert walk.yes(CARL).state.status == "closed"


def test_several_join_at_once_and_each_may_reject() -> None:
    walk = Walk(node("first", BEN), node("boss", CARL, policies=Policies(reject_to="terminate")))
    walk.do(Join(ANNA, "boss", (DORA, BEN))).yes(BEN)
    assert walk.asked() == [DORA, BEN]
    assert walk.yes(BEN).asked() == [DORA]
    assert walk.no(DORA).state.status == "rejected"


def test_who_is_named_already_is_asked_once_and_the_initiator_does_not_judge() -> None:
    own = Policies(self_approval="skip")
    walk = Walk(node("first", BEN), all_of(CARL, DORA, policies=own))
    walk.do(Join(ANNA, "sign", (CARL, ANNA))).yes(BEN)
    assert walk.asked() == [CARL, DORA]


def test_a_node_that_finds_nobody_passes_only_after_who_joined() -> None:
    walk = Walk(node("first", BEN), node("boss", policies=Policies(nobody="pass")), node("last", CARL))
    walk.do(Join(ANNA, "boss", (DORA,))).yes(BEN)
    assert (walk.at(), walk.asked()) == (["boss"], [DORA])
    assert walk.yes(DORA).at() == ["last"]
    stuck = Walk(node("first", BEN), node("boss", policies=Policies(nobody="admin")))
    stuck.do(Join(ANNA, "boss", (DORA,))).yes(BEN).yes(DORA)
    assert stuck.asked() == [KEEPER]  # who joined decides nothing alone


def test_only_nodes_ahead_are_joined_also_behind_a_split() -> None:
    walk = Walk(node("first", BEN), fork(), node("last", DORA))
    assert joinable(walk.tree, walk.state) == ("quality", "buying", "last")
    assert refused(walk, Join(ANNA, "first", (DORA,))) == "not_ahead"
    walk.yes(BEN).yes(CARL)
    assert joinable(walk.tree, walk.state) == ("last",)  # neither where it stands nor the branch that is done
    assert refused(walk, Join(ANNA, "both", (DORA,))) == "not_ahead"
    assert refused(walk, Join(ANNA, "last", ())) == "nobody_added"


def test_a_branch_beside_the_one_taken_is_not_ahead() -> None:
    walk = Walk(node("first", BEN), fork("branch", {"amount": "high"}), company=Company(high=True))
    assert walk.yes(BEN).at() == ["quality"]
    assert joinable(walk.tree, walk.state) == ()


def test_who_joined_is_taken_out_handed_over_and_asked_again_after_a_return() -> None:
    walk = Walk(node("first", BEN), node("boss", CARL))
    walk.do(Join(ANNA, "boss", (DORA,)))
    assert refused(walk, Join(ANNA, "boss", (DORA,))) == "already_asked"
    assert refused(walk, Join(ANNA, "boss", (BEN,), leave=True)) == "not_joined"
    walk.do(Join(ANNA, "boss", (DORA,), leave=True))
    assert walk.state.joined == ()
    walk.do(Join(ANNA, "boss", (DORA,))).do(HandOver(DORA, BEN)).yes(BEN)
    assert walk.asked() == [BEN]
    walk.yes(BEN).do(Return(walk.turn(CARL).id, CARL, "重做", "first")).yes(BEN)
    assert (walk.at(), walk.asked()) == (["boss"], [BEN])
