"""Who is responsible: shares that add up, and nobody's decision lost."""

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.events import timeline
from qtrace.investigation.models import Responsibility
from qtrace.investigation.shares import decide_responsibility
from qtrace.issues.models import Issue
from tests.conftest import NOW, user_id
from tests.factories.issues import fresh, make_issue, party


def last_event(issue: Issue) -> Any:
    db.session.remove()
    return timeline("issue", issue.id)[0]


def test_the_largest_share_becomes_the_issues_party_and_is_recorded(app: Flask) -> None:
    issue, ours, theirs = make_issue(), party("p_a", "测试供应商"), party("p_b", "测试快递")
    with write():
        decide_responsibility(issue, {ours: 20, theirs: 80}, reason=" 外箱压扁 ", version=0, by=1, now=NOW)
    stored = fresh().get_one(Issue, issue.id)
    assert (stored.responsible_party_id, stored.version) == (theirs, issue.version + 1)
    event = last_event(issue)
    assert (event.name, event.reason) == ("responsibility_decided", "外箱压扁")
    assert {share["name"]: share["percent"] for share in event.body["shares"]} == {"测试供应商": 20, "测试快递": 80}


def test_deciding_again_replaces_the_shares(app: Flask) -> None:
    issue, ours, theirs = make_issue(), party("p_a", "甲"), party("p_b", "乙")
    for version, shares in enumerate(({ours: 20, theirs: 80}, {ours: 100, theirs: 0})):
        with write():
            decide_responsibility(issue, shares, reason="", version=version, by=1, now=NOW)
    rows = fresh().scalars(select(Responsibility)).all()
    assert [(row.party_id, row.percent) for row in rows] == [(ours, 100)]
    assert fresh().get_one(Issue, issue.id).responsible_party_id == ours


@pytest.mark.parametrize("percents", [(50, 49), (101, -1), (0, 0), (200, -100)])
def test_shares_that_do_not_add_up_change_nothing(app: Flask, percents: tuple[int, int]) -> None:
    issue, ours, theirs = make_issue(), party("p_a", "甲"), party("p_b", "乙")
    with app.test_request_context(), pytest.raises(Refused, match="100"), write():
        decide_responsibility(
            issue, dict(zip((ours, theirs), percents, strict=True)), reason="", version=0, by=1, now=NOW
        )
    assert fresh().scalars(select(Responsibility)).all() == []


def test_only_a_responsible_party_can_be_responsible(app: Flask) -> None:
    issue = make_issue()
    with app.test_request_context(), pytest.raises(Refused), write():
        decide_responsibility(issue, {999_999: 100}, reason="", version=0, by=1, now=NOW)


def test_the_second_of_two_is_told_who_decided_what(app: Flask) -> None:
    issue, ours, theirs = make_issue(), party("p_a", "测试供应商"), party("p_b", "测试快递")
    first = user_id("inspector")
    with write():
        decide_responsibility(issue, {ours: 20, theirs: 80}, reason="外箱压扁", version=0, by=first, now=NOW)
    told = "李工 刚刚把定责改为 测试供应商 20%、测试快递 80%"
    with app.test_request_context(), pytest.raises(Conflict, match=told), write():
        decide_responsibility(issue, {ours: 100}, reason="来料", version=0, by=1, now=NOW)
    assert {row.percent for row in fresh().scalars(select(Responsibility))} == {20, 80}


def test_a_title_changed_meanwhile_is_no_conflict(app: Flask) -> None:
    issue, ours = make_issue(), party("p_a", "测试供应商")
    with write() as session:
        session.get_one(Issue, issue.id).version = 7
    with write():
        decide_responsibility(issue, {ours: 100}, reason="", version=0, by=1, now=NOW)
    assert fresh().get_one(Issue, issue.id).version == 8


@pytest.mark.parametrize("decided", [False, True])
def test_of_many_who_decide_at_once_exactly_one_does(app: Flask, decided: bool) -> None:
    issue, parties = make_issue(), [party(f"p_{n}", f"责任方{n}") for n in range(4)]
    if decided:
        with write():
            decide_responsibility(issue, {parties[0]: 100}, reason="", version=0, by=1, now=NOW)
    barrier, results = threading.Barrier(4), []

    def run(mine: int) -> None:
        with app.app_context(), app.test_request_context():
            barrier.wait()
            try:
                with write():
                    decide_responsibility(issue, {mine: 100}, reason="", version=int(decided), by=1, now=NOW)
                results.append("won")
            except Conflict:
                results.append("lost")

    threads = [threading.Thread(target=run, args=(mine,)) for mine in parties]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 3 + ["won"]
    assert len(fresh().scalars(select(Responsibility)).all()) == 1
