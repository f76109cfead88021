"""小陈 works through complaints: finds them, settles them with one tap, records one from a pasted number, groups them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.issues.models import Issue
from tests.conftest import Browser, user_id
from tests.unit.complaints.conftest import Put, line, order, put, review

Login = Callable[[str], Browser]
HTMX = {"HX-Request": "true"}

__all__ = ["put"]


@pytest.fixture
def stock(put: Put) -> None:
    """Three bad reviews of three orders, and one good one."""
    put(*(order(f"A{n}") for n in range(4)), line("A0"), line("A1"), line("A2", sku="TOTE", lot="J-1"), line("A3"))
    put(
        review("A0", "瓶盖松,漏液了", days=3), review("A1", "颜色和图片色差明显", stars=2, days=2),
        review("A2", "拉链坏了", days=1), review("A3", "很喜欢", stars=5),
    )  # fmt: skip


def row(text: str) -> Complaint:
    """Return the complaint that says this, as it is stored now."""
    db.session.remove()  # what was read before the request is an old snapshot
    return db.session.scalars(select(Complaint).where(Complaint.text.contains(text))).one()


def term(code: str, kind: str = "type") -> int:
    """Return the id of a shipped term."""
    return db.session.scalars(select(Term.id).where(Term.kind == kind, Term.code == code)).one()


def tap(browser: Browser, complaint: Complaint, handling: str = "refund", **fields: object) -> Any:
    """Press a button of the row."""
    data = {"version": complaint.version, "handling": handling, "type": complaint.type_id or "", **fields}
    return browser.post(
        f"/complaints/{complaint.number}/settlement", data, headers={**HTMX, "HX-Target": f"complaint-{complaint.id}"}
    )


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what the read engine is asked."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_the_list_shows_what_was_said_with_the_suggestion_and_its_reason(stock: None, login: Login) -> None:
    page = login("customer_service").get("/complaints")
    assert page.status_code == 200
    assert "瓶盖松,漏液了" in page.text and "建议依据:漏液" in page.text
    assert "很喜欢" not in page.text
    assert f'id="complaint-{row("漏液").id}"' in page.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?type=leaking", {"漏液"}),
        ("?type=product_defect", {"漏液", "拉链"}),
        ("?stars_max=1", {"漏液", "拉链"}),
        ("?q=色差", {"色差"}),
        ("?q=拉链&status=open", {"拉链"}),
        ("?from=2026-11-19&status=all", {"拉链"}),
        ("?source=order", set()),
        ("?severity=minor", {"色差"}),
    ],
)
def test_filters_find_the_very_records(stock: None, login: Login, query: str, expected: set[str]) -> None:
    page = login("customer_service").get(f"/complaints{query}")
    assert {word for word in ("漏液", "色差", "拉链") if f'id="complaint-{row(word).id}"' in page.text} == expected


@pytest.mark.parametrize(
    "query", ["?sku=abc", "?from=tomorrow", "?after=x_y", "?stars_max=99", "?ids=a,b", "?issue=9999999999999999999999"]
)
def test_a_senseless_filter_is_no_error(stock: None, login: Login, query: str) -> None:
    assert login("customer_service").get(f"/complaints{query}").status_code == 200


def test_one_tap_settles_and_answers_the_row(stock: None, login: Login) -> None:
    complaint = row("漏液")
    answer = tap(login("customer_service"), complaint)
    assert answer.status_code == 200
    assert f'id="complaint-{complaint.id}"' in answer.text and "<html" not in answer.text
    found = row("漏液")
    assert (found.status, found.handled_by) == ("closed", user_id("customer_service"))


def test_without_scripts_the_tap_leads_to_the_page(stock: None, login: Login) -> None:
    complaint = row("漏液")
    answer = login("customer_service").post(
        f"/complaints/{complaint.number}/settlement", {"version": 1, "handling": "reply", "type": complaint.type_id}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/complaints/{complaint.number}")
    assert row("漏液").status == "closed"


def test_the_second_of_two_is_told_who_settled_it_and_how(stock: None, login: Login) -> None:
    complaint = row("漏液")
    tap(login("quality_lead"), complaint)
    answer = tap(login("customer_service"), complaint, "reply")
    assert answer.status_code == 409
    assert "王姐" in answer.text and "退款" in answer.text
    assert row("漏液").handled_by == user_id("quality_lead")


def test_a_double_tap_settles_once(stock: None, login: Login) -> None:
    complaint, browser = row("漏液"), login("customer_service")
    first = tap(browser, complaint, submit_id="one-tap")
    second = tap(browser, complaint, submit_id="one-tap")
    assert first.status_code == 200 and second.status_code != 409
    assert row("漏液").version == 2


def test_many_are_settled_at_once(stock: None, login: Login) -> None:
    ids = [str(row(word).id) for word in ("漏液", "色差")]
    answer = login("customer_service").post("/complaints/settlements", {"ids": ids, "handling": "refund"})
    assert answer.status_code == 303
    assert [row(word).status for word in ("漏液", "色差", "拉链")] == ["closed", "closed", "open"]


def test_each_of_many_settled_at_once_tells_it_after_it_was_reopened(stock: None, login: Login) -> None:
    """Only the first of the ticked complaints kept the settlement in its story."""
    browser, rows = login("customer_service"), [row("漏液"), row("色差")]
    browser.post("/complaints/settlements", {"ids": [str(found.id) for found in rows], "handling": "refund"})
    for found in rows:
        browser.post(f"/complaints/{found.number}/reopening", {"version": 2})
        story = browser.get(f"/complaints/{found.number}").text.split('<ul class="tl">')[1]
        assert "</b> 办结</div>" in story
        assert "</b> 重新打开</div>" in story


def test_the_page_shows_the_three_fields_and_where_it_comes_from(stock: None, login: Login) -> None:
    page = login("quality_lead").get(f"/complaints/{row('漏液').number}").text
    for expected in ("买家选的原因", "我们的分类", "证实的原因", "ROSE-30", "B2409-17", "HM", "A0"):
        assert expected in page


def test_a_settled_complaint_is_reopened(stock: None, login: Login) -> None:
    complaint, browser = row("漏液"), login("customer_service")
    tap(browser, complaint)
    browser.post(f"/complaints/{complaint.number}/reopening", {"version": 2})
    assert row("漏液").status == "open"
    assert "重新打开" in browser.get(f"/complaints/{complaint.number}").text


def test_a_pasted_order_number_fills_the_rest(stock: None, login: Login) -> None:
    browser = login("customer_service")
    assert "抖店旗舰店" in browser.get("/complaints/new?code=A0").text
    answer = browser.post("/complaints", {"code": "订单号:A0", "text": "又漏了", "type": term("leaking")})
    assert answer.status_code == 303
    found = row("又漏了")
    assert found.order and found.sku and found.lot and found.shop
    assert (found.order.external_id, found.sku.external_id, found.lot.external_id) == ("A0", "ROSE-30", "B2409-17")
    assert (found.source_kind, found.created_by) == ("staff", user_id("customer_service"))


def test_a_complaint_without_words_comes_back_with_what_was_typed(stock: None, login: Login) -> None:
    answer = login("customer_service").post("/complaints", {"code": "A0", "text": " "})
    assert answer.status_code == 422
    assert "A0" in answer.text


@pytest.mark.parametrize("role", ["owner", "purchasing", "auditor"])
def test_who_may_only_look_settles_nothing(stock: None, login: Login, role: str) -> None:
    assert tap(login(role), row("漏液")).status_code == 403
    assert row("漏液").status == "open"


def test_another_departments_complaint_is_not_found(stock: None, login: Login, app: Flask) -> None:
    complaint = row("漏液")
    with write() as session:
        foreign = session.get_one(User, user_id("purchasing")).department_id
        session.get_one(Complaint, complaint.id).department_id = foreign
    browser = login("customer_service")
    assert browser.get(f"/complaints/{complaint.number}").status_code == 404
    assert tap(browser, complaint).status_code == 404
    assert browser.post("/issues/openings", {"ids": complaint.id}).status_code == 404
    assert complaint.number not in browser.get("/complaints").text
    assert login("quality_lead").get(f"/complaints/{complaint.number}").status_code == 200


def test_a_person_opens_an_issue_adds_splits_and_gives_back(stock: None, login: Login) -> None:
    browser = login("quality_lead")
    ids = {word: row(word).id for word in ("漏液", "色差", "拉链")}
    answer = browser.post("/issues/openings", {"ids": [ids["漏液"], ids["色差"]]})
    db.session.remove()
    issue = db.session.scalars(select(Issue)).one()
    assert answer.headers["Location"] == f"/issues/{issue.number}"
    browser.post("/issues/memberships", {"ids": ids["拉链"], "issue": issue.number.lower()})
    assert {row(word).issue_id for word in ids} == {issue.id}
    browser.post("/issues/splits", {"ids": ids["拉链"], "issue_id": issue.id})
    assert row("拉链").issue_id not in {issue.id, None}
    browser.post("/issues/releases", {"ids": ids["色差"], "issue_id": issue.id})
    assert (row("漏液").issue_id, row("色差").issue_id) == (issue.id, None)
    assert browser.get(f"/issues/{issue.number}").status_code == 200
    held = browser.get(f"/complaints?issue={issue.id}&status=all").text
    assert "拆成新问题" in held and "漏液" in held and "色差明显" not in held


@pytest.mark.parametrize(("ids", "issue", "status"), [("", "QI-1", 422), ("1", "", 422), ("1", "QI-0000-0001", 404)])
def test_a_wrong_grouping_changes_nothing(stock: None, login: Login, ids: str, issue: str, status: int) -> None:
    assert login("quality_lead").post("/issues/memberships", {"ids": ids, "issue": issue}).status_code == status


def test_customer_service_may_not_split(stock: None, login: Login) -> None:
    answer = login("customer_service").post("/issues/splits", {"ids": row("漏液").id, "issue_id": 1})
    assert answer.status_code == 403


def test_pages_follow_one_another_without_gap_or_repeat(put: Put, login: Login) -> None:
    put(*(review(f"B{n}", f"漏液 {n}", days=n / 10) for n in range(75)))
    browser = login("customer_service")
    first = browser.get("/complaints").text
    after = first.split("&amp;after=")[1].split('"')[0]
    second = browser.get(f"/complaints?status=open&after={after}").text
    numbers = [part.split("<")[0] for page in (first, second) for part in page.split('<span class="num">CP-')[1:]]
    assert len(numbers) == len(set(numbers)) == 75


def test_the_queries_of_the_list_do_not_grow_with_its_rows(put: Put, login: Login) -> None:
    put(order("A0"), line("A0"), review("A0"))
    browser = login("customer_service")
    browser.get("/complaints")
    with statements() as few:
        browser.get("/complaints")
    put(*(order(f"C{n}") for n in range(40)), *(line(f"C{n}", sku=f"S{n}", lot=f"L{n}") for n in range(40)))
    put(*(review(f"C{n}") for n in range(40)))
    with statements() as many:
        browser.get("/complaints")
    assert len(few) == len(many) <= 20


def test_an_unknown_number_is_not_found(stock: None, login: Login) -> None:
    assert login("quality_lead").get("/complaints/CP-0000-0001").status_code == 404


def test_the_shop_of_the_box_stays_when_nothing_was_found(login: Login) -> None:
    browser = login("customer_service")
    assert browser.post("/complaints", {"code": "nowhere", "text": "电话里说漏液"}).status_code == 303
    found = row("电话里")
    assert (found.shop_id, found.order_id) == (None, None)
    assert db.session.scalar(select(Shop.id)) is None
