"""What clocks and other systems do to a node."""

import pytest

from qtrace.flows.definition import Policies
from qtrace.flows.state import (
    Escalate,
    Remind,
    Signal,
    TimedOut,
)
from tests.unit.flows.walks import ANNA, BEN, CARL, DORA, HEAD, Walk, node


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


def test_a_verification_that_fails_goes_back_to_the_root_cause() -> None:
    proof = node("proof", DORA, kind="verify", options={"fail_to": "cause"})
    walk = Walk(node("cause", BEN, kind="handle"), node("fix", CARL, kind="handle"), proof).yes(BEN).yes(CARL)
    assert walk.do(Signal(walk.state.tokens[0].id, passed=False)).at() == ["cause"]
    walk.yes(BEN).yes(CARL)
    assert walk.do(Signal(walk.state.tokens[0].id)).state.status == "closed"
