"""The verify node judges by itself: it waits, goes on, or goes back with the figures."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.flows.instances import case_of, locked
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.flows.service import apply
from qtrace.flows.state import Jump
from qtrace.flows.verifying import judge_case, standing
from qtrace.investigation.models import Action, EffectCheck
from qtrace.issues.models import Issue
from tests.conftest import NOW, Browser, log_in, user_id
from tests.factories.issues import Goods, Sale, anew, make_goods, make_issue, sell

EFFECTIVE = NOW - timedelta(days=50)  # ripe after the 30 days of the node and the 14 goods need


def waiting_issue(goods: Goods, *, effective: datetime = EFFECTIVE) -> Issue:
    """Open an issue whose corrective action is done, and put it on its verify node."""
    issue = make_issue(sku_id=goods.sku, type_id=goods.kind)
    with write() as session:
        session.add(
            Action(
                issue_id=issue.id,
                kind="corrective",
                text="更换瓶盖内垫",
                created_at=NOW,
                done_at=NOW,
                effective_at=effective,
            )
        )
        instance = locked(("issue", issue.id))
        for node in ("investigate", "act", "verify"):
            apply(instance, case_of(instance), Jump(user_id("admin"), node, "测试"), by=user_id("admin"), now=NOW)
        session.get_one(Issue, issue.id).owner_id = user_id("quality_lead")
    return anew(Issue, issue.id)


def sales(goods: Goods, before: int, after: int, *, of: int = 100, effective: datetime = EFFECTIVE) -> None:
    """Sell so many pieces ten days before and ten days after the effective date, so many of them complained about."""
    moments = (("b", effective - timedelta(days=10), before), ("a", effective + timedelta(days=10), after))
    sell(
        goods,
        [
            Sale(f"{side}{n}", at, complaints=(goods.kind,) if n < bad else ())
            for side, at, bad in moments
            for n in range(of)
        ],
    )


def judged(issue: Issue, now: datetime = NOW) -> str:
    """Let the program judge and return what it found."""
    db.session.remove()
    (subject, token) = next(one for one in standing() if one[0] == ("issue", issue.id))
    found = judge_case(subject, token, now)
    db.session.remove()
    assert found is not None
    return found.outcome


def checks(issue: Issue) -> list[EffectCheck]:
    db.session.remove()
    return list(
        db.session.scalars(select(EffectCheck).where(EffectCheck.issue_id == issue.id).order_by(EffectCheck.id))
    )


def test_a_fallen_rate_closes_the_issue_and_asks_for_the_standard(app: Flask) -> None:
    goods = make_goods()
    sales(goods, before=20, after=2)
    issue = waiting_issue(goods)
    assert judged(issue) == "passed"
    assert anew(Issue, issue.id).status == "closed"
    (check,) = checks(issue)
    assert (check.verdict, check.accepted, check.by) == ("improved", True, None)
    assert (check.figures["before"], check.figures["after"]) == (
        {"events": 20, "units": 100},
        {"events": 2, "units": 100},
    )
    follow = db.session.scalars(select(Action).where(Action.issue_id == issue.id, Action.kind == "preventive")).one()
    assert follow.text.startswith("标准化") and follow.owner_id == user_id("quality_lead") and follow.due_at > NOW


def test_a_rate_that_stayed_goes_back_to_the_cause_with_the_figures(app: Flask) -> None:
    goods = make_goods()
    sales(goods, before=12, after=11)
    issue = waiting_issue(goods)
    assert judged(issue) == "failed"
    assert (anew(Issue, issue.id).status, anew(Issue, issue.id).stage) == ("open", "investigate")
    decision = db.session.scalars(select(FlowDecision).order_by(FlowDecision.id.desc()).limit(1)).one()
    assert (decision.verdict, decision.by) == ("failed", None)
    assert "12.00%" in decision.note and "11.00%" in decision.note


def test_too_little_data_is_said_once_and_waits(app: Flask) -> None:
    goods = make_goods()
    sales(goods, before=3, after=0, of=10)
    issue = waiting_issue(goods)
    assert [judged(issue), judged(issue)] == ["waits", "waits"]
    (check,) = checks(issue)
    assert check.verdict == "too_little_data" and "继续等" in check.note
    assert anew(Issue, issue.id).stage == "verify"


@pytest.mark.parametrize(("age", "of", "outcome"), [(20, 100, "waits"), (20, 320, "passed"), (43, 100, "waits")])
def test_it_waits_for_the_days_or_for_the_pieces_whichever_comes_first(
    sqlite_app: Flask, age: int, of: int, outcome: str
) -> None:
    goods, effective = make_goods(), NOW - timedelta(days=age)
    moments = (("b", effective - timedelta(days=3), of // 5), ("a", effective + timedelta(days=3), 1))
    sell(
        goods,
        [Sale(f"{s}{n}", at, complaints=(goods.kind,) if n < bad else ()) for s, at, bad in moments for n in range(of)],
    )
    assert judged(waiting_issue(goods, effective=effective)) == outcome


def test_the_same_action_is_not_judged_again_after_it_failed(sqlite_app: Flask) -> None:
    goods = make_goods()
    sales(goods, before=12, after=12)
    issue = waiting_issue(goods)
    assert judged(issue) == "failed"
    with write():
        instance = locked(("issue", issue.id))
        apply(instance, case_of(instance), Jump(user_id("admin"), "verify", "再看"), by=user_id("admin"), now=NOW)
    assert judged(issue, NOW + timedelta(days=3)) == "waits"
    assert len(checks(issue)) == 1


def test_a_case_that_went_on_meanwhile_is_left_alone(sqlite_app: Flask) -> None:
    goods = make_goods()
    sales(goods, before=20, after=2)
    issue = waiting_issue(goods)
    (subject, token) = next(one for one in standing() if one[0] == ("issue", issue.id))
    with write():
        instance = locked(subject)
        apply(instance, case_of(instance), Jump(user_id("admin"), "act", "换措施"), by=user_id("admin"), now=NOW)
    assert judge_case(subject, token, NOW) is None
    assert not checks(issue)
    assert db.session.scalars(select(FlowInstance.node).where(FlowInstance.subject_id == issue.id)).one() == "act"


def test_the_card_says_when_it_is_judged_and_what_the_program_found(sqlite_app: Flask) -> None:
    goods = make_goods()
    sales(goods, before=3, after=0, of=10)
    issue = waiting_issue(goods, effective=NOW - timedelta(days=10))
    lead: Browser = log_in(sqlite_app, "quality_lead")
    page = lead.get(f"/issues/{issue.number}").text
    assert "最晚 2026-12-24,或生效后发满 300 件就判断" in page
    judged(issue, NOW + timedelta(days=60))
    page = lead.get(f"/issues/{issue.number}").text
    assert "系统按数据判断" in page and "数据不足" in page
