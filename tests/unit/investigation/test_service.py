"""Actions, effects and costs: what the verbs change, what they record, and who loses."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Forbidden, Refused
from qtrace.core.events import timeline
from qtrace.investigation.models import Action, EffectCheck
from qtrace.investigation.service import NewAction, check_effect, finish_action, plan_action, read_amount
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.issues import actions_of, fresh, make_issue


def planned(issue: Issue, **values: Any) -> int:
    """Plan an action of 李工."""
    new = NewAction(
        **{"kind": "corrective", "text": "重新标定", "owner_id": user_id("inspector"), "due_at": NOW} | values
    )
    by = user_id("quality_lead")
    with write():
        return plan_action(issue, new, by=by, now=NOW)


def last_event(issue: Issue) -> Any:
    db.session.remove()
    return timeline("issue", issue.id)[0]


def test_an_action_needs_words_a_kind_and_an_owner_who_can_finish_it(app: Flask) -> None:
    issue = make_issue()
    with app.test_request_context():
        for values, field in (
            ({"text": " "}, "text"), ({"kind": "magic"}, "kind"), ({"owner_id": None}, "owner_id"),
            ({"owner_id": 999_999}, "owner_id"), ({"owner_id": user_id("auditor")}, "owner_id"),
        ):  # fmt: skip
            with pytest.raises(Refused) as refused:
                planned(issue, **values)
            assert refused.value.field == field
    assert actions_of(issue.id) == []
    assert fresh().scalars(select(Task).where(Task.kind == "action")).all() == []


def test_each_action_closes_its_own_to_do_only(app: Flask) -> None:
    issue = make_issue()
    first, second = planned(issue), planned(issue, text="加扭矩抽测")
    with write():
        finish_action(issue.id, second, proof="记录", effective_at=None, version=1, by=1, now=NOW)
    states = {task.node: task.state for task in fresh().scalars(select(Task).where(Task.kind == "action"))}
    assert states == {f"action:{first}": "open", f"action:{second}": "done"}
    done = fresh().get_one(Action, second)
    assert (done.done_at, done.effective_at, done.proof, done.version) == (NOW, NOW, "记录", 2)


def test_a_finished_action_needs_proof(app: Flask) -> None:
    issue = make_issue()
    action = planned(issue)
    with app.test_request_context(), pytest.raises(Refused, match="证明"), write():
        finish_action(issue.id, action, proof=" \x00", effective_at=None, version=1, by=1, now=NOW)


def test_an_action_is_finished_by_its_owner_or_by_who_investigates(app: Flask) -> None:
    issue = make_issue()
    action = planned(issue, owner_id=user_id("customer_service"))
    other = planned(issue, owner_id=user_id("inspector"))
    mine = user_id("customer_service")
    with app.test_request_context(), pytest.raises(Forbidden, match="李工"), write():
        finish_action(issue.id, other, proof="记录", effective_at=None, version=1, by=mine, now=NOW)
    with write():
        finish_action(issue.id, action, proof="记录", effective_at=None, version=1, by=mine, now=NOW)
        finish_action(issue.id, other, proof="记录", effective_at=None, version=1, by=user_id("purchasing"), now=NOW)
    assert all(row.done_at for row in actions_of(issue.id))


def test_of_many_who_finish_an_action_at_once_exactly_one_does(app: Flask) -> None:
    issue = make_issue()
    action = planned(issue)
    barrier, results = threading.Barrier(4), []

    def run() -> None:
        with app.app_context(), app.test_request_context():
            barrier.wait()
            try:
                with write():
                    finish_action(issue.id, action, proof="记录", effective_at=None, version=1, by=1, now=NOW)
                results.append("won")
            except Conflict:
                results.append("lost")

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 3 + ["won"]
    assert [event.name for event in timeline("issue", issue.id)].count("action_done") == 1


def test_a_judgement_keeps_its_figures_and_a_weak_one_needs_a_reason(app: Flask) -> None:
    issue = make_issue()
    with app.test_request_context(), pytest.raises(Refused, match="理由"), write():
        check_effect(issue, effective_at=NOW, accepted=True, note=" ", by=1, now=NOW)
    with write():
        check_effect(issue, effective_at=NOW, accepted=True, note="已换供应商", by=1, now=NOW, mature_days=30)
    check = fresh().scalars(select(EffectCheck)).one()
    assert (check.verdict, check.figures["mature_days"]) == ("too_little_data", 30)
    assert last_event(issue).body["figures"]["before"] == {"events": 0, "units": 0}


def test_a_refusal_needs_no_reason(app: Flask) -> None:
    issue = make_issue()
    with write():
        check_effect(issue, effective_at=NOW, accepted=False, note="", by=1, now=NOW)
    assert fresh().scalars(select(EffectCheck.accepted)).one() is False


@pytest.mark.parametrize(
    ("text", "minor"), [("128.50", 12850), ("1,280", 128000), ("128.5", 12850), (" 9 ", 900), ("0.01", 1)]
)
def test_amounts_are_read_exactly(text: str, minor: int) -> None:
    assert read_amount(text) == minor


@pytest.mark.parametrize("text", ["", "0", "-1", "1.005", "abc", "NaN", "Infinity", "1e30"])
def test_what_is_no_amount_is_refused(sqlite_app: Flask, text: str) -> None:
    with sqlite_app.test_request_context(), pytest.raises(Refused):
        read_amount(text)
