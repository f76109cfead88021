"""The shipped five stages are what the product promises."""

from qtrace.accounts.permissions import PERMISSIONS
from qtrace.flows.checking import faults
from qtrace.flows.default import default_definition
from qtrace.flows.definition import Tree
from qtrace.flows.engine import act, start
from qtrace.flows.facts import Answer, Question
from qtrace.flows.gates import nodes_left
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.state import Decide, Finish, Reopen, State

STAGES = {
    "record": ("录入与分类", "initiator", "", 240, ()),
    "triage": ("定责", "role", "quality_lead", 480, ("responsibility_decided",)),
    "investigate": ("查原因", "role", "quality_lead", 1440, ("root_cause_found",)),
    "act": ("整改", "role", "quality_lead", 4800, ("actions_done",)),
    "verify": ("看效果", "role", "quality_lead", 14400, ("effect_verified",)),
}


def test_the_five_stages_have_their_owners_due_times_and_gates() -> None:
    shipped = {
        node.id: (node.name_zh, node.who[0].kind, node.who[0].value, node.due_minutes, node.gates)
        for node in default_definition().nodes
    }
    assert shipped == STAGES
    assert list(shipped) == list(STAGES)


def test_only_the_last_stage_judges_the_effect() -> None:
    assert [node.kind for node in default_definition().nodes] == ["start", "handle", "handle", "handle", "verify"]


def test_every_stage_has_an_english_name() -> None:
    assert all(node.name_en for node in default_definition().nodes)


def test_whoever_may_record_may_finish_recording_and_later_stages_need_the_right_to_decide() -> None:
    assert [node.permission for node in default_definition().nodes] == ["issue.create"] + ["issue.decide"] * 4
    assert {node.permission for node in default_definition().nodes} <= set(PERMISSIONS)


class One:
    """A company of one person, who is meant everywhere."""

    def answer(self, _question: Question, /) -> Answer:
        """Return the person."""
        return (7,)


TREE = Tree(default_definition())


def submitted(times: int) -> State:
    """Return an issue whose stages were handed in so many times."""
    state = start(TREE, One(), initiator=7).state
    for _time in range(times):
        state = act(TREE, state, Decide(state.tokens[0].seats[0].chain[0].id, 7), One()).state
    return state


def test_the_shipped_flow_may_run() -> None:
    assert faults(default_definition()) == []


def test_five_submits_close_an_issue() -> None:
    state = submitted(5)
    assert (state.status, state.tokens, state.version) == ("closed", (), 6)
    assert state.visits == tuple(STAGES)


def test_a_reopened_issue_goes_back_to_finding_the_cause() -> None:
    again = act(TREE, submitted(5), Reopen(7, "又坏了"), One()).state
    assert [token.node for token in again.tokens] == ["investigate"]


def test_closing_from_the_first_stage_has_to_pass_every_gate() -> None:
    left = nodes_left(TREE, submitted(0), Finish(7, "closed", "误报"), submitted(0))
    gates = [gate for node in left for gate in node.gates]
    assert gates == ["responsibility_decided", "root_cause_found", "actions_done", "effect_verified"]


def test_the_shipped_definition_survives_storage() -> None:
    assert parse_definition(dump_definition(default_definition())) == default_definition()
