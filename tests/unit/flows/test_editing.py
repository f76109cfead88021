"""Changes of a flow in the designer: whatever is done to it in whatever order, it stays a tree that can be read."""

from collections import Counter
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qtrace.flows import editing
from qtrace.flows.checking import faults
from qtrace.flows.default import default_definition
from qtrace.flows.definition import SPLITS, Definition, Node, NodeKind, Tree, Who
from qtrace.flows.editing import Names, Spot, Starter
from qtrace.flows.errors import FlowError
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.templates import TEMPLATES

NEW, WAYS = Names("新", "New"), Starter(Names("一", "One"), Names("二", "Two"))
KINDS = sorted(get_args(NodeKind))
CHANGES = ("add", "copy", "remove", "move", "up", "down", "change", "add_way", "remove_way", "left", "right", "rename")


def order(definition: Definition) -> list[str]:
    """Return the ids of the trunk."""
    return [node.id for node in definition.nodes]


def edited(definition: Definition, change: str, draw: st.DrawFn) -> Definition:
    """Return the definition after one change at places drawn from it, and sometimes from nowhere."""
    nodes = [*(node.id for node in editing.walk(definition.nodes)), "gone"]
    splits = [node for node in editing.walk(definition.nodes) if node.kind in SPLITS]
    columns = [*(name for name, _nodes in editing.columns(definition)), "gone.way_1"]
    at, column = draw(st.sampled_from(nodes)), draw(st.sampled_from(columns))
    spot = Spot(column, draw(st.none() | st.integers(0, 4)))
    split = draw(st.sampled_from(splits)) if splits else Node("gone", "branch", "", "")
    way = draw(st.sampled_from(split.branches)).id if split.branches else "gone"
    match change:
        case "add":
            return editing.add_node(definition, draw(st.sampled_from(KINDS)), spot, NEW, WAYS)[0]
        case "copy":
            return editing.copy_node(definition, at, NEW)[0]
        case "remove":
            return editing.remove_node(definition, at)
        case "move":
            return editing.move_node(definition, at, spot)
        case "up" | "down":
            return editing.shift_node(definition, at, up=change == "up")
        case "change":
            node = editing.find_node(definition, at)
            who = (Who("role", "quality_lead"),) if draw(st.booleans()) else ()
            return editing.change_node(definition, replace(node, who=who, kind=draw(st.sampled_from(KINDS))))
        case "add_way":
            return editing.add_branch(definition, split.id, NEW)[0]
        case "remove_way":
            return editing.remove_branch(definition, split.id, way)
        case "left" | "right":
            return editing.shift_branch(definition, split.id, way, left=change == "left")
        case _:
            return editing.change_flow(definition, name_zh="名", reopen_at=at)


@given(st.data())
def test_any_sequence_of_edits_leaves_a_tree_whose_faults_name_their_place(data: st.DataObject) -> None:
    definition = data.draw(st.sampled_from([template.definition for template in TEMPLATES]))
    for change in data.draw(st.lists(st.sampled_from(CHANGES), max_size=12)):
        before = definition
        try:
            definition = edited(definition, change, data.draw)
        except FlowError:
            assert definition is before
        names = Counter(node.id for node in editing.walk(definition.nodes))
        assert max(names.values()) == 1
        assert definition.first.kind == "start"
        assert all(len(node.branches) >= 2 for node in editing.walk(definition.nodes) if node.kind in SPLITS)
        assert parse_definition(dump_definition(definition)) == definition
    tree = Tree(definition)
    for fault in faults(definition):
        assert fault.node in tree.nodes or fault.place in ("nodes", "reopen_at")
        assert fault.place.startswith("nodes[") or fault.place in ("nodes", "reopen_at")


def test_a_node_is_put_between_moved_and_taken_out_again() -> None:
    definition, new = editing.add_node(default_definition(), "approve", Spot("", 2), NEW, WAYS)
    assert order(definition)[1:4] == ["triage", new, "investigate"]
    definition = editing.shift_node(definition, new, up=True)
    assert order(definition)[:3] == ["record", new, "triage"]
    assert editing.shift_node(definition, new, up=True) == definition
    assert editing.remove_node(definition, new) == default_definition()


def test_a_node_goes_into_a_branch_and_leaves_it_at_its_end() -> None:
    definition, split = editing.add_node(default_definition(), "branch", Spot("", 1), NEW, WAYS)
    column = editing.column_name(split, "way_2")
    definition = editing.move_node(definition, "triage", Spot(column))
    assert editing.column_of(definition, column)[0].id == "triage"
    assert order(editing.shift_node(definition, "triage", up=False))[1:3] == [split, "triage"]
    assert order(editing.shift_node(definition, "triage", up=True))[1:3] == ["triage", split]
    with pytest.raises(FlowError):
        editing.move_node(definition, split, Spot(column))
    copied, copy = editing.copy_node(definition, split, Names("新(副本)", "New (copy)"))
    inner = editing.find_node(copied, copy).branches[1].nodes[0]
    assert (inner.name_zh, inner.id != "triage") == ("定责", True)


def test_a_new_way_stands_before_the_one_for_all_other_cases() -> None:
    definition, split = editing.add_node(default_definition(), "branch", Spot("", 1), NEW, WAYS)
    first = editing.find_branch(definition, split, "way_1")[1]
    definition = editing.change_branch(
        definition, split, replace(first, condition={"field": "qty", "op": "gt", "value": 1})
    )
    definition, way = editing.add_branch(definition, split, NEW)
    assert [one.id for one in editing.find_node(definition, split).branches] == ["way_1", way, "way_2"]
    definition = editing.shift_branch(definition, split, way, left=True)
    assert [one.id for one in editing.find_node(definition, split).branches] == [way, "way_1", "way_2"]
    parallel = editing.change_node(definition, replace(editing.find_node(definition, split), kind="parallel"))
    assert all(one.condition is None for one in editing.find_node(parallel, split).branches)
    left = editing.remove_branch(definition, split, way)
    with pytest.raises(FlowError):
        editing.remove_branch(left, split, "way_1")


def test_an_id_of_an_older_version_is_not_given_again() -> None:
    _definition, new = editing.add_node(default_definition(), "cc", Spot(), NEW, WAYS, taken={"node_7"})
    assert new == "node_8"


def test_the_place_to_reopen_at_goes_with_its_node() -> None:
    assert editing.remove_node(default_definition(), "investigate").reopen_at == ""
