"""The quality lead edits the taxonomies; nobody else does."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.core.db import db
from tests.conftest import Browser

Login = Callable[[str], Browser]
TERMS = "/config/taxonomies"


def term(code: str) -> Term:
    """Return a type as it is stored now."""
    db.session.remove()  # what was read before the request is an old snapshot
    return db.session.scalars(select(Term).where(Term.kind == "type", Term.code == code)).one()


@pytest.mark.parametrize(
    "kind", ["type", "severity", "responsible_party", "detection_point", "disposition", "handling"]
)
def test_every_tree_has_its_page(login: Login, kind: str) -> None:
    page = login("quality_lead").get(f"{TERMS}?kind={kind}")
    assert page.status_code == 200
    assert 'aria-current="page"' in page.text


def test_an_unknown_tree_is_not_found(login: Login) -> None:
    assert login("quality_lead").get(f"{TERMS}?kind=weather").status_code == 404


def test_a_term_is_opened_renamed_moved_and_switched(login: Login) -> None:
    browser, row = login("quality_lead"), term("crushed")
    assert 'id="edit"' in browser.get(f"{TERMS}?kind=type&term={row.id}").text
    assert browser.post(f"{TERMS}/terms/{row.id}", {"name_zh": "压坏", "name_en": "Squashed"}).status_code == 303
    browser.post(f"{TERMS}/terms/{row.id}/position", {"up": "1"})
    browser.post(f"{TERMS}/terms/{row.id}/activity", {"active": "0"})
    found = term("crushed")
    assert (found.name_zh, found.name_en, found.position, found.active) == ("压坏", "Squashed", 0, False)


def test_a_term_is_added(login: Login) -> None:
    browser, parent = login("quality_lead"), term("damage").id
    answer = browser.post(f"{TERMS}/type", {"name_zh": "泡水", "parent_id": parent})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{TERMS}?kind=type")
    assert "泡水" in browser.get(f"{TERMS}?kind=type").text


def test_a_double_name_is_refused_on_the_page(login: Login) -> None:
    answer = login("quality_lead").post(f"{TERMS}/type", {"name_zh": "产品缺陷", "parent_id": ""})
    assert answer.status_code == 422
    assert "已经有了" in answer.text


def test_two_terms_are_merged(login: Login) -> None:
    old, new = term("crushed").id, term("broken").id
    assert login("quality_lead").post(f"{TERMS}/terms/{old}/merger", {"into": new}).status_code == 303
    assert not term("crushed").active


def test_a_merger_is_looked_at_before_and_undone_after(login: Login) -> None:
    browser, old, new = login("quality_lead"), term("crushed").id, term("broken").id
    page = browser.get(f"{TERMS}/terms/{old}/merger?into={new}")
    assert 'data-testid="merge-term"' in page.text
    browser.post(f"{TERMS}/terms/{old}/merger", {"into": new, "version": 1, "into_version": 1})
    assert "撤销合并" in browser.get(f"{TERMS}?kind=type").text
    assert browser.post(f"{TERMS}/mergers/1/reversal").status_code == 303
    assert term("crushed").active


def test_a_term_is_dragged_behind_a_sibling_and_to_another_branch(login: Login) -> None:
    browser, row, last = login("quality_lead"), term("broken").id, term("bad_packaging").id
    url, parent = f"{TERMS}/terms/{row}/position", term("damage").id
    assert browser.post(url, {"parent_id": parent, "after": last, "tree": 1}).status_code == 303
    assert term("broken").position == 2
    assert browser.post(url, {"parent_id": parent, "after": "", "tree": 1}).status_code == 409
    assert browser.post(url, {"parent_id": term("expiry").id}).status_code == 303
    assert term("broken").parent_id == term("expiry").id


def test_a_tree_is_added_renamed_and_retired(login: Login) -> None:
    browser = login("quality_lead")
    answer = browser.post(TERMS, {"name_zh": "库区", "name_en": "Zone", "key": "zone"})
    assert answer.headers["Location"] == f"{TERMS}?kind=zone"
    assert browser.post(TERMS, {"name_zh": "库区", "key": "zone"}).status_code == 422
    assert browser.post(f"{TERMS}/zone/names", {"name_zh": "仓位", "active": "0", "tree": 1}).status_code == 303
    assert "已停用的分类树" in browser.get(TERMS).text


def test_a_wrong_merger_is_refused_on_the_page(login: Login) -> None:
    row = term("crushed").id
    assert login("quality_lead").post(f"{TERMS}/terms/{row}/merger", {"into": row}).status_code == 422
    assert login("quality_lead").post(f"{TERMS}/terms/{row}/merger", {}).status_code == 404


@pytest.mark.parametrize("role", ["customer_service", "owner", "auditor"])
def test_others_may_not_even_look(login: Login, role: str) -> None:
    browser, row = login(role), term("crushed").id
    assert browser.get(TERMS).status_code == 403
    assert browser.post(f"{TERMS}/terms/{row}", {"name_zh": "x"}).status_code == 403
    assert term("crushed").name_zh == "压扁/变形"
