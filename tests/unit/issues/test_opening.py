"""Complaints that pile up open an issue in the very transaction that brought them, and people may regroup them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event, insert, select

from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import classify
from qtrace.core.db import WRITE, db, write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.events import timeline
from qtrace.issues.models import Issue, OpeningRule
from qtrace.issues.opening import run_rules
from qtrace.issues.opening_groups import add, give_back, open_by_hand, split
from qtrace.issues.opening_rules import RuleChange, edit_rule, preview_last_year, switch_rule
from tests.conftest import NOW, user_id
from tests.unit.issues.conftest import Goods

DAY = timedelta(days=1)


def term(code: str) -> int:
    """Return the id of a shipped type."""
    return db.session.scalars(select(Term.id).where(Term.kind == "type", Term.code == code)).one()


def complain(goods: Goods, *days: float, kind: str = "leaking", safety: bool = False, **values: object) -> list[int]:
    """Store complaints about the lot of the goods, so many days ago; the rules have not looked at them yet."""
    known: dict[str, object] = {"lot_id": goods.lot, "sku_id": goods.sku, "supplier_id": goods.supplier}
    made = [
        Complaint(
            number=f"CP-{kind}-{day}", source_kind="staff", occurred_at=NOW - day * DAY, created_at=NOW, type_id=term(kind),
            safety=safety, text="瓶盖漏液", **known | values,
        )
        for day in days
    ]  # fmt: skip
    with write() as session:
        session.add_all(made)
        session.flush()
        return [row.id for row in made]


def judge(around: Sequence[int] | None = None) -> int:
    """Run the rules."""
    with write():
        return run_rules(now=NOW, by=None, around=around)


def issues() -> Sequence[Issue]:
    """Return every issue in the order of opening."""
    return db.session.scalars(select(Issue).order_by(Issue.id)).all()


def members(issue_id: int) -> list[int]:
    """Return the complaints an issue holds."""
    return list(db.session.scalars(select(Complaint.id).where(Complaint.issue_id == issue_id).order_by(Complaint.id)))


def test_three_leaks_of_a_lot_open_one_issue_that_holds_them(goods: Goods) -> None:
    ids = complain(goods, 3, 2, 1)
    assert judge() == 1
    (issue,) = issues()
    assert members(issue.id) == ids
    assert (issue.lot_id, issue.sku_id, issue.supplier_id) == (goods.lot, goods.sku, goods.supplier)
    assert (issue.complaint_count, issue.last_complaint_at) == (3, NOW - DAY)
    assert issue.title == "玫瑰精华液 30ml 批次 B2409-17:漏液"
    assert issue.signature == f"lot|{goods.lot}|{term('leaking')}"
    assert issue.stage == "record" and issue.number.startswith("QI-2611-")


def test_a_second_run_changes_nothing(goods: Goods) -> None:
    complain(goods, 3, 2, 1)
    judge()
    assert judge() == 0
    assert len(issues()) == 1


def test_a_new_complaint_joins_the_open_issue(goods: Goods) -> None:
    complain(goods, 3, 2, 1)
    judge()
    late = complain(goods, 0)
    assert judge(late) == 0
    (issue,) = issues()
    assert (issue.complaint_count, issue.last_complaint_at) == (4, NOW)
    assert timeline("issue", issue.id)[0].name == "complaints_joined"


def test_one_safety_complaint_opens_at_once(goods: Goods) -> None:
    complain(goods, 1, kind="allergy", safety=True)
    assert judge() == 1
    assert issues()[0].safety
    assert "涉及安全" in issues()[0].title


def test_a_closed_issue_takes_no_more(goods: Goods) -> None:
    complain(goods, 3, 2, 1)
    judge()
    with write() as session:
        session.get_one(Issue, issues()[0].id).status = "closed"
    judge(complain(goods, 0))
    assert len(members(issues()[0].id)) == 3


def test_buyers_reasons_pile_up_without_an_issue(goods: Goods) -> None:
    complain(goods, 4, 3, 2, 1, kind="buyer_reason")
    assert judge() == 0


def test_types_beneath_an_uncounted_one_do_not_count_either(goods: Goods) -> None:
    top = term("buyer_reason")
    with write() as session:
        session.add(Term(kind="type", code="regret", name_zh="后悔", name_en="Regret", parent_id=top))
    complain(goods, 4, 3, 2, 1, kind="regret")
    assert judge() == 0


def test_a_rule_that_is_off_opens_nothing(goods: Goods) -> None:
    for rule in db.session.scalars(select(OpeningRule.id)).all():
        with write():
            switch_rule(rule, enabled=False, by=1, now=NOW)
    complain(goods, 3, 2, 1)
    assert judge() == 0


def test_a_complaint_whose_type_is_corrected_is_looked_at_anew(goods: Goods) -> None:
    complain(goods, 3, 2)
    (odd,) = complain(goods, 1, kind="buyer_reason")
    judge()
    kind = term("leaking")
    with write():
        classify(odd, terms={"type": kind}, by=user_id("quality_lead"), now=NOW, version=1)
    assert [issue.complaint_count for issue in issues()] == [3]


def lot_rule() -> OpeningRule:
    """Return the rule of the lots."""
    return db.session.scalars(select(OpeningRule).where(OpeningRule.key == "lot")).one()


def test_a_preview_counts_and_writes_nothing(goods: Goods) -> None:
    complain(goods, 400, 300, 299, 3, 2, 1)
    rule = lot_rule()
    found = preview_last_year(rule, RuleChange(threshold=3, days=30))
    assert (found.count, found.until) == (1, NOW - DAY)
    assert preview_last_year(rule, RuleChange(threshold=2, days=30)).count == 2
    assert preview_last_year(rule, RuleChange(threshold=2, days=30, not_types=("product_defect",))).count == 0
    assert issues() == []


def test_a_preview_without_complaints_says_so(app: Flask) -> None:
    assert preview_last_year(lot_rule(), RuleChange(threshold=3, days=30)).since is None


def test_a_changed_rule_opens_earlier(goods: Goods) -> None:
    rule = lot_rule().id
    with write():
        edit_rule(rule, RuleChange(threshold=2, days=10, not_types=["buyer_reason", "nonsense"]), by=1, now=NOW)
    assert (lot_rule().threshold, lot_rule().days) == (2, 10)
    assert lot_rule().condition == {"not_types": ["buyer_reason"]}
    complain(goods, 2, 1)
    assert judge() == 1


@pytest.mark.parametrize("change", [RuleChange(threshold=0, days=30), RuleChange(threshold=3, days=9999)])
def test_a_senseless_rule_is_refused(app: Flask, change: RuleChange) -> None:
    rule = lot_rule().id
    with pytest.raises(Refused), write():
        edit_rule(rule, change, by=1, now=NOW)


def test_a_person_opens_an_issue_from_complaints(goods: Goods) -> None:
    ids = complain(goods, 2, 1)
    by = user_id("quality_lead")
    with write():
        issue_id = open_by_hand(ids, by=by, now=NOW)
    issue = db.session.get_one(Issue, issue_id)
    assert (members(issue_id), issue.created_by, issue.rule_id, issue.signature) == (ids, by, None, "")


def test_held_complaints_are_not_taken_from_their_issue(goods: Goods) -> None:
    ids, by = complain(goods, 3, 2, 1), user_id("quality_lead")
    judge()
    with pytest.raises(Conflict, match="CP-leaking-3"), write():
        open_by_hand(ids, by=by, now=NOW)


def test_complaints_are_added_to_an_open_issue_only(goods: Goods) -> None:
    first, second = complain(goods, 50, 1)
    by = user_id("quality_lead")
    with write():
        issue_id = open_by_hand([first], by=by, now=NOW)
    with write():
        add(issue_id, [second], by=by, now=NOW)
    assert members(issue_id) == [first, second]
    with write() as session:
        session.get_one(Issue, issue_id).status = "closed"
    (third,) = complain(goods, 0)
    with pytest.raises(Refused), write():
        add(issue_id, [third], by=by, now=NOW)


def test_some_are_split_into_a_new_issue(goods: Goods) -> None:
    ids, by = complain(goods, 3, 2, 1), user_id("quality_lead")
    judge()
    old = issues()[0].id
    with write():
        new = split(old, ids[:1], by=by, now=NOW)
    assert (members(old), members(new)) == (ids[1:], ids[:1])
    told = timeline("issue", old)[0]
    assert (told.name, told.body["into"]) == ("complaints_split", db.session.get_one(Issue, new).number)
    assert db.session.get_one(Issue, old).complaint_count == 2


def test_at_least_one_stays(goods: Goods) -> None:
    ids = complain(goods, 3, 2, 1)
    judge()
    with pytest.raises(Refused), write():
        split(issues()[0].id, ids, by=1, now=NOW)


def test_what_a_person_gives_back_no_rule_takes_again(goods: Goods) -> None:
    ids = complain(goods, 3, 2, 1)
    judge()
    issue = issues()[0].id
    with write():
        give_back(issue, ids[:1], by=user_id("quality_lead"), now=NOW)
    judge()
    assert members(issue) == ids[1:]
    assert timeline("issue", issue)[0].body == {"complaints": ids[:1], "count": 1}


def test_a_person_may_put_it_back_by_hand(goods: Goods) -> None:
    ids, by = complain(goods, 3, 2, 1), user_id("quality_lead")
    judge()
    issue = issues()[0].id
    with write():
        give_back(issue, ids[:1], by=by, now=NOW)
    with write():
        add(issue, ids[:1], by=by, now=NOW)
    assert members(issue) == ids


def test_complaints_of_another_issue_are_not_split_off(goods: Goods) -> None:
    ids, by = complain(goods, 3, 2, 1), user_id("quality_lead")
    (other,) = complain(goods, 200)
    judge()
    with pytest.raises(Conflict), write():
        split(issues()[0].id, [other], by=by, now=NOW)
    assert members(issues()[0].id) == ids


def test_missing_complaints_and_issues_are_not_found(goods: Goods) -> None:
    (known,) = complain(goods, 1)
    for issue, complaint in ((99, known), (99, 98)):
        with pytest.raises(NotFound), write():
            add(issue, [complaint], by=1, now=NOW)


def test_a_run_asks_as_often_for_a_thousand_complaints_as_for_three(goods: Goods) -> None:
    """Each of them is about another order of another courier line, so nothing piles up."""
    kind = term("leaking")
    asked = []
    for first, count in ((0, 3), (3, 1000)):
        rows = [
            {
                "number": f"CP-{n}", "source_kind": "staff", "occurred_at": NOW - n * DAY, "created_at": NOW, "type_id": kind,
                "courier_line": f"线路{n}",
            }
            for n in range(first, first + count)
        ]  # fmt: skip
        with write() as session:
            session.execute(insert(Complaint), rows)
        with counted() as statements, write():
            run_rules(now=NOW, by=None)
        asked.append(len(statements))
    assert asked[0] == asked[1]


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements the write engine is sent."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(db.engines[WRITE], "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engines[WRITE], "before_cursor_execute", note)
