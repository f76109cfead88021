"""The clocks of an issue follow from its history, and only from it."""

from datetime import datetime, timedelta

from qtrace.issues.clock_history import Case, Kept, Stages, Told, Visit, clocks_of_case, stage_clock
from qtrace.issues.clock_policy import SHIPPED, Policies, Policy
from tests.conftest import NOW

HOUR = timedelta(hours=1)
REPORTER, LEAD, CRITICAL, MINOR = 1, 2, 10, 11
STAGES = Stages(
    {"triage": "decide", "investigate": "root_cause", "act": "implement", "verify": "verify"}, frozenset({"record"})
)
MINUTES = {(kind, severity): minutes for kind, row in SHIPPED.items() for severity, minutes in row.items()}
POLICIES = Policies(Policy(MINUTES), [], {CRITICAL: "critical", MINOR: "minor"})
OPENED = Told(NOW, "issue_opened", REPORTER)


def at(hours: float) -> datetime:
    return NOW + hours * HOUR


def visit(node: str, since: float, until: float | None = None) -> Visit:
    return Visit(node, at(since), None if until is None else at(until))


def clocks(*told: Told, visits: tuple[Visit, ...] = (), severity: int | None = None) -> dict[str, Kept]:
    return clocks_of_case(Case([OPENED, *told], visits, STAGES, severity, POLICIES.changes), POLICIES.targets)


def states(found: dict[str, Kept]) -> dict[str, str]:
    return {kind: kept.clock.state for kind, kept in found.items()}


def ends(found: dict[str, Kept], kind: str) -> datetime | None:
    return found[kind].clock.intervals[-1].until


def test_an_opened_issue_is_to_be_answered_contained_decided_and_closed() -> None:
    assert states(clocks()) == dict.fromkeys(("acknowledge", "contain", "decide", "close"), "running")


def test_what_the_reporter_adds_is_no_answer() -> None:
    own = [Told(at(1), "issue_commented", REPORTER), Told(at(2), "issue_changed", REPORTER, {"title": {}})]
    assert states(clocks(*own, visits=(visit("record", 0, 2), visit("triage", 2))))["acknowledge"] == "running"


def test_the_first_word_of_somebody_else_or_a_claim_answers() -> None:
    assert ends(clocks(Told(at(1), "issue_commented", LEAD)), "acknowledge") == at(1)
    assert ends(clocks(Told(at(2), "task_claimed", REPORTER)), "acknowledge") == at(2)


def test_each_stage_runs_its_clock_and_a_return_lets_it_run_again() -> None:
    visits = (
        visit("record", 0, 1),
        visit("triage", 1, 2),
        visit("investigate", 2, 5),
        visit("triage", 5, 6),
        visit("investigate", 6),
    )
    found = clocks(visits=visits)
    assert states(found)["root_cause"] == "running"
    assert [(span.since, span.until) for span in found["root_cause"].clock.intervals] == [(at(2), at(5)), (at(6), None)]
    assert [(span.since, span.until) for span in found["decide"].clock.intervals] == [(at(0), at(2)), (at(5), at(6))]


def test_a_stage_that_is_left_in_the_moment_it_is_entered_has_ended() -> None:
    found = clocks(visits=(visit("record", 0, 2), visit("triage", 2, 2), visit("investigate", 2)))
    assert ends(found, "decide") == at(2)
    assert states(found)["root_cause"] == "running"


def test_two_stages_of_the_same_clock_end_it_together() -> None:
    visits = (visit("triage", 0, 2), visit("act", 2, 4), visit("act", 2, 6))
    assert ends(clocks(visits=visits), "implement") == at(6)


def test_a_case_is_contained_when_its_containment_is_done() -> None:
    planned = Told(at(1), "action_planned", LEAD, {"action": 7, "kind": "containment"})
    other = Told(at(1), "action_planned", LEAD, {"action": 8, "kind": "corrective"})
    visits = (visit("triage", 0, 2),)
    assert (
        states(clocks(planned, other, Told(at(3), "action_done", LEAD, {"action": 8}), visits=visits))["contain"]
        == "running"
    )
    assert ends(clocks(planned, Told(at(3), "action_done", LEAD, {"action": 7}), visits=visits), "contain") == at(3)


def test_without_a_containment_the_decision_ends_its_clock() -> None:
    assert ends(clocks(visits=(visit("triage", 0, 2),)), "contain") == at(2)


def test_the_end_stops_everything_and_a_reopened_case_goes_on() -> None:
    over = Told(at(3), "flow_terminated", LEAD)
    assert set(states(clocks(over)).values()) == {"stopped"}
    again = clocks(over, Told(at(5), "flow_reopened", LEAD, {"node": "investigate"}), visits=(visit("investigate", 5),))
    assert [(span.since, span.until) for span in again["close"].clock.intervals] == [(at(0), at(3)), (at(5), None)]
    assert states(again)["acknowledge"] == "stopped"


def test_another_severity_gives_the_running_clocks_other_targets() -> None:
    change = Told(at(3), "issue_classified", LEAD, {"severity_id": {"old": None, "new": CRITICAL}})
    found = clocks(change, visits=(visit("triage", 0, 2),), severity=CRITICAL)
    assert found["close"].clock.minutes == SHIPPED["close"]["critical"]
    assert found["decide"].clock.minutes == SHIPPED["decide"][""]  # it was over by then


def test_other_targets_hold_from_their_day_on() -> None:
    halved = Policies(Policy({key: minutes // 2 for key, minutes in MINUTES.items()}), [(at(4), Policy(MINUTES))], {})
    case = Case([OPENED], [visit("triage", 0, 2)], STAGES, None, halved.changes)
    found = clocks_of_case(case, halved.targets)
    assert found["decide"].clock.minutes == SHIPPED["decide"][""]
    assert found["close"].clock.minutes == SHIPPED["close"][""] // 2


def test_a_reason_that_does_not_stop_the_clock_is_only_shown() -> None:
    waits = Told(at(1), "clock_paused", LEAD, {"clock": "close", "stops": False}, "等内部讨论")
    found = clocks(waits)
    assert (found["close"].clock.state, found["close"].waits_for) == ("running", "等内部讨论")
    assert clocks(waits, Told(at(2), "clock_resumed", LEAD, {"clock": "close"}))["close"].waits_for == ""


def test_a_stage_says_by_its_gates_which_clock_it_runs() -> None:
    assert stage_clock("node_3", "handle", ("root_cause_found",)) == "root_cause"
    assert stage_clock("triage", "handle", ()) == "decide"
    assert stage_clock("node_9", "verify", ()) == "verify"
    assert stage_clock("node_4", "approve", ()) == ""
