"""A flow moves only by legal decisions, and its history explains its state."""

import copy
import json
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qtrace.flows.engine import (
    LONGEST_DUE,
    NODE_KINDS,
    OWNER_KINDS,
    Closed,
    CloseTasks,
    Decision,
    Definition,
    DefinitionError,
    FlowError,
    Node,
    OpenTask,
    OwnerRule,
    Reopened,
    State,
    Terminated,
    Verdict,
    advance,
    dump_definition,
    gates_to_pass,
    parse_definition,
    reopen_target,
    replay,
    return_targets,
    start,
)

SUBMIT = Decision("submit")


def stage(node_id: str, *gates: str) -> Node:
    return Node(node_id, "处理", "Handle", "handle", OwnerRule("role", "quality_lead"), 480, "issue.edit", gates)


THREE = Definition("small", 1, (stage("handle", "handled"), stage("approve", "approved"), stage("verify", "proven")))


def written() -> dict[str, Any]:
    return copy.deepcopy(dump_definition(THREE))


# moving through a flow


def test_a_new_instance_stands_at_the_first_node_with_its_to_do() -> None:
    outcome = start(THREE)
    assert outcome.state == State("handle", "running", 1, ("handle",))
    assert outcome.effects == (OpenTask("handle"),)


def test_submitting_opens_the_next_node() -> None:
    outcome = advance(THREE, start(THREE).state, SUBMIT)
    assert outcome.state == State("approve", "running", 2, ("handle", "approve"))
    assert outcome.effects == (CloseTasks("handle"), OpenTask("approve"))


def test_submitting_the_last_node_closes() -> None:
    outcome = advance(THREE, replay(THREE, [SUBMIT] * 2), SUBMIT)
    assert outcome.state == State(None, "closed", 4, ("handle", "approve", "verify"))
    assert outcome.effects == (CloseTasks("verify"), Closed())


def test_a_flow_of_one_node_closes_at_once() -> None:
    single = Definition("single", 1, (stage("handle"),))
    assert advance(single, start(single).state, SUBMIT).state.status == "closed"


def test_returning_goes_to_the_previous_node_by_default() -> None:
    outcome = advance(THREE, replay(THREE, [SUBMIT] * 2), Decision("return", note="照片看不清"))
    assert outcome.state == State("approve", "running", 4, ("handle", "approve", "verify", "approve"))
    assert outcome.effects == (CloseTasks("verify"), OpenTask("approve"))


def test_returning_twice_goes_on_backwards_instead_of_to_and_fro() -> None:
    back = Decision("return", note="照片看不清")
    assert replay(THREE, [SUBMIT, SUBMIT, back, back]).node == "handle"


def test_returning_to_a_named_earlier_node_works() -> None:
    assert replay(THREE, [SUBMIT, SUBMIT, Decision("return", "handle", "数量不对")]).node == "handle"


@pytest.mark.parametrize("target", ["verify", "approve", "nowhere"])
def test_returning_to_a_node_that_is_not_earlier_is_refused(target: str) -> None:
    with pytest.raises(FlowError) as refused:
        advance(THREE, replay(THREE, [SUBMIT]), Decision("return", target, "数量不对"))
    assert refused.value.code == "not_an_earlier_node"


def test_returning_to_an_earlier_node_that_was_never_visited_is_refused() -> None:
    early = [Decision("close", note="误报"), Decision("reopen", "verify", "又坏了")]
    state = replay(THREE, early)
    assert return_targets(THREE, state) == ("handle",)
    assert advance(THREE, state, Decision("return", note="查错了")).state.node == "handle"
    with pytest.raises(FlowError) as refused:
        advance(THREE, state, Decision("return", "approve", "查错了"))
    assert refused.value.code == "not_an_earlier_node"


def test_the_first_node_cannot_be_returned() -> None:
    with pytest.raises(FlowError) as refused:
        advance(THREE, start(THREE).state, Decision("return", note="退"))
    assert refused.value.code == "no_earlier_node"


def test_terminating_ends_without_a_way_back() -> None:
    outcome = advance(THREE, start(THREE).state, Decision("terminate", note="重复录入"))
    assert outcome.state == State(None, "terminated", 2, ("handle",))
    assert outcome.effects == (CloseTasks("handle"), Terminated())
    with pytest.raises(FlowError) as refused:
        advance(THREE, outcome.state, Decision("reopen", note="再开"))
    assert refused.value.code == "not_closed"


def test_closing_early_skips_the_rest_and_needs_a_reason() -> None:
    with pytest.raises(FlowError) as refused:
        advance(THREE, start(THREE).state, Decision("close"))
    assert refused.value.code == "note_required"
    outcome = advance(THREE, start(THREE).state, Decision("close", note="误报"))
    assert outcome.state == State(None, "closed", 2, ("handle",))
    assert outcome.effects == (CloseTasks("handle"), Closed())


def test_closing_at_the_last_node_is_the_same_as_submitting_it() -> None:
    last = replay(THREE, [SUBMIT] * 2)
    assert advance(THREE, last, Decision("close")) == advance(THREE, last, SUBMIT)


def test_reopening_goes_back_to_the_node_the_definition_names() -> None:
    definition = Definition("small", 1, THREE.nodes, reopen_at="approve")
    closed = replay(definition, [SUBMIT] * 3)
    outcome = advance(definition, closed, Decision("reopen", note="又有 3 单漏液"))
    assert outcome.state == State("approve", "running", 5, ("handle", "approve", "verify", "approve"))
    assert outcome.effects == (Reopened("approve"), OpenTask("approve"))


def test_reopening_goes_to_the_first_node_when_none_is_named() -> None:
    assert reopen_target(THREE) == "handle"
    assert replay(THREE, [SUBMIT] * 3 + [Decision("reopen", note="又坏了")]).node == "handle"


def test_reopening_at_a_chosen_node_works() -> None:
    assert replay(THREE, [SUBMIT] * 3 + [Decision("reopen", "verify", "再看一次")]).node == "verify"


def test_reopening_at_an_unknown_node_is_refused() -> None:
    with pytest.raises(FlowError) as refused:
        replay(THREE, [SUBMIT] * 3 + [Decision("reopen", "nowhere", "再看一次")])
    assert refused.value.code == "unknown_node"
    assert refused.value.params == {"id": "nowhere"}


def test_a_running_case_cannot_be_reopened() -> None:
    with pytest.raises(FlowError) as refused:
        advance(THREE, start(THREE).state, Decision("reopen", note="再开"))
    assert refused.value.code == "not_closed"


@pytest.mark.parametrize("verdict", ["return", "terminate", "reopen"])
@pytest.mark.parametrize("note", ["", "   "])
def test_a_decision_that_must_be_explained_needs_a_note(verdict: Verdict, note: str) -> None:
    history = [SUBMIT] * 3 if verdict == "reopen" else [SUBMIT]
    with pytest.raises(FlowError) as refused:
        advance(THREE, replay(THREE, history), Decision(verdict, note=note))
    assert refused.value.code == "note_required"


@pytest.mark.parametrize("verdict", ["submit", "return", "terminate", "close"])
@pytest.mark.parametrize(("ending", "code"), [("close", "already_closed"), ("terminate", "already_terminated")])
def test_an_ended_case_takes_no_decision(verdict: Verdict, ending: Verdict, code: str) -> None:
    ended = replay(THREE, [Decision(ending, note="误报")])
    with pytest.raises(FlowError) as refused:
        advance(THREE, ended, Decision(verdict, note="再来"))
    assert refused.value.code == code


def test_an_unknown_verdict_is_refused() -> None:
    forged: Any = "approve_all"
    with pytest.raises(FlowError) as refused:
        advance(THREE, start(THREE).state, Decision(forged))
    assert refused.value.code == "unknown_verdict"


@pytest.mark.parametrize("verdict", ["submit", "return", "terminate", "close"])
def test_a_state_whose_node_the_flow_does_not_know_is_refused(verdict: Verdict) -> None:
    with pytest.raises(FlowError) as refused:
        advance(THREE, State("gone", "running", 3, ("gone",)), Decision(verdict, note="试"))
    assert refused.value.code == "unknown_node"


def test_submitting_passes_the_gates_of_its_own_node_and_closing_those_of_all_that_follow() -> None:
    state = replay(THREE, [SUBMIT])
    assert gates_to_pass(THREE, state, SUBMIT) == ("approved",)
    assert gates_to_pass(THREE, state, Decision("close", note="误报")) == ("approved", "proven")


@pytest.mark.parametrize("verdict", ["return", "terminate", "reopen"])
def test_going_back_or_giving_up_passes_no_gate(verdict: Verdict) -> None:
    assert gates_to_pass(THREE, replay(THREE, [SUBMIT]), Decision(verdict, note="退")) == ()


def test_an_ended_case_has_no_gates_and_no_way_back() -> None:
    closed = replay(THREE, [SUBMIT] * 3)
    assert gates_to_pass(THREE, closed, SUBMIT) == ()
    assert return_targets(THREE, closed) == ()


# definitions as data


def test_a_definition_survives_storage_as_json() -> None:
    assert parse_definition(json.loads(json.dumps(dump_definition(THREE)))) == THREE


names = st.text(min_size=1, max_size=20).filter(str.strip)
identifiers = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
owners = st.builds(OwnerRule, st.sampled_from(OWNER_KINDS), names) | st.builds(
    OwnerRule, st.sampled_from(["initiator", "current", "department_head"])
)
nodes = st.builds(
    Node,
    id=identifiers,
    name_zh=names,
    name_en=names,
    kind=st.sampled_from(NODE_KINDS),
    owner=owners,
    due_minutes=st.integers(1, LONGEST_DUE),
    permission=names,
    gates=st.lists(identifiers, max_size=3).map(tuple),
)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    chosen = tuple(draw(st.lists(nodes, min_size=1, max_size=6, unique_by=lambda node: node.id)))
    reopen_at = draw(st.sampled_from(["", *(node.id for node in chosen)]))
    return Definition(draw(identifiers), draw(st.integers(1, 99)), chosen, reopen_at)


@given(definitions())
def test_every_definition_survives_storage(definition: Definition) -> None:
    assert parse_definition(json.loads(json.dumps(dump_definition(definition)))) == definition


def _set(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


MISTAKES = [
    pytest.param(_set("nodes", value=[]), "nodes", "no_nodes", id="no nodes"),
    pytest.param(_set("nodes", value=None), "nodes", "not_a_list", id="nodes are no list"),
    pytest.param(_set("nodes", 1, value="approve"), "nodes[1]", "not_an_object", id="a node is no object"),
    pytest.param(_set("nodes", 2, "id", value="handle"), "nodes[2].id", "duplicate_node", id="duplicate id"),
    pytest.param(_set("nodes", 0, "id", value="第一步"), "nodes[0].id", "bad_identifier", id="id is no identifier"),
    pytest.param(_set("nodes", 0, "id", value=7), "nodes[0].id", "text_required", id="id is a number"),
    pytest.param(_set("nodes", 1, "name_zh", value=" "), "nodes[1].name_zh", "text_required", id="empty name"),
    pytest.param(_set("nodes", 1, "kind", value="cc"), "nodes[1].kind", "unknown_choice", id="unknown kind"),
    pytest.param(_set("nodes", 1, "kind", value=["handle"]), "nodes[1].kind", "unknown_choice", id="kind is a list"),
    pytest.param(_set("nodes", 1, "owner", value=None), "nodes[1].owner", "not_an_object", id="no owner"),
    pytest.param(_set("nodes", 1, "owner", "kind", value="boss"), "nodes[1].owner.kind", "unknown_choice", id="owner"),
    pytest.param(_set("nodes", 1, "owner", "value", value=""), "nodes[1].owner.value", "text_required", id="no role"),
    pytest.param(_set("nodes", 2, "due_minutes", value=0), "nodes[2].due_minutes", "positive_required", id="due 0"),
    pytest.param(
        _set("nodes", 2, "due_minutes", value=True), "nodes[2].due_minutes", "positive_required", id="due yes"
    ),
    pytest.param(_set("nodes", 2, "due_minutes", value=1.5), "nodes[2].due_minutes", "positive_required", id="due 1.5"),
    pytest.param(_set("nodes", 2, "due_minutes", value=10**9), "nodes[2].due_minutes", "too_large", id="due too large"),
    pytest.param(_set("nodes", 2, "permission", value=""), "nodes[2].permission", "text_required", id="no permission"),
    pytest.param(_set("nodes", 0, "gates", value="x"), "nodes[0].gates", "not_a_list", id="gates are no list"),
    pytest.param(_set("nodes", 0, "gates", value=["ok", ""]), "nodes[0].gates[1]", "text_required", id="empty gate"),
    pytest.param(_set("nodes", 0, "dueminutes", value=5), "nodes[0].dueminutes", "unknown_key", id="mistyped key"),
    pytest.param(_set("key", value=""), "key", "text_required", id="no key"),
    pytest.param(_set("version", value=0), "version", "positive_required", id="version 0"),
    pytest.param(_set("version", value="1"), "version", "positive_required", id="version is text"),
    pytest.param(_set("reopen_at", value="gone"), "reopen_at", "unknown_node", id="reopened nowhere"),
    pytest.param(_set("reopen_at", value=3), "reopen_at", "text_required", id="reopened at a number"),
    pytest.param(_set("colour", value="red"), "colour", "unknown_key", id="unknown setting"),
]


@pytest.mark.parametrize(("mistake", "place", "code"), MISTAKES)
def test_a_mistake_in_a_definition_is_refused_at_its_place(
    mistake: Callable[[dict[str, Any]], None], place: str, code: str
) -> None:
    data = written()
    mistake(data)
    with pytest.raises(DefinitionError) as refused:
        parse_definition(data)
    assert (refused.value.place, refused.value.code) == (place, code)
    assert "%(" not in str(refused.value)


@pytest.mark.parametrize("data", [None, [], "flow", 3])
def test_something_that_is_no_definition_is_refused(data: object) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(data)
    assert refused.value.code == "not_an_object"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["key", "version", "nodes", "reopen_at"]), json_values)
def test_wrong_data_is_refused_and_never_crashes(key: str, value: object) -> None:
    data = written() | {key: value}
    try:
        parsed = parse_definition(data)
    except DefinitionError as refused:
        assert refused.place.startswith(key)
    else:
        assert parse_definition(dump_definition(parsed)) == parsed


@given(st.sampled_from(list(dump_definition(THREE)["nodes"][0])), json_values)  # type: ignore[index]
def test_a_wrong_node_is_refused_and_never_crashes(key: str, value: object) -> None:
    data = written()
    data["nodes"][1][key] = value
    try:
        parse_definition(data)
    except DefinitionError as refused:
        assert refused.place.startswith(f"nodes[1].{key}")


# any walk through any flow

decisions = st.builds(
    Decision,
    st.sampled_from(get_args(Verdict)),
    st.none() | st.sampled_from(["n0", "n1", "n2", "n3", "n4", "nowhere"]),
    st.sampled_from(["", " ", "原因"]),
)


class FlowWalk(RuleBasedStateMachine):
    """Throw any decision at an instance and keep what the engine accepted."""

    @initialize(length=st.integers(1, 5), reopen=st.integers(-1, 4))
    def begin(self, length: int, reopen: int) -> None:
        chosen = tuple(stage(f"n{index}", f"g{index}") for index in range(length))
        self.definition = Definition("walk", 1, chosen, f"n{reopen}" if 0 <= reopen < length else "")
        outcome = start(self.definition)
        self.state = outcome.state
        self.accepted: list[Decision] = []
        self.open_tasks: set[str] = set()
        self.apply(outcome.effects)

    @rule(decision=decisions)
    def decide_anything(self, decision: Decision) -> None:
        self.decide(decision)

    @precondition(lambda self: self.state.status == "running")
    @rule()
    def submit(self) -> None:
        assert self.decide(SUBMIT)

    @precondition(lambda self: self.state.status == "closed")
    @rule()
    def reopen(self) -> None:
        assert self.decide(Decision("reopen", note="又坏了"))

    @precondition(lambda self: self.state.status == "running")
    @rule(pick=st.integers(0, 4))
    def return_somewhere(self, pick: int) -> None:
        targets = return_targets(self.definition, self.state)
        target = targets[pick % len(targets)] if targets else None
        assert self.decide(Decision("return", target, "重做")) == bool(targets)

    def decide(self, decision: Decision) -> bool:
        before = self.state
        try:
            outcome = advance(self.definition, before, decision)
        except FlowError as refused:
            assert not self.is_legal(decision)
            assert str(refused)
            assert before == self.state
            return False
        assert self.is_legal(decision)
        assert outcome.state.version == before.version + 1
        assert outcome.state.visits[: len(before.visits)] == before.visits
        self.state = outcome.state
        self.accepted.append(decision)
        self.apply(outcome.effects)
        return True

    def is_legal(self, decision: Decision) -> bool:
        """Say by the rules, written a second way, whether the decision is allowed."""
        ids = [node.id for node in self.definition.nodes]
        explained = bool(decision.note.strip())
        if self.state.node is None:
            target_is_known = decision.target is None or decision.target in ids
            return self.state.status == "closed" and decision.verdict == "reopen" and explained and target_is_known
        earlier = set(ids[: ids.index(self.state.node)]) & set(self.state.visits)
        return {
            "submit": True,
            "close": explained or self.state.node == ids[-1],
            "terminate": explained,
            "return": explained and bool(earlier) and (decision.target is None or decision.target in earlier),
            "reopen": False,
        }[decision.verdict]

    def apply(self, effects: tuple[object, ...]) -> None:
        for effect in effects:
            if isinstance(effect, OpenTask):
                self.open_tasks.add(effect.node)
            elif isinstance(effect, CloseTasks):
                self.open_tasks.remove(effect.node)

    @invariant()
    def a_running_case_stands_at_one_node_with_one_to_do_and_an_ended_one_at_none(self) -> None:
        ids = {node.id for node in self.definition.nodes}
        if self.state.status == "running":
            assert self.state.node in ids
            assert self.state.visits[-1] == self.state.node
            assert self.open_tasks == {self.state.node}
        else:
            assert self.state.node is None
            assert self.open_tasks == set()

    @invariant()
    def the_version_counts_the_changes(self) -> None:
        assert self.state.version == 1 + len(self.accepted)

    @invariant()
    def the_history_replays_to_the_same_state(self) -> None:
        assert replay(self.definition, self.accepted) == self.state


TestFlowWalk = FlowWalk.TestCase
TestFlowWalk.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
