"""What somebody does with a turn does what its name says."""

from dataclasses import replace

from qtrace.flows.definition import Demands, Policies, Signing, Who
from qtrace.flows.state import (
    AddSigners,
    Assigned,
    Claim,
    Decide,
    Delegate,
    Release,
    RemoveSigner,
    Return,
    Transfer,
)
from tests.unit.flows.walks import (
    ANNA,
    BEN,
    CARL,
    DORA,
    KEEPER,
    Walk,
    all_of,
    node,
    refused,
)


def test_a_pool_is_claimed_by_one_and_may_be_put_back() -> None:
    walk = Walk(node("sign", BEN, CARL, signing=Signing("claim")))
    entry = walk.turn(None).id
    assert refused(walk, Claim(entry, DORA)) == "not_in_pool"
    assert walk.do(Claim(entry, BEN)).asked() == [BEN]
    assert refused(walk, Claim(entry, CARL)) == "already_claimed"
    assert refused(walk, Release(entry, CARL)) == "not_claimed"
    assert walk.do(Release(entry, BEN)).asked() == [None]
    assert walk.do(Claim(entry, CARL)).yes(CARL).state.status == "closed"


def test_who_rejects_may_choose_a_node_the_case_has_been_at() -> None:
    walk = Walk(node("first", BEN), node("second", CARL, policies=Policies(reject_to="chosen")), node("third", DORA))
    walk.yes(BEN)
    entry = walk.turn(CARL).id
    assert refused(walk, Decide(entry, CARL, "reject", "不行", "third")) == "not_an_earlier_node"
    assert walk.no(CARL, "first").at() == ["first"]


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


def test_somebody_chosen_by_the_initiator_is_asked() -> None:
    chosen = replace(node("boss"), who=(Who("initiator_choice"),))
    walk = Walk(node("first", BEN), chosen)
    walk.do(Decide(walk.turn(BEN).id, BEN, chosen=(("boss", (DORA,)),)))
    assert walk.asked() == [DORA]
