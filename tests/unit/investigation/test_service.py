"""Verbs of the investigation: what they change, what they record, and who loses."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.events import timeline
from qtrace.investigation.models import Action, EffectCheck, Responsibility, Why
from qtrace.investigation.service import (
    NewAction,
    add_why,
    change_why,
    check_effect,
    decide_responsibility,
    finish_action,
    plan_action,
    read_amount,
    remove_why,
)
from qtrace.issues.models import Issue
from qtrace.tasks.models import Task
from tests.conftest import NOW, user_id
from tests.factories.issues import actions_of, fresh, make_issue, party


def planned(issue: Issue, **values: Any) -> int:
    """Plan an action of 李工."""
    new = NewAction(
        **{"kind": "corrective", "text": "重新标定", "owner_id": user_id("inspector"), "due_at": NOW} | values
    )
    by = user_id("quality_lead")
    with write():
        return plan_action(issue, new, by=by, now=NOW)


def asked(issue: Issue, **values: Any) -> int:
    """Ask why."""
    with write():
        return add_why(
            issue.id, **{"parent_id": None, "statement": "瓶盖渗漏", "evidence": "", "kind": "occurrence"} | values,
            by=1, now=NOW,
        )  # fmt: skip


def last_event(issue: Issue) -> Any:
    db.session.remove()
    return timeline("issue", issue.id)[0]


def test_the_largest_share_becomes_the_issues_party_and_is_recorded(app: Flask) -> None:
    issue, ours, theirs = make_issue(), party("p_a", "测试供应商"), party("p_b", "测试快递")
    with write():
        decide_responsibility(issue, {ours: 20, theirs: 80}, reason=" 外箱压扁 ", by=1, now=NOW)
    stored = fresh().get_one(Issue, issue.id)
    assert (stored.responsible_party_id, stored.version) == (theirs, issue.version + 1)
    event = last_event(issue)
    assert (event.name, event.reason) == ("responsibility_decided", "外箱压扁")
    assert {share["name"]: share["percent"] for share in event.body["shares"]} == {"测试供应商": 20, "测试快递": 80}


def test_deciding_again_replaces_the_shares(app: Flask) -> None:
    issue, ours, theirs = make_issue(), party("p_a", "甲"), party("p_b", "乙")
    for shares in ({ours: 20, theirs: 80}, {ours: 100, theirs: 0}):
        with write():
            decide_responsibility(issue, shares, reason="", by=1, now=NOW)
    rows = fresh().scalars(select(Responsibility)).all()
    assert [(row.party_id, row.percent) for row in rows] == [(ours, 100)]
    assert fresh().get_one(Issue, issue.id).responsible_party_id == ours


@pytest.mark.parametrize("percents", [(50, 49), (101, -1), (0, 0), (200, -100)])
def test_shares_that_do_not_add_up_change_nothing(app: Flask, percents: tuple[int, int]) -> None:
    issue, ours, theirs = make_issue(), party("p_a", "甲"), party("p_b", "乙")
    with app.test_request_context(), pytest.raises(Refused, match="100"), write():
        decide_responsibility(issue, dict(zip((ours, theirs), percents, strict=True)), reason="", by=1, now=NOW)
    assert fresh().scalars(select(Responsibility)).all() == []


def test_only_a_responsible_party_can_be_responsible(app: Flask) -> None:
    issue = make_issue()
    with app.test_request_context(), pytest.raises(Refused), write():
        decide_responsibility(issue, {999_999: 100}, reason="", by=1, now=NOW)


def test_answers_of_one_level_keep_their_order(app: Flask) -> None:
    issue = make_issue()
    top = asked(issue)
    children = [asked(issue, parent_id=top, statement=text) for text in ("甲", "乙", "丙")]
    rows = fresh().scalars(select(Why).where(Why.parent_id == top).order_by(Why.position)).all()
    assert [row.id for row in rows] == children
    assert [row.position for row in rows] == [0, 1, 2]


def test_an_answer_of_another_issue_is_not_found(app: Flask) -> None:
    issue, other = make_issue(), make_issue()
    foreign = asked(other)
    with app.test_request_context():
        with pytest.raises(NotFound), write():
            add_why(issue.id, parent_id=foreign, statement="x", evidence="", kind="system", by=1, now=NOW)
        with pytest.raises(NotFound), write():
            change_why(issue.id, foreign, {}, by=1, now=NOW)
        with pytest.raises(NotFound), write():
            remove_why(issue.id, foreign, by=1, now=NOW)
    assert fresh().get(Why, foreign) is not None


def test_a_root_needs_proof_and_its_change_is_recorded_old_and_new(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    with app.test_request_context(), pytest.raises(Refused, match="已证实"), write():
        change_why(issue.id, why, {"is_root": True, "evidence": "抽测"}, by=1, now=NOW)
    with write():
        change_why(issue.id, why, {"is_root": True, "evidence": "抽测", "tested": "true"}, by=1, now=NOW)
    event = last_event(issue)
    assert event.name == "why_changed"
    assert event.body["tested"] == {"old": "open", "new": "true"}
    assert "statement" not in event.body


def test_a_change_that_changes_nothing_is_not_recorded(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    with write():
        change_why(issue.id, why, {"statement": "瓶盖渗漏"}, by=1, now=NOW)
    assert last_event(issue).name == "why_added"


def test_an_answer_an_action_is_aimed_at_stays(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    planned(issue, why_id=why)
    with app.test_request_context(), pytest.raises(Refused, match="措施"), write():
        remove_why(issue.id, why, by=1, now=NOW)


def test_an_action_needs_words_a_kind_and_an_owner_who_can_finish_it(app: Flask) -> None:
    issue = make_issue()
    with app.test_request_context():
        for values, field in (
            ({"text": " "}, "text"), ({"kind": "magic"}, "kind"), ({"owner_id": None}, "owner_id"),
            ({"owner_id": 999_999}, "owner_id"), ({"owner_id": user_id("customer_service")}, "owner_id"),
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
