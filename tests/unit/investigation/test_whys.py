"""The answers of the 5-Why tree: their order, their proof, and nobody's words lost."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.events import timeline
from qtrace.investigation.models import Why
from qtrace.investigation.service import NewAction, plan_action
from qtrace.investigation.whys import add_why, change_why, remove_why
from qtrace.issues.models import Issue
from tests.conftest import NOW, user_id
from tests.factories.issues import fresh, make_issue


def last_event(issue: Issue) -> Any:
    db.session.remove()
    return timeline("issue", issue.id)[0]


def asked(issue: Issue, **values: Any) -> int:
    """Ask why."""
    with write():
        return add_why(
            issue.id, **{"parent_id": None, "statement": "瓶盖渗漏", "evidence": "", "kind": "occurrence"} | values,
            by=1, now=NOW,
        )  # fmt: skip


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
            change_why(issue.id, foreign, {}, version=1, by=1, now=NOW)
        with pytest.raises(NotFound), write():
            remove_why(issue.id, foreign, version=1, by=1, now=NOW)
    assert fresh().get(Why, foreign) is not None


def test_a_root_needs_proof_and_its_change_is_recorded_old_and_new(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    with app.test_request_context(), pytest.raises(Refused, match="已证实"), write():
        change_why(issue.id, why, {"is_root": True, "evidence": "抽测"}, version=1, by=1, now=NOW)
    with write():
        change_why(issue.id, why, {"is_root": True, "evidence": "抽测", "tested": "true"}, version=1, by=1, now=NOW)
    event = last_event(issue)
    assert event.name == "why_changed"
    assert event.body["tested"] == {"old": "open", "new": "true"}
    assert "statement" not in event.body


def test_a_change_that_changes_nothing_is_not_recorded(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    with write():
        change_why(issue.id, why, {"statement": "瓶盖渗漏"}, version=1, by=1, now=NOW)
    assert last_event(issue).name == "why_added"


def test_an_answer_an_action_is_aimed_at_stays(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    new = NewAction(kind="corrective", text="重新标定", owner_id=user_id("inspector"), due_at=NOW, why_id=why)
    with write():
        plan_action(issue, new, by=user_id("quality_lead"), now=NOW)
    with app.test_request_context(), pytest.raises(Refused, match="措施"), write():
        remove_why(issue.id, why, version=1, by=1, now=NOW)


def test_the_second_of_two_is_told_who_changed_what(app: Flask) -> None:
    issue = make_issue()
    why, other = asked(issue), asked(issue, statement="扭矩太低")
    with write():
        change_why(issue.id, why, {"evidence": "抽测 32 件"}, version=1, by=user_id("inspector"), now=NOW)
        change_why(issue.id, other, {"tested": "false"}, version=1, by=user_id("quality_lead"), now=NOW)
    with app.test_request_context(), pytest.raises(Conflict, match="李工 刚刚改了证据,"), write():
        change_why(issue.id, why, {"evidence": "照片 4"}, version=1, by=1, now=NOW)
    assert (fresh().get_one(Why, why).evidence, fresh().get_one(Why, why).version) == ("抽测 32 件", 2)


def test_what_somebody_else_changed_is_not_removed_unseen(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    with write():
        change_why(issue.id, why, {"evidence": "抽测"}, version=1, by=user_id("inspector"), now=NOW)
    with app.test_request_context(), pytest.raises(Conflict, match="李工"), write():
        remove_why(issue.id, why, version=1, by=1, now=NOW)
    assert fresh().get(Why, why) is not None


def test_who_edits_what_was_removed_is_told_by_whom(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    with write():
        remove_why(issue.id, why, version=1, by=user_id("inspector"), now=NOW)
    with app.test_request_context(), pytest.raises(Conflict, match="李工 刚刚删除了这一条"), write():
        change_why(issue.id, why, {"evidence": "照片 4"}, version=1, by=1, now=NOW)


def test_an_answer_that_took_over_a_free_id_is_not_overwritten(app: Flask) -> None:
    """SQLite gives the id of a removed last row to the next one, which a form still open would have changed."""
    issue = make_issue()
    why = asked(issue)
    with write():
        remove_why(issue.id, why, version=1, by=1, now=NOW)
    new = asked(issue, statement="扭矩太低")
    assert fresh().get_one(Why, new).version == 2
    with app.test_request_context(), pytest.raises(Conflict), write():
        change_why(issue.id, why, {"statement": "瓶盖"}, version=1, by=1, now=NOW)
    assert fresh().get_one(Why, new).statement == "扭矩太低"


def test_of_many_who_change_an_answer_at_once_exactly_one_does(app: Flask) -> None:
    issue = make_issue()
    why = asked(issue)
    barrier, results = threading.Barrier(4), []

    def run(n: int) -> None:
        with app.app_context(), app.test_request_context():
            barrier.wait()
            try:
                with write():
                    change_why(issue.id, why, {"evidence": f"照片 {n}"}, version=1, by=1, now=NOW)
                results.append("won")
            except Conflict:
                results.append("lost")

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 3 + ["won"]
    assert fresh().get_one(Why, why).version == 2
