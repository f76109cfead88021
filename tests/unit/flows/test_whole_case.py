"""What is done to a whole case does what its name says."""

import pytest

from qtrace.flows.state import (
    Decide,
    Ended,
    Finish,
    HandOver,
    Jump,
    Reopen,
    TakeItBack,
    Transfer,
    Withdraw,
)
from tests.unit.flows.walks import ANNA, BEN, CARL, DORA, HEAD, KEEPER, Walk, all_of, fork, node, refused


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


def test_somebody_who_leaves_is_followed_by_the_head_in_every_turn() -> None:
    walk = Walk(fork(), node("boss", DORA)).do(HandOver(BEN))
    assert walk.asked() == [HEAD, CARL]


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
