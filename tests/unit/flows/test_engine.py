"""The engine as a whole: histories replay, and running cases move to another version."""

from dataclasses import replace

import pytest

from qtrace.flows.definition import Tree
from qtrace.flows.engine import act, migrated, replay, start
from qtrace.flows.errors import FlowError
from qtrace.flows.facts import Recorded
from qtrace.flows.state import (
    Decide,
)
from tests.unit.flows.walks import (
    AMOUNT,
    ANNA,
    BEN,
    CARL,
    DORA,
    Walk,
    fork,
    node,
)


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
