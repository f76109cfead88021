"""The shipped five stages are what the product promises."""

from qtrace.accounts.permissions import PERMISSIONS
from qtrace.flows.default import default_definition
from qtrace.flows.engine import (
    Decision,
    advance,
    dump_definition,
    gates_to_pass,
    parse_definition,
    reopen_target,
    replay,
    start,
)

STAGES = {
    "record": ("录入与分类", "initiator", "", 240, ()),
    "triage": ("定责", "role", "quality_lead", 480, ("responsibility_decided",)),
    "investigate": ("查原因", "role", "quality_lead", 1440, ("root_cause_found",)),
    "act": ("整改", "role", "quality_lead", 4800, ("actions_done",)),
    "verify": ("看效果", "role", "quality_lead", 14400, ("effect_verified",)),
}


def test_the_five_stages_have_their_owners_due_times_and_gates() -> None:
    shipped = {
        node.id: (node.name_zh, node.owner.kind, node.owner.value, node.due_minutes, node.gates)
        for node in default_definition().nodes
    }
    assert shipped == STAGES
    assert list(shipped) == list(STAGES)


def test_only_the_last_stage_judges_the_effect() -> None:
    assert [node.kind for node in default_definition().nodes] == ["handle"] * 4 + ["verify"]


def test_every_stage_has_an_english_name() -> None:
    assert all(node.name_en for node in default_definition().nodes)


def test_whoever_may_record_may_finish_recording_and_later_stages_need_the_right_to_decide() -> None:
    assert [node.permission for node in default_definition().nodes] == ["issue.create"] + ["issue.decide"] * 4
    assert {node.permission for node in default_definition().nodes} <= set(PERMISSIONS)


def test_five_submits_close_an_issue() -> None:
    state = replay(default_definition(), [Decision("submit")] * 5)
    assert (state.status, state.node, state.version) == ("closed", None, 6)
    assert state.visits == tuple(STAGES)


def test_a_reopened_issue_goes_back_to_finding_the_cause() -> None:
    closed = replay(default_definition(), [Decision("submit")] * 5)
    assert reopen_target(default_definition()) == "investigate"
    assert advance(default_definition(), closed, Decision("reopen", note="又坏了")).state.node == "investigate"


def test_closing_from_the_first_stage_has_to_pass_every_gate() -> None:
    gates = gates_to_pass(default_definition(), start(default_definition()).state, Decision("close", note="误报"))
    assert gates == ("responsibility_decided", "root_cause_found", "actions_done", "effect_verified")


def test_the_shipped_definition_survives_storage() -> None:
    assert parse_definition(dump_definition(default_definition())) == default_definition()
