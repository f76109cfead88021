"""What each gate asks for."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import write
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide
from qtrace.flows.gates import Gate
from qtrace.flows.models import FlowInstance
from qtrace.flows.service import apply
from qtrace.flows.state import Finish
from qtrace.investigation.gates import (
    actions_done,
    effect_verified,
    reopened_at,
    responsibility_decided,
    root_cause_found,
)
from qtrace.investigation.models import Action, EffectCheck, Responsibility, Why
from tests.conftest import NOW, user_id
from tests.factories.issues import make_issue, party


def add(*rows: Any) -> None:
    """Store rows and forget what was read before."""
    with write() as session:
        session.add_all(rows)


def share(issue_id: int, percent: int, code: str) -> Responsibility:
    return Responsibility(issue_id=issue_id, party_id=party(code, code), percent=percent, at=NOW)


def why(issue_id: int, kind: str, *, tested: str = "true", root: bool = True) -> Why:
    return Why(issue_id=issue_id, statement="因为", kind=kind, tested=tested, is_root=root, at=NOW)


def action(issue_id: int, kind: str, *, done: bool = True, cancelled: bool = False) -> Action:
    return Action(
        issue_id=issue_id, kind=kind, text="整改", created_at=NOW, done_at=NOW if done else None,
        cancelled_at=NOW if cancelled else None,
    )  # fmt: skip


def check(issue_id: int, at: datetime, *, accepted: bool = True) -> EffectCheck:
    return EffectCheck(
        issue_id=issue_id, effective_at=NOW, scope="sku", figures={}, verdict="improved", accepted=accepted, at=at
    )


def reopen(issue_id: int, at: datetime) -> None:
    """End an issue's flow and open it again."""
    with write() as session:
        instance = session.scalars(select(FlowInstance).where(FlowInstance.subject_id == issue_id)).one()
        lead = session.get_one(User, user_id("quality_lead"))
        case = Case(("issue", issue_id), "瓶盖漏液", "/issues/x", None, None)
        apply(instance, case, Finish(lead.id, "terminated", "误报"), by=lead.id, now=at)
        instance.state = instance.state | {"status": "closed"}
        decide(case, verdict="reopen", expected_version=instance.moved, by=lead, now=at, note="又漏了")


def missing(gate: Gate, issue_id: int) -> str:
    """Return what the gate says is missing."""
    with current_app.test_request_context():
        return gate("issue", issue_id) or ""


def test_responsibility_must_add_up(app: Flask) -> None:
    issue = make_issue().id
    assert "还没有定责" in missing(responsibility_decided, issue)
    add(share(issue, 80, "p_a"))
    assert "还没有定责" in missing(responsibility_decided, issue)
    add(share(issue, 20, "p_b"))
    assert missing(responsibility_decided, issue) == ""


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "还没有查到根因"),
        ([("occurrence", "true", False)], "还没有查到根因"),
        ([("occurrence", "open", True)], "还没有查到根因"),
        ([("escape", "true", True)], "还没有查到根因"),
        ([("system", "true", True)], "还没有查到根因"),
        ([("occurrence", "true", True)], "还没有回答为什么没查出来"),
        ([("occurrence", "true", True), ("escape", "false", True)], "还没有回答为什么没查出来"),
        ([("occurrence", "true", True), ("escape", "true", True)], ""),
    ],
)
def test_both_causes_must_be_tested_roots(app: Flask, rows: list[tuple[str, str, bool]], message: str) -> None:
    issue = make_issue().id
    add(*(why(issue, kind, tested=tested, root=root) for kind, tested, root in rows))
    found = missing(root_cause_found, issue)
    assert message in found
    assert bool(found) == bool(message)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "还没有完成的整改措施"),
        ([("correction", True, False)], "还没有完成的整改措施"),
        ([("corrective", False, False)], "还有 1 项措施没有完成"),
        ([("corrective", True, False), ("containment", False, False)], "还有 1 项措施没有完成"),
        ([("corrective", False, True)], "还没有完成的整改措施"),
        ([("corrective", True, False), ("containment", False, True)], ""),
        ([("corrective", True, False), ("containment", True, False), ("preventive", True, False)], ""),
    ],
)
def test_a_corrective_action_is_done_and_none_is_open(
    app: Flask, rows: list[tuple[str, bool, bool]], message: str
) -> None:
    issue = make_issue().id
    add(*(action(issue, kind, done=done, cancelled=cancelled) for kind, done, cancelled in rows))
    found = missing(actions_done, issue)
    assert message in found
    assert bool(found) == bool(message)


def test_the_last_judgement_of_the_effect_counts(app: Flask) -> None:
    issue = make_issue().id
    assert "还没有看效果" in missing(effect_verified, issue)
    add(check(issue, NOW))
    assert missing(effect_verified, issue) == ""
    add(check(issue, NOW + timedelta(days=1), accepted=False))
    assert "最近一次看效果没有通过" in missing(effect_verified, issue)
    add(check(issue, NOW + timedelta(days=2)))
    assert missing(effect_verified, issue) == ""


def test_a_reopening_takes_earlier_judgements_away(app: Flask) -> None:
    issue, other = make_issue().id, make_issue().id
    add(check(issue, NOW), check(other, NOW))
    reopen(issue, NOW + timedelta(days=1))
    assert reopened_at(issue) == NOW + timedelta(days=1)
    assert "还没有看效果" in missing(effect_verified, issue)
    assert missing(effect_verified, other) == ""
    add(check(issue, NOW + timedelta(days=2)))
    assert missing(effect_verified, issue) == ""


def test_the_gates_of_one_issue_do_not_see_another(app: Flask) -> None:
    done, fresh = make_issue().id, make_issue().id
    add(
        share(done, 100, "p_a"),
        why(done, "occurrence"),
        why(done, "escape"),
        action(done, "corrective"),
        check(done, NOW),
    )
    for gate in (responsibility_decided, root_cause_found, actions_done, effect_verified):
        assert missing(gate, done) == ""
        assert missing(gate, fresh) != ""
